//! Counts of what was carried, kept by the workers and read by whoever asks.
//!
//! Each worker has a shard of its own, on cache lines of its own, and is the only one that writes it: so a relaxed load
//! and a relaxed store count as surely as a locked instruction, and cost no more than a plain variable. A reader adds
//! the shards up. Two workers with one shard number would lose counts, but break nothing.

mod by_cause;
mod counter;
mod durations;
mod listener;
mod route;
mod shards;

use std::time::Duration;

pub use durations::{DURATION_BOUNDS, Durations};
pub use listener::{ListenerStats, ListenerTotals};
pub use route::{RouteStats, RouteTotals};

use crate::cause::Cause;

/// What became of one request, told at its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestOutcome {
    /// Of the final response's head; 0: none was sent.
    pub status: u16,
    /// Why the proxy answered or ended the request itself; `None`: it carried it to the end.
    pub cause: Option<Cause>,
    /// From the head's last byte in until the end.
    pub total: Duration,
    /// From the head's last byte in until the response's first byte out.
    pub first_byte: Option<Duration>,
    /// From the client, heads included.
    pub bytes_in: u64,
    /// To the client, heads included.
    pub bytes_out: u64,
    /// Backends tried; 0 if none.
    pub attempts: u8,
}

impl RequestOutcome {
    /// Its place in `by_class`; a status beyond 599 counts as none.
    fn class(&self) -> usize {
        let class = usize::from(self.status / 100);
        if class < CLASSES { class } else { 0 }
    }
}

/// None sent, 1xx, 2xx, 3xx, 4xx, 5xx.
const CLASSES: usize = 6;
