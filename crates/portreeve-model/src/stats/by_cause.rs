//! A count for each cause.

use super::counter::Counter;
use crate::cause::Cause;

/// A count for each cause.
#[derive(Debug)]
pub(super) struct ByCause([Counter; Cause::ALL.len()]);

impl ByCause {
    pub(super) fn add(&self, cause: Cause) {
        self.0[cause.index()].add(1);
    }
}

impl Default for ByCause {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Counter::default()))
    }
}

/// Adds shards up: every cause, also those that never happened, in the order of [`Cause::ALL`].
pub(super) fn sum<'a>(shards: impl Iterator<Item = &'a ByCause>) -> Vec<(Cause, u64)> {
    let mut totals: Vec<_> = Cause::ALL.iter().map(|cause| (*cause, 0)).collect();
    for shard in shards {
        for ((_, total), count) in totals.iter_mut().zip(&shard.0) {
            *total += count.get();
        }
    }
    totals
}
