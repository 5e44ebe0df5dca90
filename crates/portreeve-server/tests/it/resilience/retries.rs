//! What is sent to another backend, and what never is.

use std::time::Duration;

use portreeve_testkit::{Gate, Origin, Script, answer, get, post};

use crate::resilience::{assert_told, count, in_order, named, playing, with_body};

const RESETS: &str = "backend_reset";

/// Reads whole requests and answers none.
fn resetting() -> Script {
    Script::new().read_request().reset()
}

#[tokio::test]
async fn what_could_not_be_connected_goes_elsewhere_whatever_its_method() {
    let good = named("good").await;
    let methods = ["POST", "PATCH", "PUT", "LOCK"];
    for method in methods {
        let refusing = Origin::refusing();
        let proxy = in_order(&[&refusing, &good]).start().await;
        let answer = proxy.answer(with_body(method, "", "all of it")).await;
        assert_eq!(answer.text(), "good", "{method}");
    }
    let bodies: Vec<String> = good
        .requests()
        .await
        .iter()
        .map(|request| request.text())
        .collect();
    assert_eq!(bodies, ["all of it"; 4]);
}

#[tokio::test]
async fn what_is_idempotent_goes_elsewhere_after_a_reset() {
    for method in ["GET", "HEAD", "OPTIONS", "DELETE", "PUT"] {
        let (sick, good) = (playing(resetting()).await, named("").await);
        let proxy = in_order(&[&sick, &good]).start().await;
        let request = format!("{method} / HTTP/1.1\r\nHost: app.test\r\n\r\n");
        assert_eq!(proxy.answer(request).await.status(), 200, "{method}");
        assert_eq!((count(&sick).await, count(&good).await), (1, 1), "{method}");
    }
}

#[tokio::test]
async fn what_is_not_idempotent_is_told_that_the_backend_reset_and_goes_nowhere_else() {
    let (sick, good) = (playing(resetting()).await, named("good").await);
    let proxy = in_order(&[&sick, &good]).start().await;
    assert_told(&proxy.answer(post("pay")).await, 502, RESETS);
    let empty = "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 0\r\n\r\n";
    assert_told(&proxy.answer(empty).await, 502, RESETS);
    assert_eq!((count(&sick).await, count(&good).await), (2, 0));
}

#[tokio::test]
async fn a_request_without_a_body_that_ends_in_a_clean_close_goes_elsewhere_too() {
    let (sick, good) = (playing(Script::new().read_request()).await, named("good").await);
    let proxy = in_order(&[&sick, &good]).start().await;
    assert_eq!(proxy.answer(get("/")).await.text(), "good");
}

#[tokio::test]
async fn what_was_answered_in_part_is_not_asked_again() {
    let script = Script::new().read_request().send("HTTP/1.1 200 OK\r\nConte");
    let (sick, good) = (playing(script).await, named("good").await);
    let proxy = in_order(&[&sick, &good]).start().await;
    assert_eq!(proxy.answer(get("/")).await.status(), 502);
    assert_eq!(count(&good).await, 0);
}

/// What becomes of a `PUT` of this many bytes whose first backend resets after it has read them all.
async fn put_of(bytes: usize) -> (u16, Vec<String>) {
    let (sick, good) = (playing(resetting()).await, named("good").await);
    let proxy = in_order(&[&sick, &good])
        .pool("retry = { body_bytes_max = \"1KiB\" }")
        .start()
        .await;
    let body: String = ('a'..='z').cycle().take(bytes).collect();
    let told = proxy.answer(with_body("PUT", "", &body)).await.status();
    assert_eq!(sick.requests().await[0].text(), body);
    let arrived = good.requests().await;
    let arrived: Vec<String> = arrived.iter().map(|request| request.text()).collect();
    assert!(arrived.iter().all(|text| *text == body), "{arrived:?}");
    (told, arrived)
}

