//! Duty: keep-alive to clients and to backends; what a backend did not finish is never completed.

use std::time::Duration;

use portreeve_testkit::{Broken, Ended, Gate, Origin, Proxy, Script, answer, get, post};

#[tokio::test]
async fn one_connection_serves_many_requests_over_one_backend_connection() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    for n in 0..50 {
        client.send(get(&format!("/{n}"))).await;
        assert_eq!(client.response().await.text(), "hi");
    }
    assert_eq!(
        (origin.requests().await.len(), origin.connection_count()),
        (50, 1)
    );
}

#[tokio::test]
async fn clients_share_the_backends_connections() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    for _ in 0..10 {
        assert_eq!(proxy.answer(get("/")).await.text(), "hi");
    }
    assert_eq!(origin.connection_count(), 1);
}

#[tokio::test]
async fn a_kept_connection_that_the_backend_closed_is_no_error() {
    let script = Script::new().read_request().send(answer("200 OK", "hi"));
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    for pause_ms in [0, 1, 5, 20, 0, 0, 3] {
        client.send(get("/")).await;
        assert_eq!(client.response().await.status(), 200);
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    }
}

#[tokio::test]
async fn a_kept_connection_that_was_reset_is_no_error() {
    let gate = Gate::new();
    let first = Script::new()
        .read_request()
        .send(answer("200 OK", "1"))
        .wait(&gate)
        .reset();
    let then = Script::new().read_request().send(answer("200 OK", "2")).forever();
    let origin = Origin::scripted_each([first, then]).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    assert_eq!(client.response().await.text(), "1");
    gate.open();
    client.send(get("/")).await;
    assert_eq!(client.response().await.text(), "2");
}

/// The backend closes as the request arrives: the classic race of every kept connection.
#[tokio::test]
async fn a_kept_connection_that_dies_under_a_request_is_no_error() {
    let first = Script::new()
        .read_request()
        .send(answer("200 OK", "1"))
        .read_head();
    let then = Script::new().read_request().send(answer("200 OK", "2")).forever();
    let origin = Origin::scripted_each([first, then]).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    assert_eq!(client.response().await.text(), "1");
    client.send(get("/")).await;
    assert_eq!(client.response().await.text(), "2");
}

#[tokio::test]
async fn a_request_that_may_have_been_done_is_not_sent_twice() {
    let first = Script::new()
        .read_request()
        .send(answer("200 OK", "1"))
        .read_request();
    let origin = Origin::scripted_each([first, Script::new().read_request().send(answer("200 OK", "2"))])
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    assert_eq!(client.response().await.text(), "1");
    client.send(post("pay")).await;
    assert_eq!(client.response().await.status(), 502);
    let paid = origin
        .requests()
        .await
        .iter()
        .filter(|request| request.text() == "pay")
        .count();
    assert_eq!(paid, 1);
}

#[tokio::test]
async fn bytes_that_a_backend_sends_unasked_end_its_connection() {
    let gate = Gate::new();
    let first = Script::new()
        .read_request()
        .send(answer("200 OK", "1"))
        .wait(&gate)
        .send(answer("200 OK", "evil"))
        .until_peer_leaves();
    let then = Script::new().read_request().send(answer("200 OK", "2")).forever();
    let origin = Origin::scripted_each([first, then]).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    assert_eq!(client.response().await.text(), "1");
    gate.open();
    origin.until_peer_left(0).await;
    client.send(get("/")).await;
    assert_eq!(client.response().await.text(), "2");
}

#[tokio::test]
async fn a_client_that_asks_for_the_close_gets_it() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    for close in ["close", "Close", "keep-alive, close", "x ,CLOSE"] {
        let mut client = proxy.connect().await;
        client
            .send(format!(
                "GET / HTTP/1.1\r\nHost: app.test\r\nConnection: {close}\r\n\r\n"
            ))
            .await;
        assert_eq!(
            client.response().await.field("connection").as_deref(),
            Some("close"),
            "{close}"
        );
        assert_eq!(client.expect_closed().await, Ended::Closed);
    }
}

