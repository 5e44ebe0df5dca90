//! How many retries a pool can afford.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

use crate::plan::RetryPlan;
use crate::tick::Tick;

/// Bounds retries and hedges by the requests that came, so that they cannot become a storm.
///
/// Of the last ten seconds, requests and retries are counted second by second. A retry is allowed while the retries of
/// these seconds stay within `budget_percent` of their requests; where that is less, while those of the present second
/// stay within `budget_min`, and those of all ten within ten times as many. As both are counted over the same seconds,
/// each retry can be paid by requests of its own that came before it: whatever happens, retries never exceed the
/// percentage of all requests, or `budget_min` in each second. What was not needed of the latter is not saved up.
///
/// Exact over threads: retries are counted first and allowed second, so two that ask at once never share what is left
/// for one. They may both be refused it.
#[derive(Debug, Default)]
pub struct RetryBudget {
    requests: Seconds,
    retries: Seconds,
    exhausted: AtomicU64,
}

impl RetryBudget {
    /// Counts a request that came: once for each, however often it is tried. One atomic addition.
    pub fn earn(&self, now: Tick) {
        self.requests.add(second(now));
    }

    /// Whether one more retry or hedge may be made now; it counts if so.
    pub fn spend(&self, plan: &RetryPlan, now: Tick) -> bool {
        let second = second(now);
        self.retries.add(second);
        let retries = self.retries.sum(second, Later::Counts);
        if retries <= self.earned(plan, second) || self.is_least(plan, retries, second) {
            return true;
        }
        self.retries.take_back(second);
        self.exhausted.fetch_add(1, Relaxed);
        false
    }

    /// How often a retry was refused.
    #[must_use]
    pub fn exhausted_total(&self) -> u64 {
        self.exhausted.load(Relaxed)
    }

    /// By the requests of the seconds that count.
    fn earned(&self, plan: &RetryPlan, second: u64) -> u64 {
        self.requests.sum(second, Later::IsLeftOut) * u64::from(plan.budget_percent) / 100
    }

    /// Whether so many, the present second's among them, are no more than there may be however few requests there are.
    fn is_least(&self, plan: &RetryPlan, retries: u64, second: u64) -> bool {
        let least = u64::from(plan.budget_min);
        retries <= least * SECONDS && self.retries.of(second) <= least
    }
}

/// Counts of the last seconds, each in a place that it takes over from one long past.
#[derive(Debug, Default)]
struct Seconds([AtomicU64; PLACES]);

impl Seconds {
    fn add(&self, second: u64) {
        let place = self.place(second);
        let mut seen = place.load(Relaxed);
        while second_of(seen) < second {
            match place.compare_exchange_weak(seen, second << COUNT_BITS | 1, SeqCst, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
        place.fetch_add(1, SeqCst);
    }

    /// Undoes one `add` of that second, unless the second is past remembering.
    fn take_back(&self, second: u64) {
        let less = |seen| (second_of(seen) >= second && seen & COUNT > 0).then(|| seen - 1);
        let _ = self.place(second).fetch_update(SeqCst, Relaxed, less);
    }

    /// Of that second and those before it that count, and perhaps of later ones: threads read the clock one after
    /// another.
    fn sum(&self, second: u64, later: Later) -> u64 {
        let counts = |word: &u64| {
            let of = second_of(*word);
            of + SECONDS > second && (of <= second || later == Later::Counts)
        };
        let words = self.0.iter().map(|place| place.load(SeqCst));
        words.filter(counts).map(|word| word & COUNT).sum()
    }

    /// Of that second alone; 0 if it is past remembering.
    fn of(&self, second: u64) -> u64 {
        let word = self.place(second).load(SeqCst);
        if second_of(word) == second {
            word & COUNT
        } else {
            0
        }
    }

    fn place(&self, second: u64) -> &AtomicU64 {
        &self.0[usize::try_from(second).unwrap_or(usize::MAX) % PLACES]
    }
}

/// What of the seconds after the present one, as another thread sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Later {
    Counts,
    IsLeftOut,
}

fn second(now: Tick) -> u64 {
    now.micros() / 1_000_000
}

/// A place holds the second in its upper half, the count in its lower half.
fn second_of(word: u64) -> u64 {
    word >> COUNT_BITS
}

/// How many seconds count.
const SECONDS: u64 = 10;
/// More than count, so that a thread that is late by some seconds still finds its own.
const PLACES: usize = 16;
const COUNT_BITS: u32 = 32;
const COUNT: u64 = (1 << COUNT_BITS) - 1;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::samples::in_threads;

    fn plan(budget_percent: u8, budget_min: u16) -> RetryPlan {
        RetryPlan {
            budget_percent,
            budget_min,
            ..RetryPlan::default()
        }
    }

    fn at(millis: u64) -> Tick {
        Tick::after_start(Duration::from_millis(millis))
    }

    /// How many of so many are allowed at once.
    fn spend(budget: &RetryBudget, plan: &RetryPlan, tries: usize, now: Tick) -> usize {
        (0..tries).filter(|_| budget.spend(plan, now)).count()
    }

    fn earn(budget: &RetryBudget, requests: usize, now: Tick) {
        (0..requests).for_each(|_| budget.earn(now));
    }

    #[test]
    fn a_fifth_of_the_requests_may_be_retried() {
        let budget = RetryBudget::default();
        earn(&budget, 5_000, at(0));
        assert_eq!(spend(&budget, &plan(20, 10), 5_000, at(0)), 1_000);
        assert_eq!(budget.exhausted_total(), 4_000);
    }