#[tokio::test]
async fn a_body_is_sent_again_whole_up_to_the_limit_and_not_beyond_it() {
    for bytes in [1, 1_023, 1_024] {
        let (told, arrived) = put_of(bytes).await;
        assert_eq!((told, arrived.len()), (200, 1), "{bytes} bytes");
    }
    for bytes in [1_025, 100_000] {
        let (told, arrived) = put_of(bytes).await;
        assert_eq!((told, arrived.len()), (502, 0), "{bytes} bytes");
    }
}

#[tokio::test]
async fn a_body_of_which_a_part_was_sent_arrives_whole_elsewhere() {
    let gate = Gate::new();
    let amid = Script::new().read_head().expect("half").wait(&gate).reset();
    let sick = Origin::scripted_each([amid, resetting()]).start().await;
    let good = named("good").await;
    let proxy = in_order(&[&sick, &good]).start().await;
    let mut client = proxy.connect().await;
    client
        .send("PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 11\r\n\r\nhalf")
        .await;
    sick.until_requests(1).await;
    gate.open();
    good.until_requests(1).await;
    client.send(" by now").await;
    client.send(get("/next")).await;
    assert_eq!(client.response().await.text(), "good");
    assert_eq!(client.response().await.text(), "good");
    assert_eq!(good.requests().await[0].text(), "half by now");
}

#[tokio::test]
async fn a_body_of_unknown_length_is_sent_once() {
    let (sick, good) = (playing(resetting()).await, named("good").await);
    let proxy = in_order(&[&sick, &good]).start().await;
    let chunked =
        "PUT / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    assert_eq!(proxy.answer(chunked).await.status(), 502);
    assert_eq!(count(&good).await, 0);
}

#[tokio::test]
async fn a_mark_lets_any_method_be_sent_again() {
    let (sick, good) = (playing(resetting()).await, named("good").await);
    let proxy = in_order(&[&sick, &good])
        .pool("retry = { marked_by = \"Idempotency-Key\" }")
        .start()
        .await;
    let marked = with_body("POST", "idempotency-key: 7\r\n", "pay");
    assert_eq!(proxy.answer(marked).await.text(), "good");
    let arrived = good.request().await;
    assert_eq!(
        (arrived.text(), arrived.field("Idempotency-Key")),
        ("pay".into(), Some("7".into()))
    );
    assert_told(&proxy.answer(post("pay")).await, 502, RESETS);
    assert_eq!(count(&good).await, 1);
}

#[tokio::test]
async fn another_backend_is_asked_after_the_chosen_statuses_alone() {
    for (status, told) in [(503, "good"), (502, "good"), (500, "sick"), (429, "sick")] {
        let sick = Origin::replying(status, "sick").start().await;
        let good = named("good").await;
        let proxy = in_order(&[&sick, &good])
            .pool("retry = { status = [\"502-504\"] }")
            .start()
            .await;
        assert_eq!(proxy.answer(get("/")).await.text(), told, "{status}");
    }
}

#[tokio::test]
async fn a_chosen_status_is_passed_on_where_the_request_may_not_be_sent_again() {
    let sick = Origin::replying(503, "sick").start().await;
    let good = named("good").await;
    let proxy = in_order(&[&sick, &good])
        .pool("retry = { status = 503, body_bytes_max = \"1KiB\" }")
        .start()
        .await;
    let answer = proxy.answer(post("pay")).await;
    assert_eq!((answer.status(), answer.text().as_str()), (503, "sick"));
    let long = proxy.answer(with_body("PUT", "", &"x".repeat(1_025))).await;
    assert_eq!((long.status(), long.text().as_str()), (503, "sick"));
    let short = proxy.answer(with_body("PUT", "", &"x".repeat(1_024))).await;
    assert_eq!((short.status(), short.text().as_str()), (200, "good"));
    assert_eq!(good.request().await.body.len(), 1_024);
}

#[tokio::test]
async fn the_last_answer_is_passed_on_when_nobody_else_is_left() {
    let first = Origin::replying(503, "first").start().await;
    let last = Origin::replying(502, "last").start().await;
    let proxy = in_order(&[&first, &last])
        .pool("retry = { status = \"5xx\" }")
        .start()
        .await;
    for _ in 0..3 {
        let answer = proxy.answer(get("/")).await;
        assert_eq!((answer.status(), answer.text().as_str()), (502, "last"));
        assert_eq!(answer.field("proxy-status"), None, "it is the backend's own");
    }
    assert_eq!((count(&first).await, count(&last).await), (3, 3));
}