#[tokio::test]
async fn a_client_that_ends_its_side_after_the_request_leaves_no_connection_behind() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    assert_eq!(client.response().await.text(), "hi");
    client.shut().await;
    assert_eq!(client.expect_closed().await, Ended::Closed);
}

/// What a client gets of an answer that begins with `sent` and after which the backend's connection ends as `end` says.
async fn cut_short(sent: &str, end: impl FnOnce(Script) -> Script) -> Broken {
    let gate = Gate::new();
    let script = end(Script::new().read_request().send(sent).wait(&gate));
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    let head = client.head().await;
    gate.open();
    let mut broken = match client.try_rest(&head).await {
        Ok(message) => panic!("completed: {message:?}"),
        Err(broken) => broken,
    };
    broken.got.drain(..head.len());
    broken
}

#[tokio::test]
async fn a_body_that_comes_too_short_is_aborted() {
    let sent = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort";
    for end in [Script::shut as fn(Script) -> Script, Script::reset, |script| {
        script
    }] {
        let broken = cut_short(sent, end).await;
        assert!(broken.ended.is_some(), "{broken}");
        assert!(b"short".starts_with(&broken.got), "{broken}");
    }
}

#[tokio::test]
async fn a_chunked_body_without_its_last_chunk_is_aborted() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in [
        "",
        "5\r\nshort\r\n",
        "5\r\nsho",
        "5\r\nshort\r\n0\r\n",
        "5\r\nshort\r\n0\r\nX: y\r\n",
        "5",
    ] {
        for end in [Script::shut as fn(Script) -> Script, Script::reset] {
            let broken = cut_short(&format!("{head}{body}"), end).await;
            assert!(broken.ended.is_some(), "{body:?}: {broken}");
            assert!(!broken.got.ends_with(b"0\r\n\r\n"), "{body:?}: {broken}");
        }
    }
}

/// A close is the right end of such a body; a reset is not.
#[tokio::test]
async fn a_body_that_runs_to_the_close_and_is_reset_is_aborted() {
    let gate = Gate::new();
    let script = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\n\r\nsome")
        .wait(&gate)
        .reset();
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.read_through(b"some").await;
    gate.open();
    let (rest, ended) = client.read_to_end().await;
    assert!(
        ended == Ended::Reset || !rest.ends_with(b"0\r\n\r\n"),
        "the client cannot tell that it was cut"
    );
}

/// A client that knows no chunks can be told by a reset only.
#[tokio::test]
async fn a_cut_body_that_runs_to_the_close_is_reset_for_a_client_of_http_1_0() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\nsome",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n",
    ] {
        let gate = Gate::new();
        let script = Script::new().read_request().send(head).wait(&gate).reset();
        let origin = Origin::scripted(script).start().await;
        let proxy = Proxy::routing("app.test", &[&origin]).await;
        let mut client = proxy.connect().await;
        client.send("GET / HTTP/1.0\r\nHost: app.test\r\n\r\n").await;
        client.read_through(b"some").await;
        gate.open();
        assert_eq!(client.expect_closed().await, Ended::Reset, "{head}");
    }
}

#[tokio::test]
async fn a_backend_that_closes_before_the_head_is_an_error() {
    for part in [
        "",
        "HTTP/1.1 20",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
    ] {
        let origin = Origin::scripted(Script::new().read_request().send(part))
            .start()
            .await;
        let proxy = Proxy::routing("app.test", &[&origin]).await;
        let response = proxy.answer(post("x")).await;
        assert_eq!(response.status(), 502, "{part:?}");
    }
}

#[tokio::test]
async fn a_message_that_was_aborted_leaves_its_backend_connection_unused() {
    let first = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort")
        .until_peer_leaves();
    let then = Script::new().read_request().send(answer("200 OK", "2")).forever();
    let origin = Origin::scripted_each([first, then]).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.read_through(b"short").await;
    drop(client);
    origin.until_peer_left(0).await;
    assert_eq!(proxy.answer(get("/")).await.text(), "2");
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_not_used_for_a_post() {
    let script = Script::new().read_request().send(answer("200 OK", "hi"));
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    for _ in 0..5 {
        client.send(post("pay")).await;
        assert_eq!(client.response().await.status(), 200);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert_eq!(origin.requests().await.len(), 5);
}
