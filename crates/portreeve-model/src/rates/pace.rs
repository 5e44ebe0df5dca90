//! Time counted in requests.

use std::time::Duration;

use super::cell::POSITION_BITS;
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
            ahead_max: (burst + per_minute).min(AHEAD_MAX),
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
/// Half of what a cell can hold, so that the other half is past; more than any burst.
const AHEAD_MAX: u64 = 1 << (POSITION_BITS - 1);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pace(requests: u32, every: Duration) -> Pace {
        Pace::new(&RatePlan {
            per: crate::plan::RateKey::Route,
            requests,
            every,
            burst: requests,
        })
    }

    #[test]
    fn time_comes_to_as_many_positions_as_requests_are_let_through() {
        let pace = pace(3, Duration::from_micros(10));
        let positions = [0, 3, 4, 6, 7, 9, 10, 20].map(|micros| pace.position(Tick::of_micros(micros)));
        assert_eq!(positions, [0, 0, 1, 1, 2, 2, 3, 6]);
    }

    #[test]
    fn neither_a_long_time_nor_a_fast_pace_is_too_much() {
        let fast = pace(u32::MAX, Duration::ZERO);
        assert_eq!(fast.position(Tick::of_micros(1 << 30)), u64::from(u32::MAX) << 30);
        assert_eq!(fast.position(Tick::of_micros(u64::MAX)), u64::MAX);
        let slow = pace(0, Duration::MAX);
        assert_eq!(slow.position(Tick::of_micros(1 << 50)), 0);
        assert_eq!(
            slow.until(u64::MAX, Tick::default()),
            Duration::from_micros(u64::MAX)
        );
    }

    proptest! {
        #[test]
        fn the_wait_for_a_position_ends_when_time_comes_to_it(
            requests in 1_u32..1_000_000,
            every in 1_u64..4_000_000_000,
            now in 0_u64..1 << 45,
            more in 1_u64..1_000_000,
        ) {
            let pace = pace(requests, Duration::from_micros(every));
            let now = Tick::of_micros(now);
            let wanted = pace.position(now) + more;
            let there = now.plus(pace.until(wanted, now));
            prop_assert!(pace.position(there) >= wanted);
            prop_assert!(pace.position(Tick::of_micros(there.micros() - 1)) < wanted);
        }
    }
}
