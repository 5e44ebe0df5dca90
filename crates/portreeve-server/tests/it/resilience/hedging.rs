//! A second attempt beside one that takes long.

use std::time::Duration;

use portreeve_testkit::{Gate, Origin, Script, answer, get, post};

use crate::resilience::{count, in_order, named, playing, with_body};

/// A hedge after no time at all.
const AT_ONCE: &str = "hedge = { after = \"1ms\", after_min = \"1ms\" }";
/// A hedge that a test never sees.
const LATER: &str = "hedge = { after = \"1m\" }";

/// Reads requests and answers none, until the proxy gives it up.
fn silent() -> Script {
    Script::new().read_request().until_peer_leaves()
}

/// Answers with this once the gate is open.
fn behind(gate: &Gate, text: &str) -> Script {
    Script::new()
        .read_request()
        .wait(gate)
        .send(answer("200 OK", text))
        .forever()
}

#[tokio::test]
async fn the_second_answers_where_the_first_takes_long_and_the_first_is_cut() {
    let (slow, quick) = (playing(silent()).await, named("quick").await);
    let proxy = in_order(&[&slow, &quick])
        .counting()
        .recording("json")
        .pool(AT_ONCE)
        .start()
        .await;
    assert_eq!(proxy.answer(get("/")).await.text(), "quick");
    slow.until_peer_left(0).await;
    assert_eq!((count(&slow).await, count(&quick).await), (1, 1));
    let record = proxy.records(1).await.remove(0);
    assert!(record.contains("\"attempts\":2"), "{record}");
    assert!(
        record.contains(&format!("\"backend\":\"{}\"", quick.address())),
        "{record}"
    );
    proxy.until_idle().await;
}

#[tokio::test]
async fn the_first_answers_where_the_second_takes_longer_and_the_second_is_cut() {
    let gate = Gate::new();
    let (first, second) = (playing(behind(&gate, "first")).await, playing(silent()).await);
    let proxy = in_order(&[&first, &second])
        .counting()
        .pool(AT_ONCE)
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    second.until_requests(1).await;
    gate.open();
    assert_eq!(client.response().await.text(), "first");
    second.until_peer_left(0).await;
    client.send(get("/again")).await;
    assert_eq!(client.response().await.text(), "first");
    proxy.until_idle().await;
}

#[tokio::test]
async fn nothing_is_begun_before_the_delay() {
    let (first, second) = (named("first").await, named("second").await);
    let proxy = in_order(&[&first, &second]).pool(LATER).start().await;
    for _ in 0..20 {
        assert_eq!(proxy.answer(get("/")).await.text(), "first");
    }
    assert_eq!(count(&second).await, 0);
}

#[tokio::test]
async fn only_what_is_idempotent_and_has_no_body_is_begun_twice() {
    let gate = Gate::new();
    let (first, second) = (playing(behind(&gate, "first")).await, named("second").await);
    let proxy = in_order(&[&first, &second]).pool(AT_ONCE).start().await;
    let mut clients = Vec::new();
    let put = with_body("PUT", "", "x");
    let get_with_body = with_body("GET", "", "x");
    for (place, request) in [post("pay"), put, get_with_body].iter().enumerate() {
        let mut client = proxy.connect().await;
        client.send(request).await;
        first.until_requests(place + 1).await;
        clients.push(client);
    }
    // By the time that this one has come to the second, the others would have.
    for _ in 0..3 {
        assert_eq!(proxy.answer(get("/")).await.text(), "second");
    }
    gate.open();
    for mut client in clients {
        assert_eq!(client.response().await.text(), "first");
    }
    assert_eq!(count(&second).await, 3);
}

#[tokio::test]
async fn hedges_are_paid_by_the_retry_budget() {
    const CAME: usize = 30;
    let gate = Gate::new();
    let (first, second) = (playing(behind(&gate, "first")).await, named("second").await);
    let proxy = in_order(&[&first, &second])
        .pool(AT_ONCE)
        .pool("retry = { budget = \"50%\", budget_min = 0 }")
        .start()
        .await;
    let mut clients = Vec::new();
    for _ in 0..CAME {
        let mut client = proxy.connect().await;
        client.send(get("/")).await;
        clients.push(client);
    }
    first.until_requests(CAME).await;
    second.until_requests(CAME / 2).await;
    gate.open();
    let mut by_second = 0;
    for mut client in clients {
        by_second += usize::from(client.response().await.text() == "second");
    }
    assert_eq!(count(&second).await, CAME / 2, "two pay for one");
    assert!(by_second <= CAME / 2, "{by_second}");
}

#[tokio::test]
async fn without_a_delay_of_its_own_it_is_what_95_of_100_took() {
    let quick = answer("200 OK", "first");
    let mut script = Script::new();
    for _ in 0..40 {
        // What is known is looked up again every 50 ms.
        script = script.read_request().pause(Duration::from_millis(3)).send(&quick);
    }
    let first = playing(script.read_request().until_peer_leaves()).await;
    let second = named("second").await;
    let proxy = in_order(&[&first, &second]).pool("hedge = true").start().await;
    let mut client = proxy.connect().await;
    let mut firsts = 0;
    for _ in 0..41 {
        client.send(get("/")).await;
        firsts += usize::from(client.response().await.text() == "first");
    }
    assert!(firsts >= 20, "only {firsts}, and before 20 nothing is known");
    assert!(count(&second).await >= 1);
}

