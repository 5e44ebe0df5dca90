//! Ejection in virtual time: single stories, and any sequence of attempts, waits, trials and passes.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::gate::Room;
use crate::lease::Lease;
use crate::plan::{BalancePlan, EjectionPlan};
use crate::samples;

const GOOD: AttemptOutcome = AttemptOutcome::Answered { is_failure: false };
const BAD: AttemptOutcome = AttemptOutcome::Answered { is_failure: true };

fn at(seconds: u64) -> Tick {
    Tick::after_start(Duration::from_secs(seconds))
}

fn pool(backends: usize) -> Arc<Pool> {
    samples::pool(BalancePlan::RoundRobin, &vec![1; backends])
}

fn pool_sharing(backends: usize, share_max_percent: u8) -> Arc<Pool> {
    let mut plan = samples::pool_plan("pool", BalancePlan::RoundRobin, &vec![1; backends]);
    plan.ejection = EjectionPlan {
        share_max_percent,
        ..EjectionPlan::default()
    };
    samples::pool_of(&plan)
}

fn fail(pool: &Pool, place: usize, times: usize, now: Tick) -> Option<EjectedBy> {
    let noted = (0..times).map(|_| pool.note_attempt(&pool.backends[place], AttemptOutcome::Failed, now));
    noted.fold(None, Option::or)
}

fn try_it(pool: &Pool, place: usize, outcome: AttemptOutcome, now: Tick) -> Option<EjectedBy> {
    let lease = Lease::try_take(&pool.backends[place], now).unwrap();
    assert!(lease.is_trial());
    pool.note_attempt(lease.backend(), outcome, now)
}

#[test]
fn five_failures_in_a_row_eject_and_a_success_between_forgives() {
    let pool = pool(2);
    assert_eq!(fail(&pool, 0, 4, at(1)), None);
    pool.note_attempt(&pool.backends[0], GOOD, at(1));
    assert_eq!(fail(&pool, 0, 4, at(1)), None);
    assert_eq!(fail(&pool, 0, 1, at(1)), Some(EjectedBy::FailuresInARow));
    assert_eq!(pool.backends[0].room(at(5)), Room::Out);
    let ejected = pool.backends[0].ejection().unwrap();
    assert_eq!((ejected.until, ejected.times), (at(6), 1));
    assert_eq!(
        pool.backends[0].vitals.ejections_total(EjectedBy::FailuresInARow),
        1
    );
}

#[test]
fn one_trial_decides_and_each_failure_makes_it_longer() {
    let pool = pool(2);
    fail(&pool, 0, 5, at(0));
    let mut now = 5;
    for times in 2..=4 {
        assert_eq!(pool.backends[0].room(at(now)), Room::Free);
        assert_eq!(try_it(&pool, 0, BAD, at(now)), Some(EjectedBy::FailuresInARow));
        assert_eq!(pool.backends[0].ejection().unwrap().until, at(now + 5 * times));
        now += 5 * times;
    }
    assert_eq!(try_it(&pool, 0, GOOD, at(now)), None);
    assert_eq!(pool.backends[0].ejection(), None);
    assert_eq!(pool.backends[0].room(at(now)), Room::Free);
}

#[test]
fn ejections_never_grow_beyond_their_longest() {
    let pool = pool(2);
    fail(&pool, 0, 5, at(0));
    let mut longest = 0;
    for _ in 0..300 {
        let until = pool.backends[0].ejection().unwrap().until;
        try_it(&pool, 0, BAD, until);
        let next = pool.backends[0].ejection().unwrap().until;
        longest = next.since(until).as_secs();
    }
    assert_eq!(longest, 300);
}

#[test]
fn while_a_trial_runs_nobody_else_may_go() {
    let pool = pool(2);
    fail(&pool, 0, 5, at(0));
    let trial = Lease::try_take(&pool.backends[0], at(5)).unwrap();
    assert!(trial.is_trial() && pool.backends[0].ejection().unwrap().is_on_trial);
    assert_eq!(pool.backends[0].room(at(5)), Room::Out);
    assert_eq!(Lease::try_take(&pool.backends[0], at(14)).err(), Some(Room::Out));
    drop(trial);
    assert!(Lease::try_take(&pool.backends[0], at(14)).unwrap().is_trial());
}

#[test]
fn a_trial_without_an_end_blocks_nobody_for_ever() {
    let pool = pool(2);
    fail(&pool, 0, 5, at(0));
    let hung = Lease::try_take(&pool.backends[0], at(5)).unwrap();
    assert_eq!(pool.backends[0].room(at(15)), Room::Free);
    let next = Lease::try_take(&pool.backends[0], at(15)).unwrap();
    drop(hung);
    assert_eq!(pool.backends[0].room(at(15)), Room::Out);
    pool.note_attempt(next.backend(), GOOD, at(16));
    assert_eq!(pool.backends[0].ejection(), None);
}

