use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use proptest::prelude::*;

use super::*;
use crate::samples::{Request, in_threads};

fn plan(per: RateKey, requests: u32, every_micros: u64, burst: u32) -> RatePlan {
    RatePlan {
        per,
        requests,
        every: Duration::from_micros(every_micros),
        burst,
    }
}

fn by_user() -> RateKey {
    RateKey::Header("x-user".into())
}

fn of_user(user: &str) -> Request {
    Request::get("", "/").with("x-user", user)
}

fn of_client(address: &str) -> Request {
    Request {
        client: Some(address.parse().unwrap()),
        ..Request::default()
    }
}

fn at(micros: u64) -> Tick {
    Tick::of_micros(micros)
}

/// How many of 50 at once are let through.
fn burst(limits: &RateLimits, request: &Request, now: Tick) -> usize {
    (0..50).filter(|_| limits.admit(request, now).is_ok()).count()
}

#[test]
fn a_route_without_limits_lets_everything_through() {
    let none = RateLimits::new(&[]);
    assert_eq!(burst(&none, &Request::default(), at(0)), 50);
}

#[test]
fn a_burst_is_let_through_and_then_one_at_a_time() {
    let limits = RateLimits::new(&[plan(RateKey::Route, 10, 1_000_000, 5)]);
    let anybody = Request::default();
    assert_eq!(burst(&limits, &anybody, at(0)), 5);
    assert_eq!(
        limits.admit(&anybody, at(30_000)),
        Err(RateExceeded {
            retry_after: Duration::from_millis(70),
            limit: 0
        })
    );
    assert_eq!(burst(&limits, &anybody, at(99_999)), 0);
    assert_eq!(burst(&limits, &anybody, at(100_000)), 1);
    assert_eq!(burst(&limits, &anybody, at(400_000)), 3);
    assert_eq!(burst(&limits, &anybody, at(90_000_000)), 5);
}

#[test]
fn clients_are_counted_apart_by_address() {
    let limits = RateLimits::new(&[plan(RateKey::Client, 1, 1_000_000, 3)]);
    let first = of_client("10.0.0.1");
    assert_eq!(burst(&limits, &first, at(0)), 3);
    assert_eq!(burst(&limits, &of_client("10.0.0.2"), at(0)), 3);
    assert_eq!(burst(&limits, &of_client("::ffff:10.0.0.1"), at(0)), 0);
}

#[test]
fn all_of_a_64_is_one_client() {
    let limits = RateLimits::new(&[plan(RateKey::Client, 1, 1_000_000, 3)]);
    assert_eq!(burst(&limits, &of_client("2001:db8::1"), at(0)), 3);
    assert_eq!(burst(&limits, &of_client("2001:db8::ffff:0:0:2"), at(0)), 0);
    assert_eq!(burst(&limits, &of_client("2001:db8:0:1::1"), at(0)), 3);
}

#[test]
fn the_first_value_of_a_header_counts_and_those_who_lack_it_are_one() {
    let limits = RateLimits::new(&[plan(by_user(), 1, 1_000_000, 3)]);
    assert_eq!(burst(&limits, &of_user("ann"), at(0)), 3);
    assert_eq!(burst(&limits, &of_user("bob").with("x-user", "ann"), at(0)), 3);
    assert_eq!(burst(&limits, &of_user("ann").with("x-user", "eve"), at(0)), 0);
    assert_eq!(burst(&limits, &of_client("10.0.0.1"), at(0)), 3);
    assert_eq!(burst(&limits, &of_client("10.0.0.2"), at(0)), 0);
    assert_eq!(burst(&limits, &of_user(""), at(0)), 3, "an empty value is one");
}

#[test]
fn what_one_limit_refuses_counts_against_none() {
    let limits = RateLimits::new(&[
        plan(RateKey::Route, 1, 1_000_000, 6),
        plan(by_user(), 1, 1_000_000, 2),
    ]);
    assert_eq!(burst(&limits, &of_user("ann"), at(0)), 2);
    assert_eq!(limits.admit(&of_user("ann"), at(0)).unwrap_err().limit, 1);
    assert_eq!(burst(&limits, &of_user("bob"), at(0)), 2);
    assert_eq!(burst(&limits, &of_user("eve"), at(0)), 2);
    assert_eq!(limits.admit(&of_user("joe"), at(0)).unwrap_err().limit, 0);
}

