//! Peers of HTTP/1.0.

use super::*;

#[tokio::test]
async fn a_client_of_http_1_0_is_closed_after_the_answer() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send("GET / HTTP/1.0\r\nHost: app.test\r\n\r\n").await;
    assert_eq!(client.response().await.text(), "hi");
    assert_eq!(client.expect_closed().await, Ended::Closed);
}

#[tokio::test]
async fn a_client_of_http_1_0_may_keep_the_connection() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    for _ in 0..2 {
        client
            .send("GET / HTTP/1.0\r\nHost: app.test\r\nConnection: Keep-Alive\r\n\r\n")
            .await;
        let response = client.response().await;
        assert_eq!(
            response
                .field("connection")
                .map(|value| value.to_ascii_lowercase())
                .as_deref(),
            Some("keep-alive")
        );
    }
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_no_chunks() {
    let origin = origin_sending(format!("{CHUNKED_OK}{ODD_BODY}")).await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send("GET / HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\n\r\n")
        .await;
    let response = client.response().await;
    assert_eq!(
        (
            response.values("transfer-encoding").len(),
            response.text().as_str()
        ),
        (0, "abc0123456789z")
    );
    client.expect_closed().await;
}

#[tokio::test]
async fn the_backend_is_asked_in_http_1_1_with_one_host() {
    let origin = Origin::replying(200, "hi").start().await;
    let backends = origin.address();
    let toml = format!(
        "[listener.web]\nbind = \"127.0.0.1:0\"\n[route.all]\npool = \"app\"\n[pool.app]\nbackends = [\"{backends}\"]"
    );
    let proxy = Proxy::with(&toml).await;
    assert_eq!(proxy.answer("GET / HTTP/1.0\r\n\r\n").await.status(), 200);
    let seen = origin.request().await;
    assert_eq!(
        (seen.line().as_str(), seen.values("host").len()),
        ("GET / HTTP/1.1", 1)
    );
}

#[tokio::test]
async fn a_backend_of_http_1_0_is_understood() {
    let origin = origin_sending_once("HTTP/1.0 200 OK\r\n\r\nold").await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    let response = client.response().await;
    assert_eq!(
        (response.line().as_str(), response.text().as_str()),
        ("HTTP/1.1 200 OK", "old")
    );
}

#[tokio::test]
async fn a_backend_of_http_1_0_keeps_its_connection_only_if_it_says_so() {
    for (says, connections) in [("", 2), ("Connection: keep-alive\r\n", 1)] {
        let origin = origin_sending(format!("HTTP/1.0 200 OK\r\n{says}Content-Length: 2\r\n\r\nhi")).await;
        let proxy = Proxy::routing("app.test", &[&origin]).await;
        let mut client = proxy.connect().await;
        for _ in 0..2 {
            client.send(get("/")).await;
            assert_eq!(client.response().await.text(), "hi");
        }
        assert_eq!(origin.connection_count(), connections, "{says:?}");
    }
}
