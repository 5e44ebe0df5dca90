//! Backends that are left alone because of how they serve.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portreeve_testkit::{Gate, Origin, OriginBuilder, Proxy, Script, answer, get, load};

use crate::resilience::{assert_all, count, named, playing, with_field};

/// For longer than any test runs.
const LONG: &str = "ejection = { time = \"1h\", time_max = \"1h\" }";
const UNAVAILABLE: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nsick";

async fn before(origins: &[&Origin], pool: &str) -> Proxy {
    Proxy::before("app.test", origins)
        .counting()
        .pool(pool)
        .start()
        .await
}

async fn ask(proxy: &Proxy, requests: usize) {
    let mut client = proxy.connect().await;
    for _ in 0..requests {
        client.send(get("/")).await;
        client = match client.try_response().await {
            Ok(answer) if answer.field("connection").is_none() => client,
            _ => proxy.connect().await,
        };
    }
}

/// Serves as it is told, and knows when it was asked.
struct Patient {
    is_well: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<Instant>>>,
}

impl Patient {
    fn sick() -> (Self, OriginBuilder) {
        let is_well = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (well, times) = (Arc::clone(&is_well), Arc::clone(&asked));
        let origin = Origin::answering(move |_| {
            times.lock().unwrap().push(Instant::now());
            if well.load(SeqCst) {
                answer("200 OK", "well").into_bytes()
            } else {
                UNAVAILABLE.into()
            }
        });
        (Self { is_well, asked }, origin)
    }

    fn recovers(&self) {
        self.is_well.store(true, SeqCst);
    }

