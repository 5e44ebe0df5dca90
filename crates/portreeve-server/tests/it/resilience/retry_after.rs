//! A backend that asks to be left alone is, for as long as that is sensible.

use std::time::{Duration, Instant};

use portreeve_testkit::{Origin, Proxy, Script, get};

use crate::resilience::{count, named, playing};

/// Says once that it is unavailable, and then that it is well.
fn once(retry_after: &str) -> Script {
    let unavailable = format!(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: {retry_after}\r\nContent-Length: 4\r\n\r\nsick"
    );
    let well = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell";
    Script::new()
        .read_request()
        .send(unavailable)
        .read_request()
        .send(well)
        .read_request()
        .send(well)
        .read_request()
        .send(well)
}

async fn before(origins: &[&Origin], retry: &str) -> Proxy {
    Proxy::before("app.test", origins)
        .pool("balance = \"first\"")
        .pool(&format!("retry = {{ {retry} }}"))
        .start()
        .await
}

#[tokio::test]
async fn it_gets_nothing_while_others_are_left() {
    let (sick, good) = (playing(once("5")).await, named("good").await);
    let proxy = before(&[&sick, &good], "budget_min = 10").await;
    assert_eq!(proxy.answer(get("/")).await.text(), "sick");
    for _ in 0..10 {
        assert_eq!(proxy.answer(get("/")).await.text(), "good");
    }
    assert_eq!(count(&sick).await, 1);
}

#[tokio::test]
async fn who_is_alone_is_asked_all_the_same() {
    let sick = playing(once("5")).await;
    let proxy = before(&[&sick], "budget_min = 10").await;
    assert_eq!(proxy.answer(get("/")).await.text(), "sick");
    assert_eq!(proxy.answer(get("/")).await.text(), "well");
}

#[tokio::test]
async fn an_absurd_time_is_bounded() {
    for absurd in ["1000000", "18446744073709551615"] {
        let (sick, good) = (playing(once(absurd)).await, named("good").await);
        let proxy = before(&[&sick, &good], "retry_after_max = \"300ms\"").await;
        let began = Instant::now();
        assert_eq!(proxy.answer(get("/")).await.text(), "sick");
        let mut between = 0;
        while proxy.answer(get("/")).await.text() != "well" {
            between += 1;
            assert!(began.elapsed() < Duration::from_secs(5), "it never comes back");
        }
        assert!(
            began.elapsed() >= Duration::from_millis(300),
            "{:?}",
            began.elapsed()
        );
        assert!(between > 0);
    }
}

#[tokio::test]
async fn what_is_no_number_of_seconds_says_nothing() {
    for nonsense in [
        "soon",
        "-5",
        "18446744073709551616",
        "1.5",
        "Fri, 31 Dec 2100 23:59:59 GMT",
    ] {
        let (sick, good) = (playing(once(nonsense)).await, named("good").await);
        let proxy = before(&[&sick, &good], "budget_min = 10").await;
        assert_eq!(proxy.answer(get("/")).await.text(), "sick");
        assert_eq!(proxy.answer(get("/")).await.text(), "well", "{nonsense}");
    }
}

#[tokio::test]
async fn it_is_not_heeded_where_that_is_switched_off() {
    let (sick, good) = (playing(once("5")).await, named("good").await);
    let proxy = before(&[&sick, &good], "retry_after_max = \"0s\"").await;
    assert_eq!(proxy.answer(get("/")).await.text(), "sick");
    assert_eq!(proxy.answer(get("/")).await.text(), "well");
}

#[tokio::test]
async fn an_answer_that_is_neither_503_nor_429_asks_for_nothing() {
    let head = "HTTP/1.1 301 Moved\r\nRetry-After: 5\r\nContent-Length: 5\r\n\r\nmoved";
    let (moved, good) = (
        playing(Script::new().read_request().send(head).forever()).await,
        named("good").await,
    );
    let proxy = before(&[&moved, &good], "budget_min = 10").await;
    for _ in 0..3 {
        assert_eq!(proxy.answer(get("/")).await.text(), "moved");
    }
}
