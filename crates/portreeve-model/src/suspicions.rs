//! A bell that the data plane rings when it cannot reach a registered backend.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How often a registered backend could not be reached. The writer looks at the count now and then, and at the backends
/// only when it has risen.
#[derive(Debug, Default)]
pub struct Suspicions(AtomicU64);

impl Suspicions {
    /// One more.
    pub fn raise(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// How many so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
