//! How long a route's requests may take, and who is told.

use std::time::{Duration, Instant};

use portreeve_testkit::{Gate, Message, Origin, Proxy, Script, Setup, answer, get};

use crate::resilience::{assert_told, count, named, playing, with_field};

const SOON: Duration = Duration::from_secs(3);

fn with_deadline(origins: &[&Origin], timeout: &str) -> Setup {
    let timeout = format!("timeout = \"{timeout}\"\ndeadline_header = \"X-Timeout-Ms\"");
    Proxy::before("app.test", origins)
        .pool("balance = \"first\"\nejection = false")
        .route(&timeout)
}

fn silent() -> Script {
    Script::new().read_request().until_peer_leaves()
}

/// What the backend was told, in milliseconds.
#[track_caller]
fn told(request: &Message) -> u64 {
    let said = request.field("x-timeout-ms");
    said.and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("nothing in {request:?}"))
}

#[tokio::test]
async fn work_beyond_the_routes_time_is_cut() {
    let origin = playing(silent()).await;
    let proxy = with_deadline(&[&origin], "200ms").counting().start().await;
    let began = Instant::now();
    assert_told(&proxy.answer(get("/")).await, 504, "total_timeout");
    let took = began.elapsed();
    assert!((Duration::from_millis(200)..SOON).contains(&took), "{took:?}");
    origin.until_peer_left(0).await;
    proxy.until_idle().await;
}

