//! What was measured of a fleet.

use std::time::Duration;

/// What was measured of one fleet at one moment. `None`: not known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Seen {
    /// Requests that its backends serve now.
    pub in_flight: u64,
    /// Requests that are held for want of one.
    pub waiting: u64,
    /// The longest wait of those that ended since this was asked last, or of those that wait.
    pub longest_wait: Duration,
    /// Requests given to its backends since the start, those included that were refused for want of one.
    pub requests_total: u64,
    /// The 95th percentile of latency over the last while.
    pub p95: Option<Duration>,
    /// Mean use of CPU, in percent of what an instance may use.
    pub cpu_percent: Option<f64>,
    /// Mean use of memory, in percent of what an instance may use.
    pub memory_percent: Option<f64>,
    /// Mean of the load that backends report, in percent of full.
    pub load_percent: Option<f64>,
    /// Requests that found nobody since the start, held or refused.
    pub asked_total: u64,
}

impl Seen {
    /// Those that are served and those that wait for it.
    pub(super) fn under_way(&self) -> u64 {
        self.in_flight.saturating_add(self.waiting)
    }
}
