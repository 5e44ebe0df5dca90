//! Clients: how long they wait, and what came of their requests.

use std::time::Duration;

/// How long clients wait.
#[derive(Clone, Copy)]
pub(super) enum Patience {
    Endless,
    /// All of them.
    Of(Duration),
    /// Of so many in a hundred, up to so long, by chance; the others are patient.
    Fickle(u64, Duration),
}

/// What came of those that arrived.
#[derive(Default)]
pub(in super::super) struct Outcome {
    pub(in super::super) served: usize,
    pub(in super::super) refused: usize,
    pub(in super::super) left: usize,
    pub(super) latencies: Vec<u64>,
}

impl Outcome {
    /// Of the served; at that percentile.
    pub(in super::super) fn latency(&self, percent: usize) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let place = sorted.len().saturating_sub(1) * percent / 100;
        Duration::from_micros(sorted.get(place).copied().unwrap_or(0))
    }
}
