//! Interim answers: 100-continue both ways, 103 passed on.

use super::*;

#[tokio::test]
async fn a_client_that_waits_for_100_continue_gets_it_from_the_backend() {
    let script = Script::new()
        .read_head()
        .send("HTTP/1.1 100 Continue\r\n\r\n")
        .expect("body")
        .send(answer("200 OK", "done"));
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        .await;
    assert_eq!(client.response().await.status(), 100);
    assert_eq!(
        origin.request().await.field("expect").as_deref(),
        Some("100-continue")
    );
    client.send("body").await;
    assert_eq!(client.response().await.text(), "done");
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_gets_the_refusal_instead() {
    let origin = Origin::scripted(
        Script::new()
            .read_head()
            .send(answer("417 Expectation Failed", "no"))
            .until_peer_leaves(),
    );
    let origin = origin.start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        .await;
    let response = client.response().await;
    assert_eq!((response.status(), response.text().as_str()), (417, "no"));
    assert_eq!(
        origin.connections().await[0].received.len(),
        origin.request().await.raw.len()
    );
}

#[tokio::test]
async fn a_client_that_does_not_wait_for_100_continue_is_served_too() {
    let script = Script::new()
        .read_head()
        .send("HTTP/1.1 100 Continue\r\n\r\n")
        .read_body()
        .send(answer("200 OK", "done"));
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody")
        .await;
    let mut response = client.response().await;
    if response.status() == 100 {
        response = client.response().await;
    }
    assert_eq!(response.text(), "done");
    assert_eq!(origin.request().await.text(), "body");
}

#[tokio::test]
async fn a_backend_that_ignores_100_continue_gets_the_body_of_a_client_that_sends_it() {
    let origin = Origin::replying(200, "done").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        .await;
    origin.until_requests(1).await;
    client.send("body").await;
    assert_eq!(client.response().await.text(), "done");
}

#[tokio::test]
async fn another_expectation_is_refused() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let response = proxy
        .answer("GET / HTTP/1.1\r\nHost: app.test\r\nExpect: miracles\r\n\r\n")
        .await;
    assert_eq!(response.status(), 417);
    assert_eq!(origin.connection_count(), 0);
}

#[tokio::test]
async fn early_hints_are_passed_on_when_they_come() {
    let gate = Gate::new();
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
    let script = Script::new()
        .read_request()
        .send(hints)
        .wait(&gate)
        .send(hints)
        .send(answer("200 OK", "page"));
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    let first = client.response().await;
    assert_eq!(
        (first.status(), first.field("link").as_deref()),
        (103, Some("</a.css>; rel=preload"))
    );
    gate.open();
    assert_eq!(client.response().await.status(), 103);
    assert_eq!(client.response().await.text(), "page");
}

#[tokio::test]
async fn a_client_of_http_1_0_is_not_sent_interim_answers() {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let origin = origin_sending_once(format!("{hints}{}", answer("200 OK", "page"))).await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    assert_eq!(
        proxy
            .answer("GET / HTTP/1.0\r\nHost: app.test\r\n\r\n")
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn a_refusal_does_not_wait_for_a_body_that_waits_for_100_continue() {
    let refusing = Origin::refusing();
    let proxy = Proxy::routing("app.test", &[&refusing]).await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        .await;
    assert_eq!(client.response().await.status(), 502);
}