#[tokio::test]
async fn before_enough_is_known_nothing_is_begun_twice() {
    let gate = Gate::new();
    let (first, second) = (playing(behind(&gate, "first")).await, named("second").await);
    let proxy = in_order(&[&first, &second]).pool("hedge = true").start().await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    first.until_requests(1).await;
    client.expect_silence(Duration::from_millis(100)).await;
    gate.open();
    assert_eq!(client.response().await.text(), "first");
    assert_eq!(count(&second).await, 0);
}

#[tokio::test]
async fn where_the_first_fails_the_second_is_waited_for() {
    let (fail, go) = (Gate::new(), Gate::new());
    let first = playing(Script::new().read_request().wait(&fail).reset()).await;
    let second = playing(behind(&go, "second")).await;
    let third = named("third").await;
    let proxy = in_order(&[&first, &second, &third])
        .counting()
        .pool(AT_ONCE)
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    second.until_requests(1).await;
    fail.open();
    first.until(|connections| connections[0].is_over).await;
    proxy.come_round().await;
    go.open();
    assert_eq!(client.response().await.text(), "second");
    assert_eq!((count(&second).await, count(&third).await), (1, 0));
    proxy.until_idle().await;
}

#[tokio::test]
async fn where_the_second_fails_the_first_is_waited_for() {
    let gate = Gate::new();
    let first = playing(behind(&gate, "first")).await;
    let second = playing(Script::new().read_request().reset()).await;
    let proxy = in_order(&[&first, &second])
        .counting()
        .pool(AT_ONCE)
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    second.until_requests(1).await;
    proxy
        .until_metric("portreeve_backend_failures_total", &[], |count| count > 0.5)
        .await;
    gate.open();
    assert_eq!(client.response().await.text(), "first");
    proxy.until_idle().await;
}

#[tokio::test]
async fn a_kept_connection_that_died_is_no_failure_of_the_second() {
    let first = playing(silent()).await;
    let second = playing(Script::new().read_request().send(answer("200 OK", "second"))).await;
    let proxy = in_order(&[&first, &second])
        .counting()
        .pool(AT_ONCE)
        .start()
        .await;
    for asked in 0..3 {
        assert_eq!(proxy.answer(get("/")).await.text(), "second");
        second.until(|connections| connections[asked].is_over).await;
    }
    let failures = proxy.metric("portreeve_backend_failures_total", &[]).await;
    assert!(failures < 0.5, "{failures}");
    assert_eq!(second.connection_count(), 3);
}

#[tokio::test]
async fn a_second_that_cannot_be_connected_to_is_down_from_then_on() {
    let gate = Gate::new();
    let (first, refusing) = (playing(behind(&gate, "first")).await, Origin::refusing());
    let proxy = in_order(&[&first, &refusing])
        .counting()
        .pool(AT_ONCE)
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    let refusing = refusing.address().to_string();
    proxy.until_standing("app", &[&refusing], "down").await;
    gate.open();
    assert_eq!(client.response().await.text(), "first");
}

#[tokio::test]
async fn where_both_fail_another_is_asked() {
    let gate = Gate::new();
    let first = playing(Script::new().read_request().wait(&gate).reset()).await;
    let second = playing(Script::new().read_request().wait(&gate).reset()).await;
    let third = named("third").await;
    let proxy = in_order(&[&first, &second, &third])
        .counting()
        .pool(AT_ONCE)
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    second.until_requests(1).await;
    gate.open();
    assert_eq!(client.response().await.text(), "third");
    assert_eq!((count(&first).await, count(&second).await), (1, 1));
    proxy.until_idle().await;
    let failures = proxy.metric("portreeve_backend_failures_total", &[]).await;
    assert!((failures - 2.0).abs() < 0.5, "{failures}: each once");
}

#[tokio::test]
async fn who_was_asked_as_the_second_is_not_asked_again() {
    let first = playing(silent()).await;
    let second = Origin::replying(503, "second").start().await;
    let third = named("third").await;
    let proxy = in_order(&[&first, &second, &third])
        .pool(AT_ONCE)
        .pool("retry = { status = 503 }")
        .start()
        .await;
    assert_eq!(proxy.answer(get("/")).await.text(), "third");
    assert_eq!(
        (count(&first).await, count(&second).await, count(&third).await),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn a_client_that_leaves_cuts_both() {
    let (first, second) = (playing(silent()).await, playing(silent()).await);
    let proxy = in_order(&[&first, &second])
        .counting()
        .pool(AT_ONCE)
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    second.until_requests(1).await;
    client.reset();
    first.until_peer_left(0).await;
    second.until_peer_left(0).await;
    proxy.until_idle().await;
}