#[test]
fn who_was_on_its_way_before_does_not_end_an_ejection() {
    let pool = pool(2);
    fail(&pool, 0, 5, at(0));
    pool.note_attempt(&pool.backends[0], GOOD, at(1));
    fail(&pool, 0, 50, at(2));
    let ejected = pool.backends[0].ejection().unwrap();
    assert_eq!((ejected.until, ejected.times), (at(5), 1));
}

#[test]
fn a_pass_ends_it_after_half_of_the_time_and_not_before() {
    let pool = pool(2);
    fail(&pool, 0, 5, at(10));
    assert!(!pool.note_pass(&pool.backends[0], at(12)));
    assert!(pool.note_pass(&pool.backends[0], at(13)));
    assert_eq!(pool.backends[0].room(at(13)), Room::Free);
    assert!(!pool.note_pass(&pool.backends[0], at(14)));
}

#[test]
fn serving_well_is_remembered_and_the_next_ejection_is_short_again() {
    let pool = pool(2);
    fail(&pool, 0, 5, at(0));
    try_it(&pool, 0, GOOD, at(5));
    fail(&pool, 0, 5, at(6));
    assert_eq!(pool.backends[0].ejection().unwrap().until, at(16));
    try_it(&pool, 0, GOOD, at(16));
    fail(&pool, 0, 5, at(36));
    assert_eq!(pool.backends[0].ejection().unwrap().until, at(41));
}

#[test]
fn the_last_backend_is_never_ejected_and_who_is_down_is_no_help() {
    let alone = pool(1);
    assert_eq!(fail(&alone, 0, 100, at(0)), None);
    let two = pool(2);
    two.backends[1].stand(Standing::Down);
    assert_eq!(fail(&two, 0, 100, at(0)), None);
    two.backends[1].stand(Standing::Serving);
    assert!(fail(&two, 0, 1, at(0)).is_some());
}

#[test]
fn who_left_says_something_only_of_a_stalled_backend() {
    let pool = pool(2);
    let backend = &pool.backends[0];
    for _ in 0..20 {
        assert_eq!(pool.note_attempt(backend, AttemptOutcome::Left, at(0)), None);
    }
    let _leases: Vec<_> = (0..10).map(|_| Lease::take(backend, at(0))).collect();
    let noted: Vec<_> = (0..5)
        .map(|_| pool.note_attempt(backend, AttemptOutcome::Left, at(10)))
        .collect();
    assert_eq!(noted.last(), Some(&Some(EjectedBy::FailuresInARow)));
}

#[test]
fn retry_after_makes_it_shy_until_then() {
    let backend = &pool(1).backends[0];
    backend.pass_over(at(10));
    backend.pass_over(at(5));
    assert_eq!(backend.room(at(9)), Room::Shy);
    assert!(Lease::try_take(backend, at(9)).is_ok());
    assert_eq!(backend.room(at(10)), Room::Free);
    assert_eq!(backend.room(at(9)), Room::Free);
}

#[test]
fn a_limit_is_the_most_that_hold_a_lease() {
    let backend = &pool(1).backends[0];
    backend.set_limit(crate::plan::InFlightPlan::AtMost(2));
    let held = [(); 2].map(|()| Lease::try_take(backend, at(0)).unwrap());
    assert_eq!(backend.room(at(0)), Room::Full);
    assert_eq!(Lease::try_take(backend, at(0)).err(), Some(Room::Full));
    drop(held);
    assert_eq!((backend.room(at(0)), backend.in_flight()), (Room::Free, 0));
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "what threads do at once is what is tested"
)]
fn threads_at_once_keep_to_the_limit_and_to_one_trial() {
    use std::sync::atomic::AtomicU32;
    let pool = pool(2);
    let backend = &pool.backends[0];
    backend.set_limit(crate::plan::InFlightPlan::AtMost(3));
    let (held, most) = (AtomicU32::new(0), AtomicU32::new(0));
    let hammer = || {
        for _ in 0..20_000 {
            if let Ok(lease) = Lease::try_take(backend, at(0)) {
                most.fetch_max(held.fetch_add(1, SeqCst) + 1, SeqCst);
                held.fetch_sub(1, SeqCst);
                drop(lease);
            }
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(hammer))));
    assert!((1..=3).contains(&most.load(SeqCst)), "{most:?}");
    assert_eq!(backend.in_flight(), 0);
    fail(&pool, 0, 5, at(0));
    let trials = AtomicU32::new(0);
    let try_once = || {
        let lease = Lease::try_take(backend, at(5));
        trials.fetch_add(u32::from(lease.is_ok()), SeqCst);
        std::mem::forget(lease);
    };
    std::thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(try_once))));
    assert_eq!(trials.load(SeqCst), 1);
}

