//! Retries cannot become a storm: what is sent to backends that all fail stays in proportion to what came.

use portreeve_testkit::{Origin, Proxy, Script, get, volley};

use crate::resilience::{assert_all, count, playing};

const CAME: usize = 600;
const CLIENTS: usize = 6;

/// How many requests arrive at three backends that do this, of those that came.
async fn arrived(script: impl Fn() -> Script, retry: &str, told: u16) -> usize {
    let mut sick = Vec::new();
    for _ in 0..3 {
        sick.push(playing(script()).await);
    }
    let proxy = Proxy::before("app.test", &sick.iter().collect::<Vec<&Origin>>())
        .pool(&format!("ejection = false\nretry = {{ {retry} }}"))
        .start()
        .await;
    assert_all(&volley(&proxy.address(), CLIENTS, CAME, &get("/")).await, told);
    let mut arrived = 0;
    for one in &sick {
        arrived += count(one).await;
    }
    arrived
}

fn unavailable() -> Script {
    let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    Script::new().read_request().send(answer).forever()
}

fn resetting() -> Script {
    Script::new().read_request().reset()
}

#[track_caller]
fn assert_bounded(arrived: usize) {
    // Over so many requests the least that is always allowed, 10 in 10 s, is less than the share.
    let most = CAME + CAME / 5;
    assert!((CAME + 1..=most).contains(&arrived), "{arrived} of {CAME}");
}

#[tokio::test]
async fn backends_that_all_answer_503_get_at_most_a_fifth_more_than_came() {
    assert_bounded(arrived(unavailable, "status = 503, budget_min = 1", 503).await);
}

#[tokio::test]
async fn backends_that_all_reset_get_at_most_a_fifth_more_than_came() {
    assert_bounded(arrived(resetting, "budget_min = 1", 502).await);
}

#[tokio::test]
async fn the_budget_is_on_by_default() {
    assert_bounded(arrived(unavailable, "status = 503", 503).await);
}

#[tokio::test]
async fn without_a_budget_nothing_is_repeated() {
    let arrived = arrived(resetting, "budget = \"0%\", budget_min = 0", 502).await;
    assert_eq!(arrived, CAME);
}

#[tokio::test]
async fn the_budget_is_one_for_all_threads() {
    let (a, b) = (playing(unavailable()).await, playing(unavailable()).await);
    let proxy = Proxy::before("app.test", &[&a, &b])
        .top("threads = 2")
        .pool("ejection = false\nretry = { status = 503, budget_min = 1 }")
        .start()
        .await;
    assert_all(&volley(&proxy.address(), CLIENTS, CAME, &get("/")).await, 503);
    assert_bounded(count(&a).await + count(&b).await);
}

#[tokio::test]
async fn what_no_backend_has_seen_costs_nothing() {
    let refusing = [Origin::refusing(), Origin::refusing()];
    let good = crate::resilience::named("good").await;
    let proxy = Proxy::before("app.test", &[&refusing[0], &refusing[1], &good])
        .pool("balance = \"first\"\nretry = { budget = \"0%\", budget_min = 0 }")
        .start()
        .await;
    assert_eq!(proxy.answer(get("/")).await.text(), "good");
}

#[tokio::test]
async fn a_budget_that_is_used_up_passes_the_failure_on() {
    let (sick, good) = (
        playing(unavailable()).await,
        crate::resilience::named("good").await,
    );
    let proxy = Proxy::before("app.test", &[&sick, &good])
        .pool("balance = \"first\"\nejection = false")
        .pool("retry = { status = 503, budget = \"50%\", budget_min = 0 }")
        .start()
        .await;
    let mut told = Vec::new();
    for _ in 0..12 {
        told.push(proxy.answer(get("/")).await.status());
    }
    assert_eq!(told, [503, 200].repeat(6), "two pay for one");
}
