//! How many registrations there were.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use portreeve_model::plan::Name;

/// Counters that only grow. Their labels come from the configuration and from closed lists: only what was accepted
/// counts by pool, and causes are our own words.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    accepted: Mutex<BTreeMap<(Name, Kind), u64>>,
    refused: Mutex<BTreeMap<String, u64>>,
    unstored: AtomicU64,
}

/// What was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Somebody who was not there.
    New,
    /// Somebody who was, the same as before or changed.
    Again,
    /// A sign of life.
    Heartbeat,
    /// A goodbye.
    Left,
}

impl Kind {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Again => "again",
            Self::Heartbeat => "heartbeat",
            Self::Left => "left",
        }
    }
}

impl Counts {
    pub(super) fn accepted(&self, pool: &Name, kind: Kind) {
        *lock(&self.accepted).entry((Name::clone(pool), kind)).or_default() += 1;
    }

    pub(super) fn refused(&self, cause: &str) {
        *lock(&self.refused).entry(cause.to_owned()).or_default() += 1;
    }

    /// Whether the store has what was accepted.
    pub(super) fn stored(&self, is_stored: bool) {
        self.unstored.fetch_add(u64::from(!is_stored), Relaxed);
    }

    /// By pool and kind.
    pub(crate) fn all_accepted(&self) -> Vec<((Name, Kind), u64)> {
        let accepted = lock(&self.accepted);
        accepted.iter().map(|(of, count)| (of.clone(), *count)).collect()
    }

    /// By cause.
    pub(crate) fn all_refused(&self) -> Vec<(String, u64)> {
        let refused = lock(&self.refused);
        refused
            .iter()
            .map(|(cause, count)| (cause.clone(), *count))
            .collect()
    }

    /// Those that were accepted and would not survive a restart.
    pub(crate) fn all_unstored(&self) -> u64 {
        self.unstored.load(Relaxed)
    }
}

/// What is inside is whole at every moment.
fn lock<T>(counts: &Mutex<T>) -> MutexGuard<'_, T> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}
