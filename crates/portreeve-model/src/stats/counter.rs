//! A number that one thread writes and all may read.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A count with one writer: no locked instruction.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    /// Only by the shard's owner.
    pub(super) fn add(&self, more: u64) {
        self.0.store(self.get().wrapping_add(more), Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
