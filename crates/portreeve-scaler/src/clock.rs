//! The time as both planes count it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portreeve_model::Tick;
use tokio::time::Instant;

/// Counts from the start of the process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn from(start: std::time::Instant) -> Self {
        Self {
            start: Instant::from_std(start),
        }
    }

    pub(crate) fn now(&self) -> Tick {
        Tick::after_start(self.start.elapsed())
    }

    /// When that will be.
    pub(crate) fn instant(&self, tick: Tick) -> Instant {
        self.start + Duration::from_micros(tick.micros())
    }
}

/// Milliseconds since 1970.
pub(crate) fn unix_ms() -> u64 {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(unix.as_millis()).unwrap_or(u64::MAX)
}
