//! What a client may use up over HTTP/1.1, it may over HTTP/2, and no more; records and counts say the same of both.

use std::time::{Duration, Instant};

use bytes::Bytes;
use portreeve_testkit::{Origin, Proxy, Script, Setup, get};

use super::peer::{Answer, Peer, request, whole};

async fn limited(origin: &Origin, limits: &str) -> Proxy {
    Proxy::before("app.test", &[origin])
        .client_limits(limits)
        .counting()
        .recording("json")
        .start()
        .await
}

/// The request is refused so, it is recorded and counted, and the connection goes on.
async fn is_refused(limits: &str, request: http::request::Builder, status: u16, cause: &str) {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = limited(&origin, limits).await;
    let mut peer = Peer::connect(&proxy).await;
    let answer: Answer = peer.ask(request).await;
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status(), status, "{text}");
    assert!(text.contains(&format!("\"{cause}\"")), "{text}");
    let record = &proxy.records(1).await[0];
    assert!(record.contains(&format!("\"cause\":\"{cause}\"")), "{record}");
    let is_one = |is: f64| (is - 1.0).abs() < 0.5;
    proxy
        .until_metric(
            "portreeve_requests_unrouted_total",
            &[&format!("cause=\"{cause}\"")],
            is_one,
        )
        .await;
    assert_eq!(peer.get("/").await.status(), 200);
    assert_eq!(origin.requests().await.len(), 1);
}

#[tokio::test]
async fn a_head_has_a_size() {
    let long = request("GET", "/").header("x", "a".repeat(1_000));
    is_refused("head_bytes_max = \"1KiB\"", long, 431, "head_too_large").await;
}

#[tokio::test]
async fn a_head_has_a_number_of_fields() {
    let many = (0..6).fold(request("GET", "/"), |request, n| {
        request.header(format!("x-{n}"), "a")
    });
    is_refused("fields_max = 5", many, 431, "head_too_large").await;
}

#[tokio::test]
async fn a_target_has_a_length() {
    let long = request("GET", &format!("/{}", "a".repeat(64)));
    is_refused("target_bytes_max = 64", long, 414, "target_too_long").await;
}

#[tokio::test]
async fn a_body_of_unknown_length_has_a_size() {
    let origin = Origin::scripted(Script::new().read_request().stall())
        .start()
        .await;
    let proxy = limited(&origin, "body_bytes_max = \"1KiB\"").await;
    let mut peer = Peer::connect(&proxy).await;
    let (response, mut stream) = peer.begin(request("POST", "/"), false).await;
    stream.send_data(Bytes::from(vec![b'x'; 2_000]), false).unwrap();
    assert_eq!(whole(response).await.unwrap().status(), 413);
    let record = &proxy.records(1).await[0];
    assert!(record.contains("\"cause\":\"body_too_large\""), "{record}");
}

#[tokio::test]
async fn an_idle_connection_is_closed_as_one_of_http1_is() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = limited(&origin, "keep_alive_timeout = \"300ms\"").await;
    let mut peer = Peer::connect(&proxy).await;
    assert_eq!(peer.get("/").await.status(), 200);
    let began = Instant::now();
    peer.ended().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(3));
    let is_none = |is: f64| is.abs() < 0.5;
    proxy
        .until_metric("portreeve_connections_open", &["listener=\"web\""], is_none)
        .await;
}

#[tokio::test]
async fn a_silent_tunnel_is_closed() {
    let origin = Origin::scripted(
        Script::new()
            .read_head()
            .send("HTTP/1.1 200 OK\r\n\r\n")
            .until_peer_leaves(),
    );
    let origin = origin.start().await;
    let proxy = limited(&origin, "tunnel_idle_timeout = \"300ms\"").await;
    let mut peer = Peer::connect(&proxy).await;
    let connect = http::Request::builder().method("CONNECT").uri("app.test:80");
    let (response, _stream) = peer.begin(connect, false).await;
    let mut body = response.await.unwrap().into_body();
    let ended = tokio::time::timeout(Duration::from_secs(4), body.data()).await;
    assert!(ended.expect("it is closed").is_none_or(|data| data.is_err()));
    origin.until_peer_left(0).await;
    let record = &proxy.records(1).await[0];
    assert!(record.contains("\"ended_by\":\"completion\""), "{record}");
}

/// A stream takes no place among the connections.
#[tokio::test]
async fn a_connection_of_many_streams_counts_as_one() {
    let origin = Origin::scripted(Script::new().read_request().stall())
        .start()
        .await;
    let setup = |setup: Setup| setup.client_limits("connections_max = 2\nfull_wait = \"100ms\"");
    let proxy = setup(Proxy::before("app.test", &[&origin]).counting())
        .pool("in_flight = \"unlimited\"")
        .start()
        .await;
    let mut peer = Peer::connect(&proxy).await;
    let mut begun = Vec::new();
    for _ in 0..5 {
        begun.push(peer.begin(request("GET", "/"), true).await);
    }
    origin.until_requests(5).await;
    let one = |is: f64| (is - 1.0).abs() < 0.5;
    proxy.until_metric("portreeve_connections_open", &[], one).await;
    let _second = Peer::connect(&proxy).await;
    let third = proxy.answer(get("/")).await;
    assert_eq!(third.status(), 503, "{}", third.text());
    assert!(third.text().contains("\"listener_full\""), "{}", third.text());
}

#[tokio::test]
async fn a_record_has_all_that_one_of_http1_has() {
    let origin = Origin::replying(200, "hello").start().await;
    let proxy = limited(&origin, "").await;
    let mut peer = Peer::connect(&proxy).await;
    let post = request("POST", "/a?b").header("user-agent", "a client");
    let (response, mut stream) = peer.begin(post, false).await;
    stream.send_data(Bytes::from_static(b"some"), false).unwrap();
    stream.send_data(Bytes::from_static(b" more"), true).unwrap();
    assert_eq!(whole(response).await.unwrap().body, "hello");
    let record = &proxy.records(1).await[0];
    for part in [
        "\"listener\":\"web\"",
        "\"client\":\"127.0.0.1\"",
        "\"method\":\"POST\",\"host\":\"app.test\",\"target\":\"/a?b\",\"version\":\"HTTP/2\"",
        "\"status\":200,\"ended_by\":\"completion\"",
        "\"route\":\"app\",\"pool\":\"app\",\"backend\":",
        "\"attempts\":1",
        "\"connect_ms\":",
        "\"first_byte_ms\":",
        "\"total_ms\":",
        "\"bytes_in\":9,",
        "\"user_agent\":\"a client\"",
    ] {
        assert!(record.contains(part), "{part} is not in {record}");
    }
    let labels = ["route=\"app\"", "direction=\"received\""];
    let is_nine = |is: f64| (is - 9.0).abs() < 0.5;
    proxy
        .until_metric("portreeve_request_bytes_total", &labels, is_nine)
        .await;
    for histogram in [
        "portreeve_request_duration_seconds_count",
        "portreeve_request_first_byte_seconds_count",
    ] {
        assert!((proxy.metric(histogram, &["route=\"app\""]).await - 1.0).abs() < 0.5);
    }
}
