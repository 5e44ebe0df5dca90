use bytes::Bytes;
use h2::server::Builder;
use http::Response;
use portreeve_testkit::{PATIENCE, get};

use super::backend::{Backend, reply, send};
use super::proxy;

const UPGRADE: &str = "GET /chat HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Echoes what is asked for by extended CONNECT, until its client ends.
async fn echoing() -> Backend {
    let mut builder = Builder::new();
    builder.enable_connect_protocol();
    Backend::built(builder, |(request, mut respond)| async move {
        let Some(protocol) = request.extensions().get::<h2::ext::Protocol>() else {
            return reply(respond, "no tunnel");
        };
        assert_eq!((protocol.as_str(), request.uri().path()), ("websocket", "/chat"));
        assert_eq!(request.headers()["sec-websocket-version"], "13");
        assert!(!request.headers().contains_key("sec-websocket-key"));
        let mut stream = respond.send_response(Response::new(()), false).unwrap();
        let mut body = request.into_body();
        while let Some(Ok(data)) = body.data().await {
            body.flow_control().release_capacity(data.len()).unwrap();
            send(&mut stream, data, false).await;
        }
        let _ = stream.send_data(Bytes::new(), true);
    })
    .await
}

#[tokio::test]
async fn a_websocket_of_http1_goes_over_http2() {
    let backend = echoing().await;
    let proxy = proxy(&[&backend]).await;
    let mut client = proxy.connect().await;
    client.send(UPGRADE).await;
    let response = client.response().await;
    assert_eq!(response.status(), 101);
    assert_eq!(response.field("upgrade").as_deref(), Some("websocket"));
    assert_eq!(
        response.field("sec-websocket-accept").as_deref(),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    for size in [1, 1_000, 300_000] {
        let bytes = vec![b'w'; size];
        client.send(&bytes).await;
        assert!(client.read_exactly(size).await == bytes, "{size} bytes");
    }
    client.shut().await;
    client.expect_closed().await;
    assert_eq!(proxy.answer(get("/")).await.text(), "no tunnel");
    assert_eq!(backend.connections(), 1);
}

#[tokio::test]
async fn where_the_backend_has_no_tunnels_the_client_is_told() {
    let backend = Backend::serving(|(_, respond)| async move { reply(respond, "served") }).await;
    let proxy = proxy(&[&backend]).await;
    let mut client = proxy.connect().await;
    client.send(UPGRADE).await;
    let response = client.response().await;
    assert_eq!(response.status(), 502);
    assert!(
        response.text().contains("backend_protocol"),
        "{}",
        response.text()
    );
    assert_eq!(proxy.answer(get("/")).await.text(), "served");
}

#[tokio::test]
async fn connect_makes_a_tunnel_over_http2() {
    let backend = Backend::serving(|(request, mut respond)| async move {
        assert_eq!(request.method(), "CONNECT");
        assert_eq!(request.uri().to_string(), "app.test:443");
        let mut stream = respond.send_response(Response::new(()), false).unwrap();
        let mut body = request.into_body();
        while let Some(Ok(data)) = body.data().await {
            send(&mut stream, data, false).await;
        }
        let _ = stream.send_data(Bytes::new(), true);
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let mut client = proxy.connect().await.patience(PATIENCE);
    client
        .send("CONNECT app.test:443 HTTP/1.1\r\nHost: app.test:443\r\n\r\n")
        .await;
    let head = String::from_utf8(client.head().await).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    client.send("ping").await;
    assert_eq!(client.read_exactly(4).await, b"ping");
    client.shut().await;
    client.expect_closed().await;
}
