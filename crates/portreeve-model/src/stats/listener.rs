//! What a listener has accepted, refused and could not route.

use super::by_cause::{self, ByCause};
use super::by_edge_event::{self, ByEdgeEvent};
use super::by_version::{self, ByVersion};
use super::counter::Counter;
use super::shards::Shards;
use super::{CLASSES, RequestOutcome};
use crate::cause::Cause;
use crate::edge::EdgeEvent;
use crate::spoken_version::SpokenVersion;

/// What a listener has accepted, one shard per worker. Each method may be called with `shard` only by the worker that
/// owns it.
#[derive(Debug)]
pub struct ListenerStats(Shards<Shard>);

impl ListenerStats {
    /// Nothing accepted yet; at least one shard.
    #[must_use]
    pub fn new(shards: usize) -> Self {
        Self(Shards::new(shards))
    }

    /// Counts a connection that was accepted and is served.
    pub fn opened(&self, shard: usize) {
        self.0.get(shard).opened.add(1);
    }

    /// Counts the end of a connection that was counted by [`opened`](Self::opened) on the same shard.
    pub fn closed(&self, shard: usize) {
        self.0.get(shard).closed.add(1);
    }

    /// Counts a connection that was turned away.
    pub fn refused(&self, shard: usize, cause: Cause) {
        self.0.get(shard).refused.add(cause);
    }

    /// Counts what happened at a connection beside its requests.
    pub fn note(&self, shard: usize, event: EdgeEvent) {
        self.0.get(shard).edge.add(event);
    }

    /// Counts a request that has ended, with a route or without, by the version in which it came.
    pub fn carried(&self, shard: usize, version: SpokenVersion) {
        self.0.get(shard).by_version.add(version);
    }

    /// Counts a request that has ended without a route.
    pub fn record_unrouted(&self, shard: usize, outcome: &RequestOutcome) {
        self.0.get(shard).record_unrouted(outcome);
    }

    /// The sum of all shards; taken while workers go on, so its parts may differ by the events of that moment.
    #[must_use]
    pub fn totals(&self) -> ListenerTotals {
        let mut totals = ListenerTotals {
            refused: by_cause::sum(self.0.iter().map(|shard| &shard.refused)),
            unrouted: by_cause::sum(self.0.iter().map(|shard| &shard.unrouted)),
            edge: by_edge_event::sum(self.0.iter().map(|shard| &shard.edge)),
            by_version: by_version::sum(self.0.iter().map(|shard| &shard.by_version)),
            ..ListenerTotals::default()
        };
        self.0.iter().for_each(|shard| shard.add_to(&mut totals));
        totals
    }

    /// Whether that many workers have a shard each.
    pub(crate) fn serves(&self, shards: usize) -> bool {
        shards <= self.0.len()
    }
}

/// The sums of a listener.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListenerTotals {
    /// Connections that are open now.
    pub open: u64,
    /// Connections ever accepted and served.
    pub accepted: u64,
    /// Connections turned away: every cause, in the order of [`Cause::ALL`].
    pub refused: Vec<(Cause, u64)>,
    /// What happened beside requests: every event, in the order of [`EdgeEvent::ALL`].
    pub edge: Vec<(EdgeEvent, u64)>,
    /// All requests that ended, by the version in which they came, in the order of [`SpokenVersion::ALL`].
    pub by_version: Vec<(SpokenVersion, u64)>,
    /// Requests that ended without a route: every cause, in the order of [`Cause::ALL`].
    pub unrouted: Vec<(Cause, u64)>,
    /// The same requests by the class of their status: none sent, 1xx, 2xx, 3xx, 4xx, 5xx.
    pub unrouted_by_class: [u64; 6],
    /// From clients, of requests that ended without a route.
    pub unrouted_bytes_in: u64,
    /// To clients, of requests that ended without a route.
    pub unrouted_bytes_out: u64,
}

#[derive(Debug, Default)]
struct Shard {
    opened: Counter,
    closed: Counter,
    refused: ByCause,
    edge: ByEdgeEvent,
    by_version: ByVersion,
    unrouted: ByCause,
    unrouted_by_class: [Counter; CLASSES],
    unrouted_bytes_in: Counter,
    unrouted_bytes_out: Counter,
}

impl Shard {
    fn record_unrouted(&self, outcome: &RequestOutcome) {
        if let Some(cause) = outcome.cause {
            self.unrouted.add(cause);
        }
        self.unrouted_by_class[outcome.class()].add(1);
        self.unrouted_bytes_in.add(outcome.bytes_in);
        self.unrouted_bytes_out.add(outcome.bytes_out);
    }

    /// `closed` is read first, so that a connection is never closed before it was opened.
    fn add_to(&self, totals: &mut ListenerTotals) {
        let closed = self.closed.get();
        let opened = self.opened.get();
        totals.accepted += opened;
        totals.open += opened.saturating_sub(closed);
        for (total, count) in totals.unrouted_by_class.iter_mut().zip(&self.unrouted_by_class) {
            *total += count.get();
        }
        totals.unrouted_bytes_in += self.unrouted_bytes_in.get();
        totals.unrouted_bytes_out += self.unrouted_bytes_out.get();
    }
}
