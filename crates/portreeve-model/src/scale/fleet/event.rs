//! What happened to a fleet and its instances.

use std::sync::Arc;
use std::time::Duration;

use crate::tick::Tick;

/// One thing that happened in a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetEvent {
    /// When.
    pub at: Tick,
    /// To which instance; `None`: to the fleet.
    pub id: Option<Arc<str>>,
    /// What.
    pub kind: FleetEventKind,
}

/// What can happen in a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FleetEventKind {
    /// The driver is asked for it.
    Ordered,
    /// It was there already, and is taken over.
    Adopted,
    /// It came to be by an order of ours, and others gave it its name.
    Claimed {
        /// By which it was known until now.
        order: Arc<str>,
    },
    /// The driver began it.
    Started,
    /// The driver could not.
    StartFailed,
    /// It did not pass its first probe in time, and is stopped.
    StartTimedOut,
    /// It passed its first probe.
    Serving {
        /// Since it was ordered or found.
        took: Duration,
    },
    /// Its backend does not serve any more.
    Down,
    /// Its backend serves again.
    Up,
    /// It was down for too long, and is stopped and replaced.
    Hung,
    /// It gets no new requests, and ends when it has finished those that it has.
    Draining,
    /// It was to leave, and stays.
    Recalled,
    /// It is asked to end.
    Stopping,
    /// It did not end in time, and is killed.
    Killed,
    /// It is over, as it was to be.
    Ended,
    /// It is over, and was not to be.
    Died,
    /// Too many failed one after the other: nothing is started for a while.
    BackingOff {
        /// Until then.
        until: Tick,
        /// In a row.
        failures: u32,
    },
}

impl FleetEventKind {
    /// All names that [`code`](Self::code) gives.
    pub const CODES: [&'static str; 17] = [
        "ordered",
        "adopted",
        "claimed",
        "started",
        "start_failed",
        "start_timed_out",
        "serving",
        "down",
        "up",
        "hung",
        "draining",
        "recalled",
        "stopping",
        "killed",
        "ended",
        "died",
        "backing_off",
    ];

    /// Its name in the API, records and metrics: a closed list.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Adopted => "adopted",
            Self::Claimed { .. } => "claimed",
            Self::Started => "started",
            Self::StartFailed => "start_failed",
            Self::StartTimedOut => "start_timed_out",
            Self::Serving { .. } => "serving",
            Self::Down => "down",
            Self::Up => "up",
            Self::Hung => "hung",
            Self::Draining => "draining",
            Self::Recalled => "recalled",
            Self::Stopping => "stopping",
            Self::Killed => "killed",
            Self::Ended => "ended",
            Self::Died => "died",
            Self::BackingOff { .. } => "backing_off",
        }
    }
}
