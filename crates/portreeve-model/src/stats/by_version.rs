//! A count for each version in which requests come.

use super::counter::Counter;
use crate::spoken_version::SpokenVersion;

/// A count for each version.
#[derive(Debug, Default)]
pub(super) struct ByVersion([Counter; SpokenVersion::ALL.len()]);

impl ByVersion {
    pub(super) fn add(&self, version: SpokenVersion) {
        self.0[version.index()].add(1);
    }
}

/// Adds shards up: every version, also those that nobody spoke, in the order of [`SpokenVersion::ALL`].
pub(super) fn sum<'a>(shards: impl Iterator<Item = &'a ByVersion>) -> Vec<(SpokenVersion, u64)> {
    let mut totals: Vec<_> = SpokenVersion::ALL.iter().map(|version| (*version, 0)).collect();
    for shard in shards {
        for ((_, total), count) in totals.iter_mut().zip(&shard.0) {
            *total += count.get();
        }
    }
    totals
}
