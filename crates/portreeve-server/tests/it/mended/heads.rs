//! Heads that are late, and what comes between two of them.

use std::time::{Duration, Instant};

use portreeve_testkit::{Ended, Origin, Proxy, Script, answer, get, post};

#[tokio::test]
async fn the_time_for_the_first_head_runs_once_from_the_connections_first_moment() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("head_timeout = \"2s\"")
        .start()
        .await;
    let began = Instant::now();
    let mut client = proxy.connect().await;
    tokio::time::sleep(Duration::from_millis(1_600)).await;
    client.send("GET /").await;
    assert_eq!(client.response().await.status(), 408);
    assert!(
        began.elapsed() > Duration::from_millis(1_900) && began.elapsed() < Duration::from_millis(3_000),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn keep_alive_promised_by_a_refusal_holds_from_the_refusal() {
    let fast = Script::new().read_request().send(answer("200 OK", "hi"));
    let origin = Origin::scripted_each([fast.clone().read_request().until_peer_leaves(), fast.clone()])
        .start()
        .await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("keep_alive_timeout = \"600ms\"")
        .backend_limits("first_byte_timeout = \"900ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/fast") + &get("/slow")).await;
    assert_eq!(client.response().await.status(), 200);
    let refusal = client.response().await;
    assert_eq!(
        (refusal.status(), refusal.field("connection")),
        (504, None),
        "{}",
        refusal.text()
    );
    client.expect_silence(Duration::from_millis(300)).await;
    client.send(get("/next")).await;
    assert_eq!(client.response().await.status(), 200);
}

#[tokio::test]
async fn a_line_break_behind_a_request_is_no_request() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("head_timeout = \"150ms\"\nkeep_alive_timeout = \"900ms\"")
        .recording("json")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(post("abc") + "\r\n").await;
    assert_eq!(client.response().await.status(), 200);
    client.expect_silence(Duration::from_millis(400)).await;
    client.send(post("def") + "\r\n").await;
    assert_eq!(client.response().await.status(), 200);
    assert_eq!(client.expect_closed().await, Ended::Closed);
    proxy.records(2).await;
}

#[tokio::test]
async fn a_line_break_that_comes_later_is_no_request_either() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("head_timeout = \"150ms\"\nkeep_alive_timeout = \"5s\"")
        .recording("json")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(post("abc")).await;
    assert_eq!(client.response().await.status(), 200);
    for byte in ["\r", "\n"] {
        client.send(byte).await;
        client.expect_silence(Duration::from_millis(20)).await;
    }
    client.expect_silence(Duration::from_millis(400)).await;
    client.send(get("/")).await;
    assert_eq!(client.response().await.status(), 200);
    proxy.records(2).await;
}
