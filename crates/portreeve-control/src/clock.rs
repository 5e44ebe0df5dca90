//! The time, as the registry counts it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portreeve_model::Moment;
use tokio::time::Instant;

/// Counts from the start of the control plane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
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
