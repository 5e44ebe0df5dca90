//! How many retries a pool can afford.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

use crate::plan::RetryPlan;
use crate::tick::Tick;

/// Bounds retries and hedges by the requests that came, so that they cannot become a storm.
///
/// Of the last ten seconds, requests and retries are counted second by second. A retry is allowed while the retries of
/// these seconds stay within `budget_percent` of their requests, or within ten times `budget_min` where that is more.
/// As both are counted over the same seconds, each retry can be paid by requests of its own that came before it:
/// whatever happens, retries never exceed the percentage of all requests, or `budget_min` a second.
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
        if self.retries.sum(second, Later::Counts) <= self.allowed(plan, second) {
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

    /// In the seconds that count, in all.
    fn allowed(&self, plan: &RetryPlan, second: u64) -> u64 {
        let earned = self.requests.sum(second, Later::IsLeftOut) * u64::from(plan.budget_percent) / 100;
        earned.max(u64::from(plan.budget_min) * SECONDS)
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
