//! How long things took: counts by bucket.

use std::time::Duration;

use super::counter::Counter;

/// How many durations fell into which bucket, and their sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Durations {
    /// Bucket `i` has those above bound `i - 1` and up to bound `i` of [`DURATION_BOUNDS`]; the last has those beyond
    /// the last bound. Not cumulative.
    pub counts: [u64; DURATION_BOUNDS.len() + 1],
    /// Of all, each rounded down to a nanosecond.
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
        let bucket = DURATION_BOUNDS.partition_point(|bound| *bound < duration);
        self.counts[bucket].add(1);
        self.nanos
            .add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn add_to(&self, totals: &mut Durations) {
        for (total, count) in totals.counts.iter_mut().zip(&self.counts) {
            *total += count.get();
        }
        totals.sum += Duration::from_nanos(self.nanos.get());
    }
}

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
