//! `CONNECT`, with `:protocol` (RFC 8441) and without.

use bytes::Bytes;
use h2::ext::Protocol;
use http::Request;
use portreeve_testkit::{Origin, Proxy, Script};

use super::peer::Peer;

const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

async fn echo_through(request: http::request::Builder, proxy: &Proxy) {
    let mut peer = Peer::connect(proxy).await;
    // The client may only ask once it knows that it may.
    peer.until_extended_connect().await;
    let (response, mut send) = peer.begin(request, false).await;
    let response = response.await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().get("upgrade").is_none());
    let mut body = response.into_body();
    for word in ["hello", "there"] {
        send.send_data(Bytes::from(word), false).unwrap();
        let back = body.data().await.unwrap().unwrap();
        body.flow_control().release_capacity(back.len()).unwrap();
        assert_eq!(back, word);
    }
    send.send_data(Bytes::new(), true).unwrap();
    while let Some(rest) = body.data().await {
        assert!(rest.expect("the end comes through, and no error").is_empty());
    }
}

#[tokio::test]
async fn a_websocket_over_http2_is_an_upgrade_to_a_backend_of_http1() {
    let origin = Origin::scripted(Script::new().read_head().send(SWITCHED).echo())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let request = Request::connect("http://app.test/chat").extension(Protocol::from("websocket"));
    echo_through(request.header("sec-websocket-version", "13"), &proxy).await;
    let seen = origin.request().await;
    assert_eq!(seen.line(), "GET /chat HTTP/1.1");
    assert_eq!(seen.field("upgrade").as_deref(), Some("websocket"));
    assert_eq!(seen.field("sec-websocket-version").as_deref(), Some("13"));
    assert!(seen.field("sec-websocket-key").is_some_and(|key| key.len() == 24));
}

#[tokio::test]
async fn a_backend_that_does_not_upgrade_is_heard() {
    let origin = Origin::replying(403, "no").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut peer = Peer::connect(&proxy).await;
    peer.until_extended_connect().await;
    let request = Request::connect("http://app.test/chat").extension(Protocol::from("websocket"));
    let (response, _send) = peer.begin(request, false).await;
    let got = super::peer::whole(response).await.unwrap();
    assert_eq!((got.status(), &got.body[..]), (403, &b"no"[..]));
}

#[tokio::test]
async fn connect_is_a_tunnel() {
    let origin = Origin::scripted(Script::new().read_head().send("HTTP/1.1 200 OK\r\n\r\n").echo())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    echo_through(Request::connect("app.test:443"), &proxy).await;
    assert_eq!(origin.request().await.line(), "CONNECT app.test:443 HTTP/1.1");
}
