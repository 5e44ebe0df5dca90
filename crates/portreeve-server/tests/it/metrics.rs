//! Duty: `/metrics` in Prometheus text on an admin listener, with `/healthz` and `/readyz`.

use portreeve_testkit::{Address, Client, Gate, Message, Origin, Proxy, Script, answer, get};

async fn with_admin(origin: &Origin) -> Proxy {
    Proxy::before("app.test", &[origin])
        .top("admin = { bind = \"127.0.0.1:0\" }")
        .start()
        .await
}

async fn asked(proxy: &Proxy, path: &str) -> Message {
    let admin = Address::Tcp(proxy.admin().expect("the admin listener is on"));
    let mut client = Client::connect(&admin).await;
    client
        .send(format!(
            "GET {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n"
        ))
        .await;
    client.response().await
}

/// The sum of all series of this name whose labels contain all of these.
fn total(metrics: &str, name: &str, labels: &[&str]) -> f64 {
    let wanted = metrics.lines().filter(|line| {
        let series = line.split(['{', ' ']).next();
        series == Some(name) && labels.iter().all(|label| line.contains(label))
    });
    wanted
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

#[tokio::test]
async fn a_running_proxy_is_healthy_and_ready() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = with_admin(&origin).await;
    assert_eq!(asked(&proxy, "/healthz").await.status(), 200);
    assert_eq!(asked(&proxy, "/readyz").await.status(), 200);
    assert_eq!(asked(&proxy, "/nothing").await.status(), 404);
}

#[tokio::test]
async fn a_draining_proxy_is_healthy_and_not_ready() {
    let gate = Gate::new();
    let origin = Origin::scripted(
        Script::new()
            .read_request()
            .wait(&gate)
            .send(answer("200 OK", "late")),
    )
    .start()
    .await;
    let proxy = with_admin(&origin).await;
    let admin = Address::Tcp(proxy.admin().expect("the admin listener is on"));
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    origin.until_requests(1).await;
    let watch = async move {
        let mut ready = 200;
        while ready == 200 {
            let mut asking = Client::connect(&admin).await;
            asking
                .send(format!("GET /readyz HTTP/1.1\r\nHost: {admin}\r\n\r\n"))
                .await;
            ready = asking.response().await.status();
        }
        assert_eq!(ready, 503);
        gate.open();
        client.response().await;
    };
    tokio::join!(proxy.drain(), watch);
}

#[tokio::test]
async fn every_series_has_help_and_type_and_a_number() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = with_admin(&origin).await;
    proxy.answer(get("/")).await;
    let response = asked(&proxy, "/metrics").await;
    let kind = response.field("content-type").unwrap_or_default();
    assert!(
        kind.starts_with("text/plain") || kind.starts_with("application/openmetrics-text"),
        "{kind}"
    );
    let text = response.text();
    assert!(text.contains("# HELP ") && text.contains("# TYPE "));
    for line in text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let value = line.rsplit(' ').next().unwrap_or_default();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    assert!(text.contains("process_"), "figures of the process too");
}

#[tokio::test]
async fn requests_are_counted() {
    let origin = Origin::replying(404, "hi").start().await;
    let proxy = with_admin(&origin).await;
    for _ in 0..7 {
        proxy.answer(get("/")).await;
    }
    proxy.answer("GET / HTTP/1.1\r\nHost: else.test\r\n\r\n").await;
    // A client has its answer a moment before the request is counted.
    let mut text = String::new();
    for _ in 0..200 {
        text = asked(&proxy, "/metrics").await.text();
        let routed = total(&text, "portreeve_requests_total", &["route=\"app\""]);
        if routed + total(&text, "portreeve_requests_unrouted_total", &[]) >= 8.0 {
            break;
        }
    }
    assert_eq!(
        total(
            &text,
            "portreeve_requests_total",
            &["route=\"app\"", "pool=\"app\"", "class=\"4xx\""]
        ),
        7.0,
        "{text}"
    );
    assert_eq!(
        total(
            &text,
            "portreeve_requests_unrouted_total",
            &["cause=\"misdirected\""]
        ),
        1.0,
        "{text}"
    );
    assert_eq!(
        total(&text, "portreeve_backend_requests_total", &["pool=\"app\""]),
        7.0,
        "{text}"
    );
    assert_eq!(
        total(&text, "portreeve_backend_connects_total", &["pool=\"app\""]),
        1.0,
        "{text}"
    );
    assert_eq!(
        total(&text, "portreeve_backend_requests_in_flight", &["pool=\"app\""]),
        0.0,
        "{text}"
    );
    assert_eq!(
        total(
            &text,
            "portreeve_connections_accepted_total",
            &["listener=\"web\""]
        ),
        8.0,
        "{text}"
    );
}
