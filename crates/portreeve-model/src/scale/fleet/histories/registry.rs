//! What the registry knows of a backend.

use super::super::Look;
use crate::standing::Standing;
use crate::tick::Tick;

/// A backend, as it is registered.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) is_proved: bool,
    pub(super) is_down: bool,
    pub(super) drained_at: Option<Tick>,
    /// Since when it has not been given requests.
    pub(super) rests_since: Option<Tick>,
    pub(super) in_flight: u32,
}

impl Entry {
    pub(super) fn drain(&mut self, drains: bool, now: Tick) {
        self.drained_at = drains.then_some(now);
        self.rests_since = self.rests_since.or(self.drained_at);
        self.note_rest();
    }

    pub(super) fn note_rest(&mut self) {
        if self.look().standing == Standing::Serving {
            self.rests_since = None;
        }
    }

    pub(super) fn look(&self) -> Look {
        let standing = match self {
            Self {
                drained_at: Some(_), ..
            } => Standing::Draining,
            Self { is_down: true, .. } => Standing::Down,
            Self { is_proved: true, .. } => Standing::Serving,
            _ => Standing::Unproved,
        };
        Look {
            standing,
            in_flight: self.in_flight,
        }
    }
}
