//! Time counted in requests.

use std::time::Duration;

use crate::plan::RatePlan;
use crate::tick::Tick;

/// How fast requests may follow each other. Time is counted in them: position `n` is when the `n`th could have been let
/// through, had they come evenly since the process started. So all is whole numbers, and nothing drifts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    requests: u64,
    every_micros: u64,
    /// How many may come at once.
    pub(super) burst: u64,
    /// The farthest ahead of its own time that a thread can find a position: a burst, and what a minute lets through.
    /// What seems to be farther is left over from long ago.
    pub(super) ahead_max: u64,
}

impl Pace {
    pub(super) fn new(plan: &RatePlan) -> Self {
        let (requests, burst) = (u64::from(plan.requests.max(1)), u64::from(plan.burst.max(1)));
        let every_micros = Tick::after_start(plan.every).micros().max(1);
        let per_minute = (requests * MINUTE_MICROS / every_micros).max(1);
        Self {
            requests,
            every_micros,
            burst,
            ahead_max: burst + per_minute,
        }
    }

    /// The position that time has come to.
    pub(super) fn position(self, now: Tick) -> u64 {
        let quick = now.micros().checked_mul(self.requests);
        quick.map_or_else(
            || narrow(u128::from(now.micros()) * u128::from(self.requests) / u128::from(self.every_micros)),
            |product| product / self.every_micros,
        )
    }

    /// How long after `now` time comes to that position.
    pub(super) fn until(self, position: u64, now: Tick) -> Duration {
        let micros = u128::from(position) * u128::from(self.every_micros);
        Tick::of_micros(narrow(micros.div_ceil(u128::from(self.requests)))).since(now)
    }
}

fn narrow(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

const MINUTE_MICROS: u64 = 60_000_000;
