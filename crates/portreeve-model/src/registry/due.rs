//! Who is due when.

use std::collections::BTreeSet;
use std::time::Duration;

/// At which time, since the start, whose turn it is. Whoever adds an entry knows it, to take it out again.
#[derive(Debug)]
pub(super) struct DueTimes<K>(BTreeSet<(Duration, K)>);

impl<K> Default for DueTimes<K> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<K: Ord + Copy> DueTimes<K> {
    pub(super) fn add(&mut self, due: Option<Duration>, key: K) {
        self.0.extend(due.map(|due| (due, key)));
    }

    pub(super) fn drop(&mut self, due: Option<Duration>, key: K) {
        if let Some(due) = due {
            self.0.remove(&(due, key));
        }
    }

    pub(super) fn first(&self) -> Option<(Duration, K)> {
        self.0.first().copied()
    }

    /// The first, if its time has come.
    pub(super) fn first_by(&self, now: Duration) -> Option<(Duration, K)> {
        self.first().filter(|(due, _)| *due <= now)
    }
}
