//! Who is due when.

use std::collections::BTreeSet;
use std::time::Duration;

use super::members::Slot;

/// At which time, since the start, whose turn it is. Whoever adds an entry knows it, to take it out again.
#[derive(Debug, Default)]
pub(super) struct DueTimes(BTreeSet<(Duration, Slot)>);

impl DueTimes {
    pub(super) fn add(&mut self, due: Option<Duration>, slot: Slot) {
        self.0.extend(due.map(|due| (due, slot)));
    }

    pub(super) fn drop(&mut self, due: Option<Duration>, slot: Slot) {
        if let Some(due) = due {
            self.0.remove(&(due, slot));
        }
    }

    pub(super) fn first(&self) -> Option<(Duration, Slot)> {
        self.0.first().copied()
    }

    /// The first, if its time has come.
    pub(super) fn first_by(&self, now: Duration) -> Option<(Duration, Slot)> {
        self.first().filter(|(due, _)| *due <= now)
    }
}
