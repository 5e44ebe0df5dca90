//! Whether more requests come than are served, for long.

use std::time::Duration;

use portreeve_model::Tick;

/// Watches one queue. Clients that each wait for their answer before they ask again fill a queue too, but it does not
/// grow: nobody is helped by refusing them. A queue that grows and grows never empties, and who is refused at once can
/// at least go elsewhere.
#[derive(Debug, Default)]
pub(super) struct Pressure {
    since: Tick,
    /// How many waited then.
    waiting: u64,
    /// How many had been refused by then.
    refused: u64,
    /// Intervals in a row in which more came than were served.
    grown: u32,
}

impl Pressure {
    /// Whether more came than were served, in each of the last two seconds. To be called whenever somebody waits, with
    /// how many do, and how many were ever refused.
    pub(super) fn is_high(&mut self, waiting: u64, refused: u64, now: Tick) -> bool {
        let passed = now.since(self.since);
        if passed >= INTERVAL {
            let grew = waiting + refused.saturating_sub(self.refused);
            let is_more = grew > self.waiting + NOISE.max(self.waiting / 10);
            self.grown = if is_more && passed < INTERVAL * 2 {
                self.grown + 1
            } else {
                u32::from(is_more)
            };
            (self.since, self.waiting, self.refused) = (now, waiting, refused);
        }
        self.grown >= IN_A_ROW
    }
}

const INTERVAL: Duration = Duration::from_secs(1);
const IN_A_ROW: u32 = 2;
/// What comes and goes by chance.
const NOISE: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Tick {
        Tick::of_micros(ms * 1_000)
    }

    /// Looks each 50 ms for so many seconds; when it first was high.
    fn first_high(seconds: u64, waiting: impl Fn(u64) -> u64, refused: impl Fn(u64) -> u64) -> Option<u64> {
        let mut pressure = Pressure::default();
        let mut looks = (20..seconds * 20).map(|look| look * 50);
        looks.find(|ms| pressure.is_high(waiting(*ms), refused(*ms), at(*ms)))
    }

    #[test]
    fn a_queue_that_stays_as_long_is_no_pressure() {
        assert_eq!(first_high(60, |_| 284, |_| 0), None);
        assert_eq!(first_high(60, |ms| 280 + ms / 50 % 5, |_| 0), None);
    }

    #[test]
    fn a_queue_that_grows_is_pressure_after_two_seconds() {
        let found = first_high(60, |ms| ms / 10, |_| 0).unwrap();
        assert!((2_000..4_000).contains(&found), "{found}");
    }

    #[test]
    fn pressure_lasts_while_requests_are_refused_and_ends_with_that() {
        let mut pressure = Pressure::default();
        let mut is_high = false;
        for ms in (1_000..20_000).step_by(50) {
            let (waiting, refused) = if ms < 5_000 { (ms / 10, 0) } else { (5, ms / 5) };
            is_high = pressure.is_high(waiting, refused, at(ms));
        }
        assert!(is_high);
        for ms in (20_000..23_000).step_by(50) {
            is_high = pressure.is_high(5, 4_000, at(ms));
        }
        assert!(!is_high);
    }

    #[test]
    fn a_burst_after_a_long_silence_is_no_pressure() {
        let mut pressure = Pressure::default();
        assert!(!pressure.is_high(0, 0, at(1_000)));
        assert!(!pressure.is_high(500, 0, at(60_000)));
        assert!(!pressure.is_high(500, 0, at(61_500)));
    }
}
