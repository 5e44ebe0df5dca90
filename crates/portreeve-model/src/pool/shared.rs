//! What all that hold a pool share, in whatever snapshot.

use std::sync::atomic::{AtomicU32, AtomicU64};

use crate::budget::RetryBudget;
use crate::latencies::Latencies;
use crate::padded::Padded;

/// What is counted of a pool as a whole; the same for as long as a pool of this name exists.
#[derive(Debug, Default)]
pub struct PoolShared {
    /// Requests that are held now; whoever lets a lease go looks here first.
    pub waiting: Padded<AtomicU32>,
    /// How many retries it can afford.
    pub budget: RetryBudget,
    /// How long its requests take.
    pub latencies: Latencies,
    /// Requests that were held, whatever became of them.
    pub held: AtomicU64,
    /// Bytes of those that are held now: their heads, and what came of their bodies.
    pub hold_bytes: AtomicU64,
    /// Requests that were held in vain.
    pub hold_timeouts: AtomicU64,
    /// Requests refused because there was no room, and none to be held.
    pub shed: AtomicU64,
    /// Requests that found nobody and were answered with a waiting page.
    pub waiting_pages: AtomicU64,
    /// Second attempts begun beside a slow one.
    pub hedges: AtomicU64,
    /// Of these, those that answered first.
    pub hedges_won: AtomicU64,
    /// Copies sent to it for another pool's requests.
    pub mirrored: AtomicU64,
    /// Copies that were not sent, or not answered.
    pub mirror_dropped: AtomicU64,
}
