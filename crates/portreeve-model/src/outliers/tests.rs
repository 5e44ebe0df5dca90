//! Pools whose backends serve as it is told.

use super::*;
use crate::ejection::AttemptOutcome;
use crate::lease::Lease;
use crate::plan::BalancePlan;
use crate::samples;

fn at(seconds: u64) -> Tick {
    Tick::after_start(Duration::from_secs(seconds))
}

/// A pool whose failures in a row count for nothing.
fn pool(backends: usize) -> Arc<Pool> {
    let mut plan = samples::pool_plan("pool", BalancePlan::RoundRobin, &vec![1; backends]);
    plan.ejection.failures_in_a_row = None;
    samples::pool_of(&plan)
}

/// So many requests at a backend, of which so many of 100 fail.
fn serve(pool: &Pool, place: usize, requests: u64, failing: u64, latency_ms: u64, now: Tick) {
    for number in 0..requests {
        let mut lease = Lease::take(&pool.backends[place], now);
        let is_failure = number % 100 < failing;
        lease.note_answer(Duration::from_millis(latency_ms), now);
        pool.note_attempt(lease.backend(), AttemptOutcome::Answered { is_failure }, now);
    }
}

/// Five seconds, which is as long as the first ejection; `(failing, latency)` of each.
fn watched(pool: &Arc<Pool>, manners: &[(u64, u64)]) -> Vec<(usize, EjectedBy)> {
    let mut watch = OutlierWatch::default();
    let mut ejected = Vec::new();
    for second in 1..=5 {
        for (place, (failing, latency)) in manners.iter().enumerate() {
            serve(pool, place, 100, *failing, *latency, at(second));
        }
        let found = watch.look(std::slice::from_ref(pool), at(second));
        ejected.extend(found.into_iter().map(|(backend, by)| {
            let place = pool.backends.iter().position(|one| one.id == backend.id);
            (place.unwrap(), by)
        }));
    }
    ejected
}

#[test]
fn the_one_that_fails_is_ejected_and_nobody_else() {
    let ejected = watched(&pool(4), &[(0, 10), (1, 10), (40, 10), (2, 10)]);
    assert_eq!(ejected, [(2, EjectedBy::SuccessRate)]);
}

#[test]
fn where_all_fail_alike_nobody_is_an_outlier() {
    assert_eq!(watched(&pool(4), &[(60, 10), (55, 10), (62, 10), (58, 10)]), []);
}

#[test]
fn the_one_that_is_eleven_times_slower_is_ejected() {
    let ejected = watched(&pool(3), &[(0, 10), (0, 111), (0, 10)]);
    assert_eq!(ejected, [(1, EjectedBy::Latency)]);
    assert_eq!(watched(&pool(3), &[(0, 10), (0, 99), (0, 10)]), []);
}

#[test]
fn a_few_milliseconds_more_are_no_reason() {
    assert_eq!(watched(&pool(3), &[(0, 0), (0, 9), (0, 0)]), []);
}

#[test]
fn no_more_than_the_share_are_ejected_and_the_worst_first() {
    let ejected = watched(&pool(5), &[(0, 10), (30, 10), (90, 10), (60, 10), (0, 10)]);
    assert_eq!(
        ejected,
        [(2, EjectedBy::SuccessRate), (3, EjectedBy::SuccessRate)]
    );
}

#[test]
fn of_two_one_can_be_ejected_and_one_alone_never() {
    assert_eq!(watched(&pool(2), &[(0, 10), (50, 10)]).len(), 1);
    assert_eq!(watched(&pool(1), &[(90, 500)]), []);
}

#[test]
fn few_requests_say_nothing() {
    let pool = pool(3);
    let mut watch = OutlierWatch::default();
    watch.look(std::slice::from_ref(&pool), at(1));
    serve(&pool, 0, 19, 100, 10, at(2));
    serve(&pool, 1, 500, 0, 10, at(2));
    serve(&pool, 2, 500, 0, 10, at(2));
    assert_eq!(watch.look(std::slice::from_ref(&pool), at(2)).len(), 0);
}

#[test]
fn what_is_older_than_ten_seconds_is_forgotten() {
    let pool = pool(3);
    let mut watch = OutlierWatch::default();
    watch.look(std::slice::from_ref(&pool), at(1));
    serve(&pool, 0, 100, 100, 10, at(2));
    watch.look(std::slice::from_ref(&pool), at(2));
    for second in 3..30 {
        watch.look(std::slice::from_ref(&pool), at(second));
    }
    for place in 0..3 {
        serve(&pool, place, 100, 0, 10, at(30));
    }
    assert_eq!(watch.look(std::slice::from_ref(&pool), at(30)).len(), 0);
}

#[test]
fn who_comes_back_is_not_ejected_for_what_was_before() {
    let pool = pool(3);
    let mut watch = OutlierWatch::default();
    watch.look(std::slice::from_ref(&pool), at(1));
    serve(&pool, 0, 100, 100, 10, at(2));
    for place in 1..3 {
        serve(&pool, place, 100, 0, 10, at(2));
    }
    assert_eq!(watch.look(std::slice::from_ref(&pool), at(2)).len(), 1);
    assert!(pool.note_pass(&pool.backends[0], at(5)));
    for second in 6..9 {
        serve(&pool, 0, 30, 0, 10, at(second));
        assert_eq!(watch.look(std::slice::from_ref(&pool), at(second)).len(), 0);
    }
}