    #[test]
    fn however_few_requests_there_are_some_retries_are_allowed_in_each_second() {
        let budget = RetryBudget::default();
        budget.earn(at(500));
        for second in 0..30 {
            let (first, last) = (at(second * 1_000 + 500), at(second * 1_000 + 999));
            assert_eq!(spend(&budget, &plan(20, 10), 500, first), 10);
            assert_eq!(spend(&budget, &plan(20, 10), 500, last), 0);
        }
    }

    #[test]
    fn what_requests_paid_for_counts_against_the_least_too() {
        let budget = RetryBudget::default();
        earn(&budget, 50, at(0));
        assert_eq!(spend(&budget, &plan(20, 10), 500, at(0)), 10);
        earn(&budget, 400, at(1_000));
        assert_eq!(spend(&budget, &plan(20, 10), 500, at(1_000)), 80);
        assert_eq!(spend(&budget, &plan(20, 10), 500, at(2_000)), 10);
        assert_eq!(spend(&budget, &plan(20, 10), 500, at(3_000)), 0);
    }

    #[test]
    fn nothing_is_allowed_where_nothing_is_planned() {
        let budget = RetryBudget::default();
        earn(&budget, 1_000, at(0));
        assert_eq!(spend(&budget, &plan(0, 0), 10, at(0)), 0);
        assert_eq!(spend(&budget, &plan(20, 0), 1_000, at(0)), 200);
    }

    #[test]
    fn what_was_not_spent_in_ten_seconds_is_lost() {
        let budget = RetryBudget::default();
        earn(&budget, 1_000, at(1_000));
        assert_eq!(spend(&budget, &plan(20, 0), 150, at(10_999)), 150);
        assert_eq!(spend(&budget, &plan(20, 0), 150, at(11_000)), 0);
    }

    #[test]
    fn a_pause_of_any_length_leaves_nothing_over() {
        for pause in [15_000, 16_000, 17_000, 32_000, 1 << 40] {
            let budget = RetryBudget::default();
            earn(&budget, 1_000, at(0));
            assert_eq!(spend(&budget, &plan(20, 0), 150, at(pause)), 0, "{pause}");
        }
    }

    #[test]
    fn when_all_fail_at_most_a_fifth_more_is_sent_than_came() {
        let (budget, plan) = (RetryBudget::default(), plan(20, 10));
        let mut sent = 0;
        for request in 0..200_000_u64 {
            let now = Tick::of_micros(request * 200);
            budget.earn(now);
            sent += 1 + spend(&budget, &plan, 2, now);
            let fair = (request + 1) * 120 / 100;
            assert!(sent as u64 <= fair.max(request + 1 + 10), "{sent} at {request}");
        }
        assert!(sent >= 238_000, "the budget is used: {sent}");
    }

    #[test]
    fn threads_that_ask_at_once_never_get_more_than_one_would() {
        let (budget, plan, clock) = (RetryBudget::default(), plan(20, 0), AtomicU64::new(0));
        let one = |_| {
            let now = Tick::of_micros(clock.fetch_add(375, SeqCst));
            budget.earn(now);
            spend(&budget, &plan, 2, now)
        };
        let spent = in_threads(4, |_| (0..20_000).map(one).sum::<usize>());
        let spent: usize = spent.into_iter().sum();
        assert!(spent <= 16_000, "{spent}");
        assert!(
            spent >= 14_000,
            "what threads refuse each other is little: {spent}"
        );
    }

    #[test]
    fn what_is_left_for_one_is_never_given_to_two() {
        for _ in 0..300 {
            let (budget, plan) = (RetryBudget::default(), plan(20, 0));
            earn(&budget, 25, at(0));
            let spent = in_threads(4, |_| spend(&budget, &plan, 5, at(0)));
            let spent: usize = spent.into_iter().sum();
            assert!(spent <= 5, "{spent}");
        }
    }

    /// What happens, and how long after what happened before, in milliseconds.
    fn histories() -> impl Strategy<Value = Vec<(bool, u64)>> {
        let pause = prop_oneof![4 => 0..50_u64, 2 => 500..3_000_u64, 1 => 8_000..40_000_u64];
        proptest::collection::vec((any::<bool>(), pause), 1..400)
    }

    proptest! {
        #[test]
        fn it_allows_what_counting_everything_allows(history in histories(), percent in 0_u8..=100, min in 0_u16..3) {
            let (budget, plan) = (RetryBudget::default(), plan(percent, min));
            let (mut came, mut spent, mut now) = (Vec::new(), Vec::new(), 0);
            for (is_request, pause) in history {
                now += pause;
                let second = now / 1_000;
                if is_request {
                    budget.earn(at(now));
                    came.push(second);
                    continue;
                }
                let recent = |times: &[u64]| times.iter().filter(|time| **time + 10 > second).count() as u64;
                let in_second = spent.iter().filter(|time| **time == second).count() as u64;
                let (earned, min) = (recent(&came) * u64::from(percent) / 100, u64::from(min));
                let is_least = in_second < min && recent(&spent) < 10 * min;
                let expected = recent(&spent) < earned || is_least;
                prop_assert_eq!(budget.spend(&plan, at(now)), expected);
                if expected {
                    spent.push(second);
                }
                prop_assert!(min > 0 || spent.len() * 100 <= came.len() * usize::from(percent));
            }
        }
    }
}
