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
    /// How long one is held at most; default 30 s, and 5 s where the limit is a number or requests wait for a backend to
    /// come back that nobody starts. Where the limit is adaptive, and more requests come than are served for long
    /// ([`Pressure`](crate::Pressure)), it is 20 ms.
    pub timeout: Duration,
    /// Bytes of requests that were read and are kept while held, heads and what came of bodies, in the whole pool; default
    /// 64 MiB. Of a body no more is read while its request is held.
    pub bytes_max: u64,
    /// What a browser is shown instead of waiting: a page that asks again by itself; default none.
    pub page: Option<WaitingPage>,
}

/// What a browser is shown while the pool wakes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitingPage {
    /// One of ours.
    Ours,
    /// This HTML.
    Of(std::sync::Arc<str>),
}

impl Default for HoldPlan {
    fn default() -> Self {
        Self {
            requests_max: 10_000,
            timeout: Duration::from_secs(30),
            bytes_max: 64 << 20,
            page: None,
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
