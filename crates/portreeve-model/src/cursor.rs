//! Whose turn it is, over all threads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::padded::Padded;

/// Numbers the picks of a pool: 0, 1, 2… each given out once, to whichever thread asks first.
#[derive(Debug, Default)]
pub(crate) struct Cursor(Padded<AtomicU64>);

impl Cursor {
    /// The next number. It would take centuries to wrap.
    pub(crate) fn turn(&self) -> u64 {
        self.0.fetch_add(1, Relaxed)
    }
}
