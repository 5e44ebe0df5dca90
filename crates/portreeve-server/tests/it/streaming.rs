//! Duty: streaming both ways with backpressure, in constant memory; a client that leaves ends the backend's request.

use std::time::Duration;

use portreeve_testkit::{Gate, Origin, Proxy, Script, answer, get, resident_bytes};

const GIB: u64 = 1 << 30;
/// What the sockets of both connections and the proxy's buffers may hold of a message that nobody reads.
const HELD_BYTES_MAX: u64 = 32 << 20;
const RESIDENT_GROWTH_MAX: u64 = 48 << 20;

#[tokio::test]
async fn the_first_event_arrives_when_it_is_sent() {
    let gate = Gate::new();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let script = Script::new()
        .read_request()
        .send(head)
        .send("9\r\ndata: 1\n\n\r\n")
        .wait(&gate)
        .send("9\r\ndata: 2\n\n\r\n0\r\n\r\n");
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/events")).await;
    client.read_through(b"data: 1\n\n").await;
    gate.open();
    client.read_through(b"data: 2\n\n").await;
}

#[tokio::test]
async fn a_response_head_arrives_before_its_body() {
    let gate = Gate::new();
    let script = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        .wait(&gate)
        .send("hi");
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.head().await;
    gate.open();
    assert_eq!(client.read_exactly(2).await, b"hi");
}

#[tokio::test]
async fn each_piece_of_a_body_that_runs_to_the_close_arrives_when_it_is_sent() {
    let gate = Gate::new();
    let script = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\n\r\none")
        .wait(&gate)
        .send("two");
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.read_through(b"one").await;
    gate.open();
    client.read_through(b"two").await;
}

#[tokio::test]
async fn the_first_piece_of_a_request_body_reaches_the_backend_before_the_next() {
    let gate = Gate::new();
    let script = Script::new()
        .read_head()
        .expect("4\r\none!\r\n")
        .wait(&gate)
        .expect("0\r\n\r\n")
        .send(answer("200 OK", ""));
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    origin.until_requests(1).await;
    let head = origin.request().await.raw.len();
    client.send("4\r\none!\r\n").await;
    origin.until_bytes(0, head + 9).await;
    gate.open();
    client.send("0\r\n\r\n").await;
    assert_eq!(client.response().await.status(), 200);
}

#[tokio::test]
async fn answer_and_request_may_flow_at_the_same_time() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let script = Script::new()
        .read_head()
        .send(head)
        .expect("1\r\na\r\n")
        .send("1\r\nA\r\n");
    let script = script
        .expect("1\r\nb\r\n")
        .send("1\r\nB\r\n")
        .expect("0\r\n\r\n")
        .send("0\r\n\r\n");
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    client.head().await;
    for (piece, back) in [
        ("1\r\na\r\n", "1\r\nA\r\n"),
        ("1\r\nb\r\n", "1\r\nB\r\n"),
        ("0\r\n\r\n", "0\r\n\r\n"),
    ] {
        client.send(piece).await;
        assert_eq!(client.read_exactly(back.len()).await, back.as_bytes());
    }
}

/// Returns what `count` says once it has not grown for a while.
async fn settled(count: impl Fn() -> u64) -> u64 {
    let mut before = u64::MAX;
    loop {
        let now = count();
        if now == before {
            return now;
        }
        before = now;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[tokio::test]
async fn a_slow_reader_stops_the_backends_writes() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {GIB}\r\n\r\n");
    let origin = Origin::scripted(Script::new().read_request().send(head).flood(GIB))
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.head().await;
    let held = settled(|| origin.sent()).await;
    assert!(held < HELD_BYTES_MAX, "{held} bytes were taken from the backend");
    client.discard(100 << 20).await;
    assert!(origin.sent() > held, "reading on lets the backend go on");
}

#[tokio::test]
async fn a_slow_backend_stops_the_clients_writes() {
    let origin = Origin::scripted(Script::new().read_head().stall()).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send(format!(
            "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: {GIB}\r\n\r\n"
        ))
        .await;
    let sent = client.flood(GIB, Duration::from_millis(400)).await;
    assert!(sent < HELD_BYTES_MAX, "{sent} bytes were taken from the client");
}

#[tokio::test]
async fn a_gibibyte_down_takes_no_memory() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {GIB}\r\n\r\n");
    let origin = Origin::scripted(Script::new().read_request().send(head).flood(GIB))
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let before = resident_bytes();
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.head().await;
    for _ in 0..16 {
        client.discard(GIB / 16).await;
        let growth = resident_bytes().saturating_sub(before);
        assert!(growth < RESIDENT_GROWTH_MAX, "grew by {growth} bytes");
    }
}

#[tokio::test]
async fn a_gibibyte_up_takes_no_memory() {
    let origin = Origin::scripted(Script::new().read_head().sink(GIB).send(answer("200 OK", "")))
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let before = resident_bytes();
    let mut client = proxy.connect().await;
    client
        .send(format!(
            "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: {GIB}\r\n\r\n"
        ))
        .await;
    assert_eq!(client.flood(GIB, Duration::from_secs(5)).await, GIB);
    assert_eq!(client.response().await.status(), 200);
    let growth = resident_bytes().saturating_sub(before);
    assert!(growth < RESIDENT_GROWTH_MAX, "grew by {growth} bytes");
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_ends_the_backends_request() {
    for reset in [false, true] {
        let origin = Origin::scripted(Script::new().read_request().until_peer_leaves())
            .start()
            .await;
        let proxy = Proxy::routing("app.test", &[&origin]).await;
        let mut client = proxy.connect().await;
        client.send(get("/")).await;
        origin.until_requests(1).await;
        if reset {
            client.reset();
        } else {
            drop(client);
        }
        origin.until_peer_left(0).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_amid_a_quiet_answer_ends_the_backends_request() {
    for reset in [false, true] {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n";
        let origin = Origin::scripted(Script::new().read_request().send(head).until_peer_leaves())
            .start()
            .await;
        let proxy = Proxy::routing("app.test", &[&origin]).await;
        let mut client = proxy.connect().await;
        client.send(get("/")).await;
        client.read_through(b"1\r\na\r\n").await;
        if reset {
            client.reset();
        } else {
            drop(client);
        }
        origin.until_peer_left(0).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_amid_a_flowing_answer_ends_the_backends_request() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {GIB}\r\n\r\n");
    let origin = Origin::scripted(Script::new().read_request().send(head).flood(GIB))
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.head().await;
    drop(client);
    origin.until_peer_left(0).await;
}

#[tokio::test]
async fn a_client_that_leaves_amid_its_request_ends_the_backends_request() {
    let origin = Origin::scripted(Script::new().read_head().until_peer_leaves())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\n\r\n12345")
        .await;
    origin.until_requests(1).await;
    drop(client);
    origin.until_peer_left(0).await;
    assert!(origin.connections().await[0].received.ends_with(b"\r\n\r\n12345"));
}
