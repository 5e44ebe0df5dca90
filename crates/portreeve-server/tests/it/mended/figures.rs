//! What records and metrics count.

use portreeve_testkit::{Address, Client, Origin, Proxy, Script, Setup, get};

fn counting(origins: &[&Origin]) -> Setup {
    Proxy::before("app.test", origins)
        .top("admin = { bind = \"127.0.0.1:0\" }")
        .pool("balance = \"first\"")
        .recording("json")
}

/// The value of this metric of this backend.
async fn figure(proxy: &Proxy, name: &str, backend: &Origin) -> f64 {
    let admin = Address::Tcp(proxy.admin().expect("the admin listener is on"));
    let mut client = Client::connect(&admin).await;
    client
        .send(format!("GET /metrics HTTP/1.1\r\nHost: {admin}\r\n\r\n"))
        .await;
    let text = client.response().await.text();
    let label = format!("backend=\"{}\"", backend.address());
    let line = text
        .lines()
        .find(|line| line.starts_with(name) && line.contains(&label));
    let value = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    value.unwrap_or_else(|| panic!("no {name} of {label} in {text}"))
}

#[tokio::test]
async fn a_truncated_body_is_a_failure_of_the_backend() {
    let script = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    let origin = Origin::scripted(script).start().await;
    let proxy = counting(&[&origin]).start().await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.try_response().await.unwrap_err();
    proxy.records(1).await;
    assert_eq!(
        figure(&proxy, "portreeve_backend_failures_total", &origin).await,
        1.0
    );
}

#[tokio::test]
async fn a_client_that_leaves_is_no_failure_of_the_backend() {
    let origin = Origin::scripted(Script::new().read_request().until_peer_leaves())
        .start()
        .await;
    let proxy = counting(&[&origin]).start().await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    origin.until_requests(1).await;
    drop(client);
    proxy.records(1).await;
    assert_eq!(
        figure(&proxy, "portreeve_backend_failures_total", &origin).await,
        0.0
    );
}

#[tokio::test]
async fn a_client_that_leaves_before_it_was_told_anything_is_recorded_as_499() {
    let origin = Origin::scripted(Script::new().read_request().until_peer_leaves())
        .start()
        .await;
    for (format, expected) in [("json", "\"status\":499,"), ("combined", "\" 499 0 ")] {
        let proxy = Proxy::before("app.test", &[&origin])
            .recording(format)
            .start()
            .await;
        let mut client = proxy.connect().await;
        let before = origin.connection_count();
        client.send(get("/")).await;
        origin.until_requests(before + 1).await;
        drop(client);
        let record = proxy.records(1).await.remove(0);
        assert!(record.contains(expected), "{record}");
    }
}

#[tokio::test]
async fn only_connections_that_were_made_count_as_connects() {
    let (refusing, good) = (Origin::refusing(), Origin::replying(200, "hi").start().await);
    let proxy = counting(&[&refusing, &good]).start().await;
    assert_eq!(proxy.answer(get("/")).await.status(), 200);
    proxy.records(1).await;
    for (name, of_refusing, of_good) in [
        ("portreeve_backend_connects_total", 0.0, 1.0),
        ("portreeve_backend_failures_total", 1.0, 0.0),
    ] {
        assert_eq!(figure(&proxy, name, &refusing).await, of_refusing, "{name}");
        assert_eq!(figure(&proxy, name, &good).await, of_good, "{name}");
    }
}
