//! What a route has carried.

use super::by_cause::{self, ByCause};
use super::by_why::{self, ByWhy};
use super::counter::Counter;
use super::durations::{DurationCounts, Durations};
use super::shards::Shards;
use super::{CLASSES, RequestOutcome};
use crate::cause::Cause;
use crate::why::Why;

/// What a route has carried, one shard per worker.
#[derive(Debug)]
pub struct RouteStats(Shards<Shard>);

impl RouteStats {
    /// Nothing carried yet; at least one shard.
    #[must_use]
    pub fn new(shards: usize) -> Self {
        Self(Shards::new(shards))
    }

    /// Counts a request that has ended. Only the worker that owns `shard` may call it with that number.
    pub fn record(&self, shard: usize, outcome: &RequestOutcome) {
        self.0.get(shard).record(outcome);
    }

    /// The sum of all shards; taken while workers go on, so its parts may differ by the requests of that moment.
    #[must_use]
    pub fn totals(&self) -> RouteTotals {
        let mut totals = RouteTotals {
            by_cause: by_cause::sum(self.0.iter().map(|shard| &shard.by_cause)),
            by_why: by_why::sum(self.0.iter().map(|shard| &shard.by_why)),
            ..RouteTotals::default()
        };
        self.0.iter().for_each(|shard| shard.add_to(&mut totals));
        totals
    }

    /// Whether that many workers have a shard each.
    pub(crate) fn serves(&self, shards: usize) -> bool {
        shards <= self.0.len()
    }
}

/// The sums of a route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteTotals {
    /// Requests by the class of their status: none sent, 1xx, 2xx, 3xx, 4xx, 5xx.
    pub by_class: [u64; 6],
    /// Requests that the proxy answered or ended itself: every cause, in the order of [`Cause::ALL`].
    pub by_cause: Vec<(Cause, u64)>,
    /// Requests by why their last backend was chosen: every reason, in the order of [`Why::ALL`].
    pub by_why: Vec<(Why, u64)>,
    /// How long requests took in all.
    pub durations: Durations,
    /// How long until the response's first byte, of those that had one.
    pub first_bytes: Durations,
    /// From clients.
    pub bytes_in: u64,
    /// To clients.
    pub bytes_out: u64,
    /// Attempts beyond each request's first.
    pub retries: u64,
}

impl RouteTotals {
    /// All requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.by_class.iter().sum()
    }
}

#[derive(Debug, Default)]
struct Shard {
    by_class: [Counter; CLASSES],
    by_cause: ByCause,
    by_why: ByWhy,
    durations: DurationCounts,
    first_bytes: DurationCounts,
    bytes_in: Counter,
    bytes_out: Counter,
    retries: Counter,
}

impl Shard {
    fn record(&self, outcome: &RequestOutcome) {
        self.by_class[outcome.class()].add(1);
        if let Some(cause) = outcome.cause {
            self.by_cause.add(cause);
        }
        if let Some(why) = outcome.why {
            self.by_why.add(why);
        }
        self.durations.add(outcome.total);
        if let Some(first_byte) = outcome.first_byte {
            self.first_bytes.add(first_byte);
        }
        self.bytes_in.add(outcome.bytes_in);
        self.bytes_out.add(outcome.bytes_out);
        self.retries.add(u64::from(outcome.attempts.saturating_sub(1)));
    }

    fn add_to(&self, totals: &mut RouteTotals) {
        for (total, count) in totals.by_class.iter_mut().zip(&self.by_class) {
            *total += count.get();
        }
        self.durations.add_to(&mut totals.durations);
        self.first_bytes.add_to(&mut totals.first_bytes);
        totals.bytes_in += self.bytes_in.get();
        totals.bytes_out += self.bytes_out.get();
        totals.retries += self.retries.get();
    }
}
