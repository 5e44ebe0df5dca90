//! The kit's own peers against each other: what they promise to the tests of the product.

use std::time::Duration;

use portreeve_testkit::{Client, Ended, Gate, Origin, Scratch, Script, text};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn an_origin_keeps_exactly_what_it_was_sent() {
    let origin = Origin::replying(200, "hi").start().await;
    let mut client = Client::connect(origin.address()).await;
    client.send(GET).await;
    assert_eq!(client.response().await.text(), "hi");
    client
        .send("POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
        .await;
    assert_eq!(client.response().await.status(), 200);
    let requests = origin.requests().await;
    assert_eq!(requests[0].raw, GET.as_bytes());
    assert_eq!(requests[1].text(), "abc");
    assert_eq!(origin.connection_count(), 1);
}

#[tokio::test]
async fn pieces_and_pauses_change_nothing() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    let script = Script::new()
        .read_request()
        .send_pieces(answer, 1, Duration::from_micros(100));
    let origin = Origin::scripted(script).start().await;
    let mut client = Client::connect(origin.address()).await;
    client.send_pieces(GET, 1, Duration::from_micros(100)).await;
    let response = client.response().await;
    assert_eq!(
        (text(&response.raw), response.text()),
        (text(answer.as_bytes()), "hi".to_owned())
    );
    assert_eq!(client.expect_closed().await, Ended::Closed);
}

#[tokio::test]
async fn scripts_serve_connections_in_turn() {
    let script = |answer: &str| Script::new().read_request().send(answer);
    let origin = Origin::scripted_each([script("one"), script("two")])
        .start()
        .await;
    for expected in ["one", "two", "two"] {
        let mut client = Client::connect(origin.address()).await;
        client.send(GET).await;
        assert_eq!(
            client.read_to_end().await,
            (expected.as_bytes().to_vec(), Ended::Closed)
        );
    }
}

#[tokio::test]
async fn a_reset_is_told_from_a_close() {
    let origin = Origin::scripted(Script::new().read_request().reset())
        .start()
        .await;
    let mut client = Client::connect(origin.address()).await;
    client.send(GET).await;
    assert_eq!(client.expect_closed().await, Ended::Reset);
}

#[tokio::test]
async fn a_cut_body_is_broken_and_shows_what_came() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc";
    let origin = Origin::scripted(Script::new().read_request().send(cut))
        .start()
        .await;
    let mut client = Client::connect(origin.address()).await;
    client.send(GET).await;
    let broken = client.try_response().await.unwrap_err();
    assert_eq!(
        (broken.got.as_slice(), broken.ended),
        (cut.as_bytes(), Some(Ended::Closed))
    );
}

#[tokio::test]
async fn a_gate_holds_the_script_until_the_test_opens_it() {
    let gate = Gate::new();
    let script = Script::new()
        .read_request()
        .send("first")
        .wait(&gate)
        .send("second");
    let origin = Origin::scripted(script).start().await;
    let mut client = Client::connect(origin.address()).await;
    client.send(GET).await;
    assert_eq!(client.read_exactly(5).await, b"first");
    client.expect_silence(Duration::from_millis(30)).await;
    gate.open();
    assert_eq!(client.read_to_end().await.0, b"second");
}

#[tokio::test]
async fn half_closed_connections_still_answer() {
    let origin = Origin::scripted(Script::new().until_peer_leaves()).start().await;
    let mut client = Client::connect(origin.address()).await;
    client.send("bytes").await;
    client.shut().await;
    origin.until_peer_left(0).await;
    assert_eq!(origin.connections().await[0].received, b"bytes");
    client.expect_closed().await;
}

#[tokio::test]
async fn the_same_over_a_unix_socket() {
    let scratch = Scratch::new();
    let origin = Origin::replying(204, "")
        .on_unix(scratch.file("o.sock"))
        .start()
        .await;
    let mut client = Client::connect(origin.address()).await;
    client.send(GET).await;
    assert_eq!(client.response().await.status(), 204);
}

#[tokio::test]
async fn a_refusing_address_refuses() {
    let origin = Origin::refusing();
    let error = tokio::net::TcpStream::connect(("127.0.0.1", origin.port()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_deaf_address_neither_connects_nor_refuses() {
    let origin = Origin::deaf();
    let connecting = tokio::net::TcpStream::connect(("127.0.0.1", origin.port()));
    assert!(
        tokio::time::timeout(Duration::from_millis(300), connecting)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_origin_that_stopped_accepting_refuses_and_keeps_what_it_has() {
    let origin = Origin::replying(200, "hi").start().await;
    let mut client = Client::connect(origin.address()).await;
    origin.until_connections(1).await;
    origin.stop_accepting().await;
    assert!(
        tokio::net::TcpStream::connect(("127.0.0.1", origin.port()))
            .await
            .is_err()
    );
    client.send(GET).await;
    assert_eq!(client.response().await.status(), 200);
}

#[tokio::test]
async fn a_flood_stops_when_nobody_reads() {
    let origin = Origin::scripted(Script::new().read_request().flood(1 << 40))
        .start()
        .await;
    let mut client = Client::connect(origin.address()).await;
    client.send(GET).await;
    client.discard(1 << 20).await;
    assert!(origin.sent() >= 1 << 20);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(origin.sent() < 1 << 25, "{} bytes", origin.sent());
}

#[tokio::test]
#[should_panic(expected = "awaited")]
async fn unexpected_bytes_fail_the_test() {
    let origin = Origin::scripted(Script::new().expect("right")).start().await;
    let mut client = Client::connect(origin.address()).await;
    client.send("wrong").await;
    client.expect_closed().await;
    origin.requests().await;
}