#[tokio::test]
async fn the_answer_that_was_dropped_costs_no_connection_of_the_client() {
    let first = Origin::replying(503, &"x".repeat(100_000)).start().await;
    let last = named("last").await;
    let proxy = in_order(&[&first, &last])
        .pool("retry = { status = 503 }")
        .start()
        .await;
    let mut client = proxy.connect().await;
    for _ in 0..3 {
        client.send(with_body("PUT", "", "body")).await;
        assert_eq!(client.response().await.text(), "last");
    }
}

#[tokio::test]
async fn no_backend_is_asked_twice_by_one_request() {
    for balance in [
        "round-robin",
        "random",
        "least-requests",
        "two-choices",
        "peak-ewma",
        "prequal",
    ] {
        let mut sick = Vec::new();
        for _ in 0..4 {
            sick.push(playing(resetting()).await);
        }
        let proxy = portreeve_testkit::Proxy::before("app.test", &sick.iter().collect::<Vec<_>>())
            .pool(&format!(
                "balance = \"{balance}\"\nejection = false\nretry = {{ budget_min = 1000 }}"
            ))
            .backend_limits("attempts_max = 8")
            .start()
            .await;
        for asked in 1..=5 {
            assert_told(&proxy.answer(get("/")).await, 502, RESETS);
            for one in &sick {
                assert_eq!(count(one).await, asked, "{balance}");
            }
        }
    }
}

#[tokio::test]
async fn attempts_are_bounded_and_recorded() {
    let (a, b) = (playing(resetting()).await, playing(resetting()).await);
    let (c, good) = (playing(resetting()).await, named("good").await);
    let proxy = in_order(&[&a, &b, &c, &good])
        .recording("json")
        .backend_limits("attempts_max = 2")
        .start()
        .await;
    assert_told(&proxy.answer(get("/")).await, 502, RESETS);
    assert_eq!((count(&b).await, count(&c).await, count(&good).await), (1, 0, 0));
    let record = proxy.records(1).await.remove(0);
    assert!(record.contains("\"attempts\":2"), "{record}");
    assert!(
        record.contains(&format!("\"backend\":\"{}\"", b.address())),
        "{record}"
    );
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_cut_and_another_backend_asked() {
    let slow = playing(Script::new().read_request().until_peer_leaves()).await;
    let good = named("good").await;
    let proxy = in_order(&[&slow, &good])
        .pool("retry = { attempt_timeout = \"100ms\" }")
        .start()
        .await;
    assert_eq!(proxy.answer(get("/")).await.text(), "good");
    slow.until_peer_left(0).await;
    let told = proxy.answer(post("pay")).await;
    assert_told(&told, 504, "first_byte_timeout");
    assert_eq!(count(&good).await, 1);
}

#[tokio::test]
async fn without_a_time_for_each_attempt_a_slow_one_is_not_repeated() {
    let slow = playing(Script::new().read_request().until_peer_leaves()).await;
    let good = named("good").await;
    let proxy = in_order(&[&slow, &good])
        .backend_limits("first_byte_timeout = \"100ms\"")
        .start()
        .await;
    assert_told(&proxy.answer(get("/")).await, 504, "first_byte_timeout");
    assert_eq!(count(&good).await, 0);
}

#[tokio::test]
async fn an_interim_answer_does_not_hinder_a_retry_after_a_chosen_status() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let sick = playing(
        Script::new()
            .read_request()
            .send(interim)
            .pause(Duration::from_millis(20))
            .send(answer("503 Service Unavailable", "sick")),
    )
    .await;
    let good = named("good").await;
    let proxy = in_order(&[&sick, &good])
        .pool("retry = { status = 503 }")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    assert_eq!(client.response().await.status(), 103);
    assert_eq!(client.response().await.text(), "good");
}
