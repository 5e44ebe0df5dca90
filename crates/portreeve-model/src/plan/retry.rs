//! When a request is sent to another backend.

use std::time::Duration;

/// When a request is sent to another backend after one has failed. How often is bounded by
/// [`attempts_max`](super::BackendLimits::attempts_max). A connection that could not be made is tried elsewhere whatever
/// the method; all else only if the request may be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPlan {
    /// Statuses after which another backend is asked, first and last of each range; default none.
    pub statuses: Vec<(u16, u16)>,
    /// A header field by which a client says that a request may be repeated whatever its method, in lower case; default
    /// none.
    pub marked_by: Option<String>,
    /// Bytes of a request body that are remembered to be sent again; at most 1 MiB, default 64 KiB. A longer one is
    /// sent once.
    pub body_bytes_max: u32,
    /// How long one attempt may take until its response head is complete; `None`: as long as the first byte may take.
    pub attempt_timeout: Option<Duration>,
    /// Retries and hedges, in percent of the pool's requests; 0 to 100, default 20.
    pub budget_percent: u8,
    /// Retries that are allowed in each second however few requests there are; default 10.
    pub budget_min: u16,
    /// How long a backend is passed over at most that answers 503 or 429 with `Retry-After` (RFC 9110 section 10.2.3),
    /// while others are left; default 10 s; zero: it is not heeded.
    pub retry_after_max: Duration,
}

impl Default for RetryPlan {
    fn default() -> Self {
        Self {
            statuses: Vec::new(),
            marked_by: None,
            body_bytes_max: 64 * 1024,
            attempt_timeout: None,
            budget_percent: 20,
            budget_min: 10,
            retry_after_max: Duration::from_secs(10),
        }
    }
}

impl RetryPlan {
    /// Whether another backend is asked after a response of that status.
    #[must_use]
    pub fn wants(&self, status: u16) -> bool {
        super::is_within(&self.statuses, status)
    }
}

/// When a second attempt is begun beside one that takes long (Dean and Barroso, "The Tail at Scale", 2013). Only
/// requests that are idempotent and have no body, and only within the retry budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HedgePlan {
    /// After how long; `None`: after what 95 of 100 of the pool's requests take, as of the last seconds.
    pub after: Option<Duration>,
    /// Never sooner than this; default 10 ms.
    pub after_min: Duration,
}

impl Default for HedgePlan {
    fn default() -> Self {
        Self {
            after: None,
            after_min: Duration::from_millis(10),
        }
    }
}
