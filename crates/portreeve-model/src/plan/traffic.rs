//! What a route does with its requests beside sending them to a pool.

use std::time::Duration;

use super::{HashKey, Name};

/// How long a route's requests may take, from their heads to the ends of their responses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeadlinePlan {
    /// At most so long; beside the pool's `total_timeout`, the shorter counts.
    pub timeout: Option<Duration>,
    /// A header field in which a client may say less, in lower case, and in which backends are told what is left; its
    /// value is milliseconds, or as in gRPC (`100m`, `2S`).
    pub header: Option<String>,
}

/// How many requests are let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RatePlan {
    /// What is counted apart.
    pub per: RateKey,
    /// Requests in each `every`; 1 to 1,000,000.
    pub requests: u32,
    /// 1 ms to 1 h.
    pub every: Duration,
    /// Requests that may come at once after a pause; default `requests`.
    pub burst: u32,
}

/// What requests are counted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RateKey {
    /// All of the route together. `route`
    Route,
    /// The client's address; of IPv6 its /64. `client`
    Client,
    /// A header field's first value; the name in lower case. Requests that lack it are counted together. `header:NAME`
    Header(String),
}

/// Who goes first where requests are held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PriorityPlan {
    /// All the same, at this height: 0 (first) to 7, default 3.
    #[default]
    Middle,
    /// At this height.
    Fixed(u8),
    /// As a header field says, `u=0` to `u=7` (RFC 9218 section 4.1) or the bare number; the name in lower case.
    Header(String),
}

/// A share of a route's requests that goes to other pools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitPlan {
    /// The pools beside the route's own, each with its share of all requests in tenths of a percent; together at most
    /// 1,000.
    pub arms: Vec<(Name, u16)>,
    /// Requests with the same key go to the same pool as long as shares stay; `None`: by chance.
    pub key: Option<HashKey>,
}

/// A share of a route's requests that is sent to another pool too, whose answers are dropped. Only requests whose body
/// is empty or there as a whole with the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorPlan {
    /// Where copies go; the same policies hold there.
    pub pool: Name,
    /// In tenths of a percent, 1 to 1,000; default 1,000.
    pub share: u16,
}
