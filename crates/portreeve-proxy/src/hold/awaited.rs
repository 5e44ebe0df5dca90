//! Requests that wait for a fleet to bring somebody.

use std::time::{Duration, Instant};

use portreeve_model::{FleetShared, Tick};

/// A request that waits. The drop tells the fleet that it waits no more, however it ended, and for how long it did.
pub(crate) struct Awaited<'a> {
    fleet: &'a FleetShared,
    began: Instant,
}

impl<'a> Awaited<'a> {
    /// It begins to wait, now, which is `now` as all threads tell it.
    pub(crate) fn enter(fleet: &'a FleetShared, now: Tick) -> Self {
        fleet.enter(now);
        Self {
            fleet,
            began: Instant::now(),
        }
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.fleet.leave(self.began.elapsed());
    }
}

/// After how long somebody should be there whom the fleet is to bring.
pub(crate) fn time_to_come(fleet: &FleetShared) -> Duration {
    let known = fleet.start_time().unwrap_or(START_TIME);
    known.clamp(START_TIME_MIN, START_TIME_MAX)
}

/// Where nobody was started yet.
const START_TIME: Duration = Duration::from_secs(5);
const START_TIME_MIN: Duration = Duration::from_secs(1);
const START_TIME_MAX: Duration = Duration::from_secs(60);
