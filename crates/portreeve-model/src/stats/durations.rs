//! How long things took: counts by bucket.

use std::time::Duration;

use super::counter::Counter;

/// How many durations fell into which bucket, and their sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Durations {
    /// Bucket `i` has those above bound `i - 1` and up to bound `i` of [`DURATION_BOUNDS`]; the last has those beyond
    /// the last bound. Not cumulative.
    pub counts: [u64; DURATION_BOUNDS.len() + 1],
    /// Of all.
    pub sum: Duration,
}

impl Durations {
    /// How many there were.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// One worker's share.
#[derive(Debug, Default)]
pub(super) struct DurationCounts {
    counts: [Counter; DURATION_BOUNDS.len() + 1],
    nanos: Counter,
}

impl DurationCounts {
    pub(super) fn add(&self, duration: Duration) {
        let nanos = nanos(duration);
        self.counts[BOUNDS_NANOS.partition_point(|bound| *bound < nanos)].add(1);
        self.nanos.add(nanos);
    }

    pub(super) fn add_to(&self, totals: &mut Durations) {
        for (total, count) in totals.counts.iter_mut().zip(&self.counts) {
            *total += count.get();
        }
        totals.sum += Duration::from_nanos(self.nanos.get());
    }
}

/// Up to 584 years.
const fn nanos(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(duration.subsec_nanos() as u64)
}

const fn bounds_nanos() -> [u64; DURATION_BOUNDS.len()] {
    let mut bounds = [0; DURATION_BOUNDS.len()];
    let mut place = 0;
    while place < bounds.len() {
        bounds[place] = nanos(DURATION_BOUNDS[place]);
        place += 1;
    }
    bounds
}

const BOUNDS_NANOS: [u64; DURATION_BOUNDS.len()] = bounds_nanos();

/// Upper bounds of the buckets, each included in its bucket.
pub const DURATION_BOUNDS: [Duration; 16] = [
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
];
