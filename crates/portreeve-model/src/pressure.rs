//! Whether more requests come than are served, for long.

use std::time::Duration;

use crate::tick::Tick;

/// Watches one pool while some of its requests are held. Clients that each wait for their answer before they ask again
/// fill a queue too, but together they stay as many: nobody is helped by refusing them. Requests that become more and
/// more are never all served, and who is refused at once can at least go elsewhere.
#[derive(Debug)]
pub struct Pressure {
    /// Sees twice the load within a second.
    quick: Growth,
    /// Sees a tenth too much.
    slow: Growth,
}

/// What there is of a pool's requests now.
#[derive(Debug, Clone, Copy, Default)]
pub struct Crowd {
    /// Those that are held, and those that wait for an answer of a backend: where a limit is being found out, these
    /// become held ones, and that is no growth.
    pub waiting: u64,
    /// How many ever came to nothing: refused, or left by their clients.
    pub unserved: u64,
    /// How many were ever answered.
    pub served: u64,
}

impl Default for Pressure {
    fn default() -> Self {
        Self {
            quick: Growth::new(QUICK, QUICK_IN_A_ROW),
            slow: Growth::new(SLOW, SLOW_IN_A_ROW),
        }
    }
}

impl Pressure {
    /// Whether more came than were served, in each of the last two seconds; or more by twice what chance explains where so
    /// many come and go, in each of the last three quarters of a second. To be called whenever somebody is held.
    pub fn is_high(&mut self, now: Tick, crowd: impl Fn() -> Crowd) -> bool {
        if self.quick.is_due(now) {
            let crowd = crowd();
            self.quick.look(crowd, now, |passed| {
                let moved = 2 * crowd.served.saturating_sub(passed.served);
                NOISE.max(2 * moved.isqrt())
            });
            if self.slow.is_due(now) {
                self.slow
                    .look(crowd, now, |passed| NOISE.max(passed.waiting / 10));
            }
        }
        self.quick.is_long() || self.slow.is_long()
    }
}

/// Intervals in a row in which more came than were served.
#[derive(Debug)]
struct Growth {
    interval: Duration,
    /// How many are long.
    long: u32,
    since: Tick,
    /// What there was then.
    crowd: Crowd,
    grown: u32,
}

impl Growth {
    fn new(interval: Duration, long: u32) -> Self {
        Self {
            interval,
            long,
            since: Tick::default(),
            crowd: Crowd::default(),
            grown: 0,
        }
    }

    fn is_due(&self, now: Tick) -> bool {
        now.since(self.since) >= self.interval
    }

    fn is_long(&self) -> bool {
        self.grown >= self.long
    }

    /// Ends an interval. `noise`: what comes and goes by chance, given what there was at its beginning.
    fn look(&mut self, crowd: Crowd, now: Tick, noise: impl Fn(&Crowd) -> u64) {
        let came = crowd.waiting + crowd.unserved.saturating_sub(self.crowd.unserved);
        let is_more = came > self.crowd.waiting + noise(&self.crowd);
        let is_next = now.since(self.since) < self.interval * 2;
        self.grown = if is_more && is_next {
            self.grown + 1
        } else {
            u32::from(is_more)
        };
        (self.since, self.crowd) = (now, crowd);
    }
}

const QUICK: Duration = Duration::from_millis(250);
const QUICK_IN_A_ROW: u32 = 3;
const SLOW: Duration = Duration::from_secs(1);
const SLOW_IN_A_ROW: u32 = 2;
/// What comes and goes by chance in any case.
const NOISE: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Tick {
        Tick::of_micros(ms * 1_000)
    }

    /// Looks each 50 ms from the first second on, for so many seconds; when it first was high.
    fn first_high(seconds: u64, seen: impl Fn(u64) -> Crowd) -> Option<u64> {
        let mut pressure = Pressure::default();
        let mut looks = (20..seconds * 20).map(|look| look * 50);
        looks.find(|ms| pressure.is_high(at(*ms), || seen(*ms)))
    }

    fn waiting(waiting: u64) -> Crowd {
        Crowd {
            waiting,
            ..Crowd::default()
        }
    }

    /// So many come and are served each second, from the first second on.
    fn open(came: u64, served: u64) -> impl Fn(u64) -> Crowd {
        move |ms| Crowd {
            waiting: 64 + (came - served) * (ms - 1_000) / 1_000,
            unserved: 0,
            served: served * ms / 1_000,
        }
    }

    #[test]
    fn as_many_as_there_were_are_no_pressure() {
        assert_eq!(first_high(60, |_| waiting(284)), None);
        assert_eq!(first_high(60, |ms| waiting(280 + ms / 50 % 5)), None);
        assert_eq!(first_high(60, |ms| waiting(270 + ms / 250 % 2 * 20)), None);
    }

    #[test]
    fn twice_the_load_is_pressure_within_a_second() {
        for capacity in [80, 320, 5_000] {
            let found = first_high(60, open(2 * capacity, capacity)).unwrap() - 1_000;
            assert!((500..1_000).contains(&found), "{found} at {capacity}");
        }
    }

    #[test]
    fn a_fifth_too_much_is_pressure_within_three_seconds() {
        let found = first_high(60, open(96, 80)).unwrap() - 1_000;
        assert!((1_000..3_000).contains(&found), "{found}");
    }

    #[test]
    fn pressure_lasts_while_requests_are_refused_and_ends_with_that() {
        let mut pressure = Pressure::default();
        let seen = |waiting, unserved| Crowd {
            waiting,
            unserved,
            served: 0,
        };
        let mut is_high = false;
        for ms in (1_000..20_000).step_by(50) {
            let (waiting, unserved) = if ms < 5_000 { (ms / 10, 0) } else { (5, ms / 5) };
            is_high = pressure.is_high(at(ms), || seen(waiting, unserved));
            assert!(ms < 3_500 || is_high, "not at {ms}");
        }
        assert!(is_high);
        for ms in (20_000..23_000).step_by(50) {
            is_high = pressure.is_high(at(ms), || seen(5, 4_000));
        }
        assert!(!is_high);
    }

    #[test]
    fn clients_that_leave_are_pressure_like_refused_ones() {
        let leaving = |ms| Crowd {
            waiting: 80,
            unserved: ms * 80 / 1_000,
            served: ms * 80 / 1_000,
        };
        assert!(first_high(60, leaving).is_some_and(|ms| ms < 2_000));
    }

    #[test]
    fn a_burst_after_a_long_silence_is_no_pressure() {
        let mut pressure = Pressure::default();
        assert!(!pressure.is_high(at(1_000), || waiting(0)));
        for ms in (60_000..70_000).step_by(50) {
            assert!(!pressure.is_high(at(ms), || waiting(500)), "{ms}");
        }
    }

    #[test]
    fn a_burst_that_is_served_is_no_pressure() {
        let mut pressure = Pressure::default();
        let burst = |ms: u64| {
            if ms < 2_000 {
                20
            } else {
                2_020_u64.saturating_sub(ms)
            }
        };
        for ms in (1_000..3_000).step_by(50) {
            assert!(!pressure.is_high(at(ms), || waiting(burst(ms))), "{ms}");
        }
    }
}
