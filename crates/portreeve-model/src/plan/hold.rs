//! How many requests a pool has under way, and what becomes of those that find no backend.

use std::time::Duration;

/// How many requests a backend may have in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InFlightPlan {
    /// As many as it serves without queueing, found out from latency; never fewer than 16. `auto`
    #[default]
    Adaptive,
    /// This many; at least 1.
    AtMost(u32),
    /// As many as come. `unlimited`
    Unlimited,
}

/// What becomes of a request that finds no backend with room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldPlan {
    /// Requests held at once in the pool; 0 to 100,000, default 10,000.
    pub requests_max: u32,
    /// How long one is held at most; default 5 s. Where the limit is adaptive, and more requests come than are served for
    /// two seconds on end, it is 20 ms.
    pub timeout: Duration,
}

impl Default for HoldPlan {
    fn default() -> Self {
        Self {
            requests_max: 10_000,
            timeout: Duration::from_secs(5),
        }
    }
}

/// What becomes of a request when no backend that upholds its policies is healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailMode {
    /// It is refused at once with 503. `refuse`
    #[default]
    Refuse,
    /// It is held until one is healthy, within the bounds of the pool's hold. `hold`
    Hold,
    /// It goes to one that is down or ejected: never to one that does not uphold its policies, drains, or is gone.
    /// `use-all`
    UseAll,
}
