//! How a backend does, beside its standing.

use std::time::Duration;

use portreeve_model::plan::Name;
use portreeve_model::{Backend, Ejected, Snapshot, Tick};

/// How a backend does, beside its standing, as of one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Condition {
    /// Whether it is ejected, and why.
    pub ejection: Option<Ejected>,
    /// How long it is until the next trial may be made of one that is ejected.
    pub trial_in: Duration,
    /// How many requests it may have in flight; `None`: as many as come.
    pub limit: Option<u32>,
    /// How long it is expected to take; `None` before its first answer.
    pub latency: Option<Duration>,
    /// How much of its share it gets: 0.1 to 1, and 1 where its pool has no slow start.
    pub warmth: f32,
    /// Whether it has several requests in flight and answers none of them.
    pub is_stalled: bool,
}

impl Condition {
    /// Looking changes nothing: it begins no slow start and no trial.
    pub(super) fn of(backend: &Backend, pool: &Name, snapshot: &Snapshot, now: Tick) -> Self {
        let ejection = backend.ejection();
        let pool = snapshot.pool(pool);
        let slow_start = pool.map(|pool| pool.plan().slow_start).unwrap_or_default();
        Self {
            ejection,
            trial_in: ejection.map_or(Duration::ZERO, |ejected| ejected.until.since(now)),
            limit: backend.limit(),
            latency: backend.vitals.latency(now),
            warmth: backend.warmth_seen(now, slow_start),
            is_stalled: backend.is_stalled(now),
        }
    }
}
