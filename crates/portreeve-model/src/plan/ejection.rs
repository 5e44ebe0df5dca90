//! When a backend is left alone for a while because of how it serves.

use std::time::Duration;

/// When a backend gets no requests for a while because of how it served those it had. That it refuses connections is no
/// matter of this: it is down then, until it can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EjectionPlan {
    /// Failures in a row that eject: resets, timeouts, broken responses, and `statuses`; 1 to 1,000, default 5; `None`:
    /// they do not.
    pub failures_in_a_row: Option<u16>,
    /// Statuses that count as failures, first and last of each range; default 500, 502 to 504 and 507.
    pub statuses: Vec<(u16, u16)>,
    /// Whether one is ejected whose share of successes is far below the others'; default yes.
    pub by_success_rate: bool,
    /// How many times the others' median latency ejects; 2 to 1,000, default 10; `None`: latency does not.
    pub latency_factor: Option<u16>,
    /// How long the first time; each further time in a row it is longer by as much; default 5 s.
    pub time: Duration,
    /// The longest; default 5 min.
    pub time_max: Duration,
    /// How many of the pool's backends may be ejected at once, in percent, rounded down; 0 to 100, default 50.
    pub share_max_percent: u8,
}

impl Default for EjectionPlan {
    fn default() -> Self {
        Self {
            failures_in_a_row: Some(5),
            statuses: vec![(500, 500), (502, 504), (507, 507)],
            by_success_rate: true,
            latency_factor: Some(10),
            time: Duration::from_secs(5),
            time_max: Duration::from_secs(300),
            share_max_percent: 50,
        }
    }
}

impl EjectionPlan {
    /// Whether a response of that status counts as a failure.
    #[must_use]
    pub fn is_failure(&self, status: u16) -> bool {
        status >= 500 && super::is_within(&self.statuses, status)
    }
}