    fn asked(&self) -> Vec<Instant> {
        self.asked.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn five_failures_in_a_row_are_enough() {
    let (sick, good) = (Origin::replying(503, "sick").start().await, named("good").await);
    let proxy = before(&[&sick, &good], LONG).await;
    ask(&proxy, 60).await;
    assert_eq!((count(&sick).await, count(&good).await), (5, 55));
}

#[tokio::test]
async fn resets_closes_nonsense_and_timeouts_are_failures_too() {
    let scripts = [
        Script::new().read_request().reset(),
        Script::new().read_request(),
        Script::new().read_request().send("nonsense\r\n\r\n"),
        Script::new().read_request().until_peer_leaves(),
        Script::new()
            .read_request()
            .send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal"),
    ];
    for (place, script) in scripts.into_iter().enumerate() {
        let (sick, good) = (playing(script).await, named("good").await);
        let proxy = Proxy::before("app.test", &[&sick, &good])
            .pool(LONG)
            .backend_limits("first_byte_timeout = \"50ms\"")
            .start()
            .await;
        ask(&proxy, 30).await;
        assert_eq!(count(&sick).await, 5, "script {place}");
    }
}

#[tokio::test]
async fn statuses_that_are_no_failures_eject_nobody() {
    for status in [400, 404, 429, 501] {
        let (odd, good) = (Origin::replying(status, "odd").start().await, named("good").await);
        let proxy = before(&[&odd, &good], LONG).await;
        ask(&proxy, 30).await;
        assert_eq!(count(&odd).await, 15, "{status}");
    }
}

#[tokio::test]
async fn one_success_forgives_the_failures_before() {
    let mut script = Script::new();
    for _ in 0..4 {
        script = script.read_request().send(UNAVAILABLE);
    }
    let script = script.read_request().send(answer("200 OK", "well")).forever();
    let (moody, good) = (playing(script).await, named("good").await);
    let pool = "ejection = { time = \"1h\", time_max = \"1h\", success_rate = false }";
    let proxy = before(&[&moody, &good], pool).await;
    ask(&proxy, 60).await;
    assert_eq!(count(&moody).await, 30);
}

#[tokio::test]
async fn clients_that_leave_eject_nobody() {
    let slow = playing(Script::new().read_request().until_peer_leaves()).await;
    let good = named("good").await;
    let pool = format!("balance = \"first\"\n{LONG}");
    let proxy = before(&[&slow, &good], &pool).await;
    for asked in 1..=7 {
        let mut client = proxy.connect().await;
        client.send(get("/")).await;
        slow.until_requests(asked).await;
        client.reset();
        slow.until_peer_left(asked - 1).await;
    }
    proxy.until_idle().await;
}

#[tokio::test]
async fn it_comes_back_by_one_request_that_is_served() {
    let (patient, origin) = Patient::sick();
    let (sick, good) = (origin.start().await, named("good").await);
    let proxy = before(&[&sick, &good], "ejection = { time = \"200ms\" }").await;
    ask(&proxy, 30).await;
    assert_eq!(count(&sick).await, 5);
    let ejected = patient.asked()[4];
    patient.recovers();
    while count(&sick).await < 6 {
        ask(&proxy, 1).await;
    }
    assert!(patient.asked()[5] - ejected >= Duration::from_millis(190));
    let (before, _) = (count(&sick).await, count(&good).await);
    ask(&proxy, 20).await;
    let share = count(&sick).await - before;
    assert!((9..=11).contains(&share), "{share} of 20");
}

#[tokio::test]
async fn each_trial_that_fails_makes_the_next_wait_longer_and_costs_one_request() {
    let (patient, origin) = Patient::sick();
    let (sick, good) = (origin.start().await, named("good").await);
    let proxy = before(&[&sick, &good], "ejection = { time = \"100ms\" }").await;
    let done = Gate::new();
    let watch = async {
        sick.until_requests(8).await;
        done.open();
    };
    let request = get("/");
    let address = proxy.address();
    let (_, ()) = tokio::join!(load(&address, 4, &request, &done), watch);
    let asked = patient.asked();
    // Those under way when the fifth failed may have come too.
    let first = asked.len()
        - asked
            .iter()
            .rev()
            .take_while(|at| **at > asked[4] + Duration::from_millis(90))
            .count();
    assert!((5..=8).contains(&first), "{first} before it was ejected");
    for (trial, pair) in asked[first - 1..].windows(2).enumerate() {
        let (gap, least) = (pair[1] - pair[0], 100 * (trial as u64 + 1));
        assert!(
            gap >= Duration::from_millis(least - 10),
            "{gap:?} before trial {trial}"
        );
    }
}

#[tokio::test]
async fn no_more_are_ejected_than_the_share_allows() {
    let mut sick = Vec::new();
    for _ in 0..3 {
        sick.push(Origin::replying(503, "sick").start().await);
    }
    let good = named("good").await;
    let proxy = before(&[&sick[0], &sick[1], &sick[2], &good], LONG).await;
    ask(&proxy, 120).await;
    let mut counts = Vec::new();
    for one in &sick {
        counts.push(count(one).await);
    }
    counts.sort_unstable();
    assert_eq!(counts[..2], [5, 5], "half of four");
    assert!(counts[2] > 30, "{counts:?}");
}

#[tokio::test]
async fn who_is_alone_is_never_ejected() {
    let sick = Origin::replying(503, "sick").start().await;
    let proxy = before(&[&sick], LONG).await;
    ask(&proxy, 20).await;
    assert_eq!(count(&sick).await, 20);
}

#[tokio::test]
async fn ejection_can_be_switched_off() {
    let (sick, good) = (Origin::replying(503, "sick").start().await, named("good").await);
    let proxy = before(&[&sick, &good], "ejection = false").await;
    ask(&proxy, 40).await;
    assert_eq!(count(&sick).await, 20);
}

#[tokio::test]
async fn who_is_ejected_for_one_policy_is_for_all_and_nobody_takes_its_place_who_may_not() {
    let (sick, good, other) = (
        Origin::replying(503, "sick").start().await,
        named("good").await,
        named("other").await,
    );
    let with = |origin: &Origin, policies: &str| {
        format!(
            "{{ address = \"{}\", policies = [{policies}] }}",
            origin.address()
        )
    };
    let proxy = Proxy::before("app.test", &[])
        .backends([
            with(&sick, "\"eu\", \"us\""),
            with(&good, "\"eu\""),
            with(&other, "\"us\""),
        ])
        .route("policy = { header = \"Privacy-Policy\" }")
        .pool(LONG)
        .start()
        .await;
    let mut client = proxy.connect().await;
    for _ in 0..20 {
        client.send(with_field("Privacy-Policy", "eu")).await;
        client.response().await;
    }
    assert_eq!((count(&sick).await, count(&other).await), (5, 0));
    for _ in 0..20 {
        client.send(with_field("Privacy-Policy", "us")).await;
        assert_eq!(client.response().await.text(), "other");
    }
    assert_eq!((count(&sick).await, count(&good).await), (5, 15));
}

#[tokio::test]
async fn under_load_a_backend_that_resets_costs_nobody_an_answer_and_is_soon_left_alone() {
    let (sick, good) = (
        playing(Script::new().read_request().reset()).await,
        named("good").await,
    );
    let proxy = before(&[&sick, &good], LONG).await;
    let done = Gate::new();
    let watch = async {
        good.until_requests(1_000).await;
        done.open();
    };
    let (address, request) = (proxy.address(), get("/"));
    let (told, ()) = tokio::join!(load(&address, 8, &request, &done), watch);
    assert_all(&told, 200);
    let met = count(&sick).await;
    assert!((5..=12).contains(&met), "{met}: five, and those under way then");
    proxy.until_idle().await;
}
