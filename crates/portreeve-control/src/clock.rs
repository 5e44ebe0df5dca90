//! The time, as the registry counts it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portreeve_model::{Moment, Tick};
use tokio::time::Instant;

/// Counts from the start of the process, or of the control plane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// Counts from that moment on; `None`: from now.
    pub(crate) fn start(start: Option<std::time::Instant>) -> Self {
        Self {
            start: start.map_or_else(Instant::now, Instant::from_std),
        }
    }

    /// Now, as the data plane counts if it started at the same moment.
    pub(crate) fn tick(&self) -> Tick {
        Tick::after_start(self.start.elapsed())
    }

    pub(crate) fn now(&self) -> Moment {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment {
            since_start: self.start.elapsed(),
            unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// When that much time will have passed.
    pub(crate) fn instant(&self, since_start: Duration) -> Instant {
        self.start + since_start
    }
}
