//! Duty: `Upgrade` and `CONNECT` tunnels; WebSocket works.

use std::time::Duration;

use portreeve_testkit::{Client, Ended, Origin, Proxy, Script, answer, get};

const UPGRADE: &str = "GET /chat HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/// A masked text frame of a WebSocket client, and a binary one with bytes of every kind.
const FRAME: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x82\x84\x00\x00\x00\x00\r\n\0\xff";

async fn upgraded(proxy: &Proxy) -> Client {
    let mut client = proxy.connect().await;
    client.send(UPGRADE).await;
    let response = client.response().await;
    assert_eq!(response.status(), 101);
    assert_eq!(response.field("upgrade").as_deref(), Some("websocket"));
    assert!(
        response
            .field("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("upgrade"))
    );
    assert_eq!(
        response.field("sec-websocket-accept").as_deref(),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    client
}

#[tokio::test]
async fn a_websocket_echo_works() {
    let origin = Origin::scripted(Script::new().read_head().send(SWITCHED).echo())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = upgraded(&proxy).await;
    for _ in 0..10 {
        client.send(FRAME).await;
        assert_eq!(client.read_exactly(FRAME.len()).await, FRAME);
    }
    let seen = origin.request().await;
    assert_eq!(seen.field("upgrade").as_deref(), Some("websocket"));
    assert!(
        seen.field("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("upgrade"))
    );
    assert_eq!(
        seen.field("sec-websocket-key").as_deref(),
        Some("dGhlIHNhbXBsZSBub25jZQ==")
    );
}

#[tokio::test]
async fn bytes_right_behind_the_101_are_the_tunnels() {
    let origin = Origin::scripted(
        Script::new()
            .read_head()
            .send([SWITCHED.as_bytes(), b"hello"].concat())
            .echo(),
    );
    let origin = origin.start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = upgraded(&proxy).await;
    assert_eq!(client.read_exactly(5).await, b"hello");
}

#[tokio::test]
async fn the_backend_may_speak_first_and_both_at_any_time() {
    let script = Script::new()
        .read_head()
        .send(SWITCHED)
        .pause(Duration::from_millis(20))
        .send("server")
        .expect("client");
    let origin = Origin::scripted(script.send("bye")).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = upgraded(&proxy).await;
    assert_eq!(client.read_exactly(6).await, b"server");
    client.send("client").await;
    assert_eq!(client.read_to_end().await, (b"bye".to_vec(), Ended::Closed));
}

#[tokio::test]
async fn much_passes_through_a_tunnel_unchanged() {
    let origin = Origin::scripted(Script::new().read_head().send(SWITCHED).echo())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = upgraded(&proxy).await;
    let block: Vec<u8> = (0..=252).cycle().take(50_000).collect();
    for _ in 0..20 {
        client.send(&block).await;
        assert!(client.read_exactly(block.len()).await == block);
    }
}

#[tokio::test]
async fn a_half_closed_tunnel_still_brings_the_answer() {
    let origin = Origin::scripted(
        Script::new()
            .read_head()
            .send(SWITCHED)
            .expect("question")
            .send("answer")
            .until_peer_leaves(),
    );
    let origin = origin.start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = upgraded(&proxy).await;
    client.send("question").await;
    client.shut().await;
    origin.until_peer_left(0).await;
    assert_eq!(client.read_to_end().await, (b"answer".to_vec(), Ended::Closed));
}

#[tokio::test]
async fn a_tunnel_that_the_backend_half_closes_still_takes_the_clients_bytes() {
    let origin = Origin::scripted(
        Script::new()
            .read_head()
            .send(SWITCHED)
            .send("bye")
            .shut()
            .until_peer_leaves(),
    );
    let origin = origin.start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = upgraded(&proxy).await;
    assert_eq!(client.read_exactly(3).await, b"bye");
    let before = origin.connections().await[0].received.len();
    client.send("late").await;
    origin.until_bytes(0, before + 4).await;
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_tunnel() {
    let origin = Origin::scripted(Script::new().read_head().send(SWITCHED).until_peer_leaves())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    upgraded(&proxy).await.reset();
    origin.until_peer_left(0).await;
}

#[tokio::test]
async fn a_backend_that_dies_ends_the_tunnel() {
    let origin = Origin::scripted(Script::new().read_head().send(SWITCHED).expect("x").reset())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = upgraded(&proxy).await;
    client.send("x").await;
    client.expect_closed().await;
}

#[tokio::test]
async fn a_refused_upgrade_is_an_ordinary_answer() {
    let origin = Origin::replying(426, "no").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(UPGRADE).await;
    let response = client.response().await;
    assert_eq!((response.status(), response.text().as_str()), (426, "no"));
    client.send(get("/next")).await;
    assert_eq!(client.response().await.text(), "no");
}

#[tokio::test]
async fn a_switch_that_nobody_asked_for_is_malformed() {
    let origin = Origin::scripted(Script::new().read_head().send(SWITCHED).echo())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    assert_eq!(proxy.answer(get("/")).await.status(), 502);
}

#[tokio::test]
async fn connect_makes_a_tunnel() {
    let origin = Origin::scripted(Script::new().read_head().send("HTTP/1.1 200 Yes\r\n\r\n").echo())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send("CONNECT app.test:443 HTTP/1.1\r\nHost: app.test:443\r\n\r\n")
        .await;
    assert!(client.head().await.starts_with(b"HTTP/1.1 200 "));
    client.send(FRAME).await;
    assert_eq!(client.read_exactly(FRAME.len()).await, FRAME);
    assert_eq!(origin.request().await.line(), "CONNECT app.test:443 HTTP/1.1");
}

#[tokio::test]
async fn a_refused_connect_is_an_ordinary_answer() {
    let origin = Origin::scripted(
        Script::new()
            .read_head()
            .send(answer("403 Forbidden", "no"))
            .forever(),
    )
    .start()
    .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let response = proxy
        .answer("CONNECT app.test:443 HTTP/1.1\r\nHost: app.test:443\r\n\r\n")
        .await;
    assert_eq!((response.status(), response.text().as_str()), (403, "no"));
}

#[tokio::test]
async fn a_client_of_http_1_0_cannot_upgrade() {
    let origin = Origin::replying(200, "plain").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let request = UPGRADE.replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(proxy.answer(request).await.text(), "plain");
    assert!(origin.request().await.values("upgrade").is_empty());
}

/// What a backend speaks in such a tunnel no proxy in front of it would see: request smuggling by invitation.
#[tokio::test]
async fn an_upgrade_to_h2c_is_not_passed_on() {
    let origin = Origin::replying(200, "plain").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let request = "GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n";
    assert_eq!(proxy.answer(request).await.text(), "plain");
    let seen = origin.request().await;
    assert!(
        seen.values("upgrade").is_empty() && seen.values("http2-settings").is_empty(),
        "{:?}",
        seen.field_lines()
    );
}

#[tokio::test]
async fn a_tunnel_that_nobody_reads_stops_the_sender() {
    let origin = Origin::scripted(Script::new().read_head().send(SWITCHED).flood(1 << 30))
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(UPGRADE).await;
    client.head().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(origin.sent() < 32 << 20, "{} bytes were taken", origin.sent());
    client.discard(64 << 20).await;
}
