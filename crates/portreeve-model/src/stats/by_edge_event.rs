//! A count for each thing that happens at a connection beside its requests.

use super::counter::Counter;
use crate::edge::EdgeEvent;

/// A count for each event.
#[derive(Debug, Default)]
pub(super) struct ByEdgeEvent([Counter; EdgeEvent::ALL.len()]);

impl ByEdgeEvent {
    pub(super) fn add(&self, event: EdgeEvent) {
        self.0[event.index()].add(1);
    }
}

/// Adds shards up: every event, also those that never happened, in the order of [`EdgeEvent::ALL`].
pub(super) fn sum<'a>(shards: impl Iterator<Item = &'a ByEdgeEvent>) -> Vec<(EdgeEvent, u64)> {
    let mut totals: Vec<_> = EdgeEvent::ALL.iter().map(|event| (*event, 0)).collect();
    for shard in shards {
        for ((_, total), count) in totals.iter_mut().zip(&shard.0) {
            *total += count.get();
        }
    }
    totals
}
