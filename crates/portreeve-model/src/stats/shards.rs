//! One part per worker, each on cache lines of its own.

use crate::padded::Padded;

/// One part per worker.
#[derive(Debug)]
pub(super) struct Shards<T>(Box<[Padded<T>]>);

impl<T: Default> Shards<T> {
    /// At least one.
    pub(super) fn new(count: usize) -> Self {
        Self((0..count.max(1)).map(|_| Padded::default()).collect())
    }
}

impl<T> Shards<T> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Numbers beyond the last shard count on the first.
    pub(super) fn get(&self, shard: usize) -> &T {
        self.0.get(shard).unwrap_or(&self.0[0])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|shard| &**shard)
    }
}
