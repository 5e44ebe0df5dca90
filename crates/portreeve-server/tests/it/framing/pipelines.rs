//! What stands behind a message, and answers before the end of a request.

use super::*;

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let echo = |request: &portreeve_testkit::Message| answer("200 OK", &request.line()).into_bytes();
    let origin = Origin::answering(echo).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    let all: String = (0..20).map(|n| get(&format!("/{n}"))).collect();
    client.send(all).await;
    for n in 0..20 {
        assert_eq!(client.response().await.text(), format!("GET /{n} HTTP/1.1"));
    }
}

#[tokio::test]
async fn a_request_right_behind_a_body_is_the_next_request() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send(
            [
                post("abc"),
                format!("{CHUNKED_POST}{ODD_BODY}"),
                post("def"),
                get("/last"),
            ]
            .concat(),
        )
        .await;
    for _ in 0..4 {
        assert_eq!(client.response().await.status(), 200);
    }
    let seen: Vec<String> = origin
        .requests()
        .await
        .iter()
        .map(portreeve_testkit::Message::text)
        .collect();
    assert_eq!(seen, ["abc", "abc0123456789z", "def", ""]);
}

#[tokio::test]
async fn pipelined_requests_behind_a_closing_one_are_left_alone() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send(
            [
                "GET /1 HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n",
                &get("/2"),
            ]
            .concat(),
        )
        .await;
    assert_eq!(client.response().await.text(), "hi");
    client.expect_closed().await;
    assert_eq!(origin.requests().await.len(), 1);
}

#[tokio::test]
async fn empty_lines_before_a_request_are_forgiven() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    for _ in 0..2 {
        client.send(format!("\r\n{}", get("/"))).await;
        assert_eq!(client.response().await.text(), "hi");
    }
    assert!(origin.requests().await[1].raw.starts_with(b"GET / "));
}

#[tokio::test]
async fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let script = Script::new()
        .read_head()
        .send(answer("413 Too Much", "stop"))
        .until_peer_leaves();
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 100\r\n\r\nsome")
        .await;
    assert_eq!(client.response().await.text(), "stop");
}

#[tokio::test]
async fn an_early_answer_does_not_let_the_rest_of_the_body_become_a_request() {
    let script = Script::new()
        .read_head()
        .send(answer("413 Too Much", "stop"))
        .until_peer_leaves();
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    let hidden = get("/hidden");
    client
        .send(format!(
            "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: {}\r\n\r\n",
            hidden.len()
        ))
        .await;
    assert_eq!(client.response().await.status(), 413);
    let _ = client.try_send(hidden).await;
    // Either the rest is taken as the body that it is, or the connection ends; never is it a request.
    let _ = client.patience(Duration::from_millis(200)).try_response().await;
    let lines: Vec<String> = origin
        .requests()
        .await
        .iter()
        .map(portreeve_testkit::Message::line)
        .collect();
    assert_eq!(lines, ["POST / HTTP/1.1"]);
}

#[tokio::test]
async fn an_early_answer_reaches_a_client_whose_body_nobody_reads() {
    let script = Script::new()
        .read_head()
        .send(answer("413 Too Much", "stop"))
        .stall();
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send(format!(
            "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: {}\r\n\r\n",
            1 << 30
        ))
        .await;
    client.flood(1 << 30, Duration::from_millis(300)).await;
    assert_eq!(client.response().await.text(), "stop");
}

#[tokio::test]
async fn a_client_that_pipelines_and_does_not_read_is_not_read_for_ever() {
    let origin = origin_sending(answer("200 OK", &"x".repeat(100_000))).await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    let block = get("/").repeat(1_000);
    let mut sent = 0;
    while sent < 100 << 20 {
        if client
            .try_send_within(&block, Duration::from_millis(300))
            .await
            .is_err()
        {
            break;
        }
        sent += block.len();
    }
    assert!(sent < 100 << 20, "all of it was taken");
    assert!(
        origin.sent() < 64 << 20,
        "{} bytes of answers wait somewhere",
        origin.sent()
    );
}

#[tokio::test]
async fn an_answer_before_which_the_backend_stopped_reading_is_delivered() {
    for _ in 0..20 {
        let script = Script::new()
            .read_head()
            .send(answer("403 No", "stop"))
            .shut()
            .pause(Duration::from_millis(20));
        let origin = Origin::scripted(script).start().await;
        let proxy = Proxy::routing("app.test", &[&origin]).await;
        let mut client = proxy.connect().await;
        client
            .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 3000000\r\n\r\n")
            .await;
        let _ = client
            .try_send_within(vec![b'x'; 3_000_000], Duration::from_secs(1))
            .await;
        assert_eq!(client.response().await.text(), "stop");
    }
}