#[tokio::test]
async fn backends_are_told_what_is_left() {
    let origin = named("served").await;
    let proxy = with_deadline(&[&origin], "10s").start().await;
    assert_eq!(proxy.answer(get("/")).await.text(), "served");
    let left = told(&origin.request().await);
    assert!((5_000..=10_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_second_attempt_is_told_that_less_is_left() {
    let slow = playing(silent()).await;
    let good = named("good").await;
    let proxy = with_deadline(&[&slow, &good], "9s")
        .pool("retry = { attempt_timeout = \"200ms\" }")
        .start()
        .await;
    assert_eq!(proxy.answer(get("/")).await.text(), "good");
    let (first, second) = (told(&slow.request().await), told(&good.request().await));
    assert!(second + 200 <= first, "{first}, then {second}");
}

#[tokio::test]
async fn the_client_may_want_less() {
    let origin = playing(silent()).await;
    let proxy = with_deadline(&[&origin], "1m").start().await;
    let began = Instant::now();
    let answer = proxy.answer(with_field("X-Timeout-Ms", "150")).await;
    assert_told(&answer, 504, "total_timeout");
    let took = began.elapsed();
    assert!((Duration::from_millis(150)..SOON).contains(&took), "{took:?}");
    assert!((1..=150).contains(&told(&origin.request().await)));
    origin.until_peer_left(0).await;
}

#[tokio::test]
async fn the_client_gets_no_more_than_the_route_allows() {
    let origin = playing(silent()).await;
    let proxy = with_deadline(&[&origin], "150ms").start().await;
    let answer = proxy.answer(with_field("X-Timeout-Ms", "60000")).await;
    assert_told(&answer, 504, "total_timeout");
    assert!(told(&origin.request().await) <= 150);
}

#[tokio::test]
async fn the_client_alone_may_set_a_time() {
    let origin = playing(silent()).await;
    let proxy = Proxy::before("app.test", &[&origin])
        .route("deadline_header = \"grpc-timeout\"")
        .start()
        .await;
    let answer = proxy.answer(with_field("grpc-timeout", "150000u")).await;
    assert_told(&answer, 504, "total_timeout");
    let said = origin.request().await.field("grpc-timeout").unwrap_or_default();
    let millis: u64 = said.trim_end_matches('m').parse().expect("milliseconds");
    assert!(said.ends_with('m') && millis <= 150, "{said}");
}

#[tokio::test]
async fn who_says_nothing_that_is_understood_has_the_routes_time() {
    for nonsense in ["soon", "-1", "1e3", "999999999999", ""] {
        let origin = named("served").await;
        let proxy = with_deadline(&[&origin], "10s").start().await;
        let answer = proxy.answer(with_field("X-Timeout-Ms", nonsense)).await;
        assert_eq!(answer.text(), "served", "{nonsense}");
        let left = told(&origin.request().await);
        assert!((5_000..=10_000).contains(&left), "{left}");
    }
}

#[tokio::test]
async fn a_time_of_nothing_is_over_at_once_and_no_backend_hears_of_it() {
    let origin = named("served").await;
    let proxy = with_deadline(&[&origin], "10s").start().await;
    let answer = proxy.answer(with_field("X-Timeout-Ms", "0")).await;
    assert_told(&answer, 504, "total_timeout");
    assert_eq!(count(&origin).await, 0);
}

#[tokio::test]
async fn without_a_header_for_it_backends_are_told_nothing() {
    let origin = named("served").await;
    let proxy = Proxy::before("app.test", &[&origin])
        .route("timeout = \"10s\"")
        .start()
        .await;
    proxy.answer(with_field("X-Timeout-Ms", "5")).await;
    assert_eq!(
        origin.request().await.values("x-timeout-ms"),
        ["5"],
        "it is not ours"
    );
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_cut_amid_the_body() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    let origin = playing(Script::new().read_request().send(half).until_peer_leaves()).await;
    let proxy = with_deadline(&[&origin], "200ms").start().await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.read_through(b"half").await;
    client.expect_closed().await;
    origin.until_peer_left(0).await;
}

#[tokio::test]
async fn the_time_is_one_for_all_attempts() {
    let slow = [
        playing(silent()).await,
        playing(silent()).await,
        playing(silent()).await,
    ];
    let proxy = with_deadline(&[&slow[0], &slow[1], &slow[2]], "350ms")
        .pool("retry = { attempt_timeout = \"200ms\" }")
        .start()
        .await;
    let began = Instant::now();
    assert_eq!(proxy.answer(get("/")).await.status(), 504);
    let took = began.elapsed();
    assert!((Duration::from_millis(350)..SOON).contains(&took), "{took:?}");
    let asked = (
        count(&slow[0]).await,
        count(&slow[1]).await,
        count(&slow[2]).await,
    );
    assert_eq!(asked, (1, 1, 0));
}

#[tokio::test]
async fn the_time_runs_while_a_request_is_held() {
    let gate = Gate::new();
    let script = Script::new()
        .read_request()
        .wait(&gate)
        .send(answer("200 OK", "served"))
        .forever();
    let origin = playing(script).await;
    let proxy = with_deadline(&[&origin], "1m")
        .pool("in_flight = 1\nhold = { timeout = \"1m\" }")
        .start()
        .await;
    let mut first = proxy.connect().await;
    first.send(get("/")).await;
    origin.until_requests(1).await;
    let began = Instant::now();
    let told = proxy.answer(with_field("X-Timeout-Ms", "150")).await;
    assert!(matches!(told.status(), 503 | 504), "{}", told.text());
    let took = began.elapsed();
    assert!((Duration::from_millis(150)..SOON).contains(&took), "{took:?}");
    gate.open();
    assert_eq!(first.response().await.status(), 200);
    assert_eq!(count(&origin).await, 1);
}

#[tokio::test]
async fn a_deadline_that_passes_is_not_held_against_the_backend() {
    let (slow, other) = (playing(silent()).await, named("other").await);
    let proxy = Proxy::before("app.test", &[&slow, &other])
        .pool("balance = \"first\"\nejection = { failures_in_a_row = 1 }")
        .route("deadline_header = \"X-Timeout-Ms\"")
        .start()
        .await;
    for asked in 1..=3 {
        let answer = proxy.answer(with_field("X-Timeout-Ms", "50")).await;
        assert_told(&answer, 504, "total_timeout");
        assert_eq!(
            count(&slow).await,
            asked,
            "whoever wants it can have nobody ejected"
        );
    }
}
