//! Framing: what stands between one message and the next.

use std::time::Duration;

use portreeve_testkit::{Origin, Proxy, Script};

const CHUNKED: &str =
    "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n";
const LATE: Duration = Duration::from_millis(60);

#[tokio::test]
async fn the_last_line_of_a_chunked_request_reaches_the_backend_when_it_comes_by_itself() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    for _ in 0..2 {
        client.send(CHUNKED).await;
        tokio::time::sleep(LATE).await;
        client.send("\r\n").await;
        assert_eq!(client.response().await.status(), 200);
    }
    for request in origin.requests().await {
        assert!(request.raw_body().ends_with(b"0\r\n\r\n"), "{}", request.text());
    }
    assert_eq!(
        origin.connection_count(),
        1,
        "whole, so the connection serves again"
    );
}

#[tokio::test]
async fn the_last_line_of_a_chunked_answer_reaches_the_client_when_it_comes_by_itself() {
    let script = || {
        Script::new()
            .read_request()
            .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n")
            .pause(LATE)
            .send("\r\n")
            .forever()
    };
    let origin = Origin::scripted(script()).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    for _ in 0..2 {
        client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n").await;
        let response = client.response().await;
        assert!(
            response.raw_body().ends_with(b"hello\r\n0\r\n\r\n"),
            "{}",
            response.text()
        );
    }
}

#[tokio::test]
async fn connect_with_a_body_is_refused_and_reaches_nobody() {
    for framing in ["Content-Length: 42", "Transfer-Encoding: chunked"] {
        let origin = Origin::replying(200, "hi").start().await;
        let proxy = Proxy::routing("app.test", &[&origin]).await;
        let mut client = proxy.connect().await;
        let head = format!("CONNECT app.test:443 HTTP/1.1\r\nHost: app.test:443\r\n{framing}\r\n\r\n");
        client
            .send(head + "GET /smuggled HTTP/1.1\r\nHost: app.test\r\n\r\n")
            .await;
        assert_eq!(client.response().await.status(), 400, "{framing}");
        client.expect_closed().await;
        assert_eq!(origin.connection_count(), 0, "{framing}");
    }
}

#[tokio::test]
async fn a_length_that_a_careless_reader_might_misread_is_written_plainly() {
    for odd in ["Content-Length:\t5", "Content-Length: 005", "Content-Length:5"] {
        let origin = Origin::replying(200, "hi").start().await;
        let proxy = Proxy::routing("app.test", &[&origin]).await;
        let mut client = proxy.connect().await;
        client
            .send(format!("POST / HTTP/1.1\r\nHost: app.test\r\n{odd}\r\n\r\nhello"))
            .await;
        assert_eq!(client.response().await.status(), 200, "{odd}");
        let request = origin.request().await;
        let lengths: Vec<_> = request
            .field_lines()
            .into_iter()
            .filter(|line| line.starts_with("Content-Length"))
            .collect();
        assert_eq!(lengths, ["Content-Length: 5"], "{odd}");
    }
}
