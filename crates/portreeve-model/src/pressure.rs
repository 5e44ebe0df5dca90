//! Whether more requests come than are served, for long.

mod flow;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::flow::Flow;
use crate::tick::Tick;

/// Watches one pool while some of its requests are held. Clients that each wait for their answer before they ask again
/// fill a queue too, but together they stay as many: nobody is helped by refusing them. Requests that become more and
/// more are never all served, and who is refused at once can at least go elsewhere.
///
/// ```text
///            more come than are served, and the wait is long, or some do not wait any more
///      Low ───────────────────────────────────────────────────────────────► High
///       ▲                          no more come than are served               │  │
///       ├─────────────────────────────────────────────────────────────────────┘  │
///       └──────── for 5 s whatever comes ◄───────────────────────────────────────┘
///                 refusing made twice as many come: they ask again at once, and were a circle that was filling up
/// ```
#[derive(Debug)]
pub struct Pressure {
    /// Sees twice the load within a second.
    quick: Growth,
    /// Sees a tenth too much.
    slow: Growth,
    flow: Flow,
    is_high: bool,
    /// How many came in a second before anybody was refused.
    came_before: f32,
    /// Quick intervals since it is high.
    looks: u32,
    spared_until: Tick,
}

/// What there is of a pool's requests now.
#[derive(Debug, Clone, Copy, Default)]
pub struct Crowd {
    /// Those that are held, and those that wait for an answer of a backend: where a limit is being found out, these
    /// become held ones, and that is no growth.
    pub waiting: u64,
    /// Those of them that are held.
    pub held: u64,
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
            flow: Flow::default(),
            is_high: false,
            came_before: 0.0,
            looks: 0,
            spared_until: Tick::default(),
        }
    }
}

impl Pressure {
    /// Whether more came than were served, in each of the last two seconds; or more by twice what chance explains where so
    /// many come and go, in each of the last three quarters of a second; and that is worth refusing some, as who is held
    /// would wait for a second, or for a fifth of the `timeout` until which he may, or is leaving already. To be called
    /// whenever somebody is held.
    pub fn is_high(&mut self, timeout: Duration, now: Tick, crowd: impl Fn() -> Crowd) -> bool {
        if self.quick.is_due(now) {
            self.look(crowd(), timeout, now);
        }
        self.is_high
    }

    fn look(&mut self, crowd: Crowd, timeout: Duration, now: Tick) {
        self.flow.look(&self.quick.crowd, &crowd, self.quick.passed(now));
        self.quick.look(crowd, now, |passed| {
            let moved = 2 * crowd.served.saturating_sub(passed.served);
            NOISE.max(2 * moved.isqrt())
        });
        if self.slow.is_due(now) {
            self.slow
                .look(crowd, now, |passed| NOISE.max(passed.waiting / 10));
        }
        let is_growing = self.quick.is_long() || self.slow.is_long();
        let is_worth = || self.flow.is_leaving() || self.flow.wait(crowd.held) >= WAIT_MIN.min(timeout / 5);
        let is_high = is_growing && now >= self.spared_until && (self.is_high || is_worth());
        self.judge(is_high, now);
    }

    /// Looks at what comes of refusing.
    fn judge(&mut self, is_high: bool, now: Tick) {
        if !self.is_high {
            // Nobody was refused in what was seen last.
            (self.came_before, self.looks) = (self.flow.came(), 0);
        } else if is_high {
            self.looks += 1;
            if self.looks <= LOOKS && self.flow.came() > ASKED_AGAIN * self.came_before + NOISE_A_SECOND {
                return self.spare(now);
            }
        }
        self.is_high = is_high;
    }

    fn spare(&mut self, now: Tick) {
        self.is_high = false;
        self.spared_until = now.plus(SPARED);
        (self.quick.grown, self.slow.grown) = (0, 0);
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

    /// Since it was looked last; `None`: that is too long ago to be compared with.
    fn passed(&self, now: Tick) -> Option<Duration> {
        let passed = now.since(self.since);
        (passed < self.interval * 2).then_some(passed)
    }

    fn is_long(&self) -> bool {
        self.grown >= self.long
    }

    /// Ends an interval. `noise`: what comes and goes by chance, given what there was at its beginning.
    fn look(&mut self, crowd: Crowd, now: Tick, noise: impl Fn(&Crowd) -> u64) {
        let came = crowd.waiting + crowd.unserved.saturating_sub(self.crowd.unserved);
        let is_more = came > self.crowd.waiting + noise(&self.crowd);
        self.grown = if is_more && self.passed(now).is_some() {
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
/// The same in a second of quick intervals.
const NOISE_A_SECOND: f32 = 32.0;
/// Whoever waits less is better held than refused.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// Clients that have others to go to, or wait before they ask again, do not make so many more come.
const ASKED_AGAIN: f32 = 2.0;
/// Quick intervals in which that must show: what comes later may be others.
const LOOKS: u32 = 12;
const SPARED: Duration = Duration::from_secs(5);