/// One step of a story.
#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Take(usize),
    /// Ends the lease of that number, if there is one.
    End(usize, u8),
    Pass(usize),
    Outlier(usize),
    Stand(usize, bool),
}

fn step(backends: usize) -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..8_000_u64).prop_map(Step::Wait),
        8 => (0..backends).prop_map(Step::Take),
        8 => (0..20_usize, 0..4_u8).prop_map(|(lease, outcome)| Step::End(lease, outcome)),
        1 => (0..backends).prop_map(Step::Pass),
        1 => (0..backends).prop_map(Step::Outlier),
        1 => (0..backends, any::<bool>()).prop_map(|(backend, serves)| Step::Stand(backend, serves)),
    ]
}

/// A pool with what is under way in it.
struct Story {
    pool: Arc<Pool>,
    now: Tick,
    /// With when it was taken.
    leases: Vec<(Lease, Tick)>,
}

impl Story {
    fn take_step(&mut self, step: &Step) {
        match *step {
            Step::Wait(ms) => self.now = self.now.plus(Duration::from_millis(ms)),
            Step::Take(place) => self.take(place),
            Step::End(number, outcome) => self.end(number, outcome),
            Step::Pass(place) => drop(self.pool.note_pass(&self.pool.backends[place], self.now)),
            Step::Outlier(place) => {
                let backend = &self.pool.backends[place];
                self.pool.eject(backend, EjectedBy::Latency, self.now);
            }
            Step::Stand(place, true) => self.pool.backends[place].stand(Standing::Serving),
            Step::Stand(place, false) => self.pool.backends[place].stand(Standing::Down),
        }
    }

    fn take(&mut self, place: usize) {
        let backend = &self.pool.backends[place];
        let room = backend.room(self.now);
        let taken = Lease::try_take(backend, self.now);
        assert_eq!(taken.is_err(), room == Room::Out, "{room:?}");
        self.leases.extend(taken.ok().map(|lease| (lease, self.now)));
    }

    fn end(&mut self, number: usize, outcome: u8) {
        if number >= self.leases.len() {
            return;
        }
        let (lease, _) = self.leases.swap_remove(number);
        let outcome = match outcome {
            0 => GOOD,
            1 => BAD,
            2 => AttemptOutcome::Failed,
            _ => AttemptOutcome::Left,
        };
        let before = lease.backend().ejection().map_or(0, |ejected| ejected.times);
        if self
            .pool
            .note_attempt(lease.backend(), outcome, self.now)
            .is_some()
        {
            let ejected = lease.backend().ejection().unwrap();
            assert!(ejected.times > before || ejected.times == 255);
            assert!(ejected.until > self.now && !ejected.is_on_trial);
        }
    }

    /// Of each backend one trial at most that is younger than a trial may be.
    fn has_one_trial_each(&self) -> bool {
        self.pool.backends.iter().all(|backend| {
            let running = self.leases.iter().filter(|(lease, taken)| {
                let is_its = lease.is_trial() && lease.backend().id == backend.id;
                is_its && self.now.since(*taken) < Duration::from_secs(10) && backend.is_ejected()
            });
            running.count() <= 1
        })
    }

    /// Everything ends, and every backend serves well.
    fn end_well(&mut self) {
        self.leases.clear();
        self.now = self.now.plus(Duration::from_secs(301));
        for backend in &self.pool.backends {
            backend.stand(Standing::Serving);
            let lease = Lease::try_take(backend, self.now).expect("the longest ejection is over");
            self.pool.note_attempt(lease.backend(), GOOD, self.now);
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_share_holds_and_all_can_come_back(
        share in 0..=100_u8,
        steps in prop::collection::vec(step(5), 0..300),
    ) {
        let mut story = Story {
            pool: pool_sharing(5, share),
            now: at(1),
            leases: Vec::new(),
        };
        for step in &steps {
            story.take_step(step);
            prop_assert!(story.pool.ejected() * 100 <= 5 * usize::from(share));
            prop_assert!(story.has_one_trial_each());
        }
        story.end_well();
        prop_assert_eq!(story.pool.ejected(), 0);
        for backend in &story.pool.backends {
            prop_assert_eq!((backend.in_flight(), backend.vitals.waiting()), (0, 0));
            prop_assert_eq!(backend.room(story.now), Room::Free);
        }
    }
}