#[test]
fn ten_thousand_clients_at_once_are_told_apart_but_for_a_few() {
    let limits = RateLimits::new(&[plan(by_user(), 1, 60_000_000, 2)]);
    let users: Vec<_> = (0..10_000).map(|user| of_user(&user.to_string())).collect();
    let pass = || {
        users
            .iter()
            .filter(|user| limits.admit(*user, at(0)).is_ok())
            .count()
    };
    assert_eq!(
        (pass(), pass()),
        (10_000, 10_000),
        "nobody is refused for another"
    );
    let forgotten = pass();
    assert!(forgotten < 1_000, "{forgotten} more than may were let through");
}

#[test]
fn what_comes_round_after_months_is_past() {
    let limits = RateLimits::new(&[plan(RateKey::Client, 1_000_000, 1_000_000, 5)]);
    let client = of_client("10.0.0.1");
    let mut now = 0;
    for days in [1, 30, 49, 51, 60, 100, 101, 102, 150, 300, 3_000] {
        assert_eq!(burst(&limits, &client, at(now)), 5, "{days} days");
        now += days * 86_400 * 1_000_000;
    }
}

#[test]
fn threads_let_through_exactly_what_one_would() {
    for per in [RateKey::Route, RateKey::Client] {
        let limits = RateLimits::new(&[plan(per, 7, 1_000, 1_000)]);
        let client = of_client("10.0.0.1");
        for (now, expected) in [(0, 1_000), (50_000, 350), (300_000, 1_000), (301_000, 7)] {
            let admits = |_: &u32| limits.admit(&client, at(now)).is_ok();
            let admitted = in_threads(4, |_| (0..2_000).filter(admits).count());
            let admitted: usize = admitted.into_iter().sum();
            assert_eq!(admitted, expected, "at {now}");
        }
    }
}

#[test]
fn threads_whose_clock_runs_let_through_no_more_than_time_does() {
    let limits = RateLimits::new(&[plan(RateKey::Route, 1, 10, 100)]);
    let (clock, anybody) = (AtomicU64::new(0), Request::default());
    let admits = |_: &u32| {
        let now = at(clock.fetch_add(1, SeqCst));
        limits.admit(&anybody, now).is_ok()
    };
    let admitted = in_threads(4, |_| (0..25_000).filter(admits).count());
    let admitted: usize = admitted.into_iter().sum();
    assert!(admitted <= 10_100, "{admitted}");
    assert!(admitted >= 10_000, "{admitted}");
}

proptest! {
    /// Whole tokens, one more whenever time comes to the next multiple of `every / requests`.
    #[test]
    fn it_does_what_a_bucket_of_tokens_does(
        requests in 1_u32..50,
        every in 1_u64..10_000,
        size in 1_u32..20,
        events in proptest::collection::vec((0_u64..3_000, 0_u8..3), 1..300),
    ) {
        let limits = RateLimits::new(&[plan(by_user(), requests, every, size)]);
        let position = |now: u64| now * u64::from(requests) / every;
        let mut buckets = [(u64::from(size), 0_u64); 3];
        let mut now = 0;
        for (pause, user) in events {
            now += pause;
            let (tokens, since) = &mut buckets[usize::from(user)];
            *tokens = (*tokens + position(now) - *since).min(size.into());
            *since = position(now);
            let answer = limits.admit(&of_user(&user.to_string()), at(now));
            prop_assert_eq!(answer.is_ok(), *tokens > 0);
            *tokens = tokens.saturating_sub(1);
            if let Err(exceeded) = answer {
                let then = now + u64::try_from(exceeded.retry_after.as_micros()).unwrap();
                prop_assert!(position(then) > *since && position(then - 1) == *since);
            }
        }
    }
}
