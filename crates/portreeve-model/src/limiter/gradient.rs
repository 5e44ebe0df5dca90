//! A limit that follows from latency: in the line of TCP Vegas (Brakmo and Peterson, 1995), Netflix's
//! concurrency-limits and Envoy's adaptive concurrency.
//!
//! By Little's law a backend that serves `x` requests a second, each in `t` where nobody waits, has `x t` in flight;
//! all above that wait there. What latency is without waiting is the lowest of the last half minute.
//!
//! ```text
//!                latency far above the baseline, and many in flight
//!      Open ──────────────────────────────────────────────────────────► Limited ◄─┐ cut towards x t, or grown
//!        ▲                                                              │  │  │   │ while latency is fine
//!        ├──────────────────────────────────────────────────────────────┘  │  └───┘
//!        │                          nobody was refused for 10 s            │
//!        └─────────────────────────────────────────────────────────────────┘
//!          fewer in flight did not make it faster: it does not queue, so this latency is the baseline now
//! ```

use std::time::Duration;

use super::baseline::Baseline;
use crate::tick::Tick;

/// What was seen of a backend for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    pub(super) end: Tick,
    pub(super) length: Duration,
    /// Response heads that came.
    pub(super) answers: u64,
    /// Requests that were given up after longer than is usual.
    pub(super) late: u64,
    /// The mean latency of the answers in microseconds, above 0; where it is starved, how long they all waited.
    pub(super) latency: f32,
    /// Requests that waited for their answers at its end.
    pub(super) waiting: u32,
    /// Whether somebody was refused.
    pub(super) is_bound: bool,
    /// Whether many left before their answers: a backend may work on theirs all the same, so there is more in line than
    /// can be seen, and fewer in flight need not make it faster.
    pub(super) has_leavers: bool,
    /// Whether nearly all waited for longer than is usual and had no answer, and it answers far fewer than it did.
    pub(super) is_starved: bool,
}

impl Window {
    /// Requests that waited for their answers at a time, by Little's law.
    fn waiting_mean(&self) -> f32 {
        match self.is_starved {
            true => self.latency * (self.throughput() + self.given_up()),
            false => self.latency * self.throughput(),
        }
    }

    /// Answers in each microsecond.
    fn throughput(&self) -> f32 {
        self.each_micro(self.answers)
    }

    /// Those who left too late in each microsecond: most of these the backend has served too, and nobody saw it.
    fn given_up(&self) -> f32 {
        self.each_micro(self.late)
    }

    /// Whether more than a tenth of those that waited for longer than is usual would not wait any more.
    fn has_late(&self) -> bool {
        self.late * 10 > self.answers
    }

    /// Latency at most: where some did not wait for their answers, who knows.
    fn latency_at_most(&self) -> f32 {
        match self.has_late() {
            true => f32::INFINITY,
            false => self.latency,
        }
    }

    /// Above the baseline by that share, and by so many microseconds at least.
    fn is_above(&self, baseline: f32, share: f32, least: f32) -> bool {
        self.is_starved || self.latency > baseline + (baseline * share).max(least)
    }

    fn each_micro(&self, number: u64) -> f32 {
        count(number) / micros(self.length).max(1.0)
    }
}

/// What was found out so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Gradient {
    pub(super) baseline: Baseline,
    /// How many may wait for their answers; 0: as many as come.
    pub(super) limit: f32,
    /// Answers in each microsecond; follows what is more quicker than what is less.
    pub(super) rate: f32,
    /// Latency and requests waiting before the first cut.
    pub(super) before_cut: (f32, f32),
    /// When somebody was refused last, or the limit began.
    pub(super) bound_last: Tick,
    /// When the limit began.
    pub(super) begun: Tick,
    /// Whether the limit has just changed, so that the next window is of both.
    pub(super) is_settling: bool,
    /// Whether the last window was slow or, while limited, said that limits are in vain: one alone may be chance.
    pub(super) is_suspect: bool,
}

impl Gradient {
    /// How many may wait for their answers; `u32::MAX`: as many as come.
    pub(super) fn in_force(&self) -> u32 {
        if self.limit > 0.0 {
            whole(self.limit)
        } else {
            u32::MAX
        }
    }

    /// How many answers there usually are in that time.
    pub(super) fn answers_in(&self, time: Duration) -> f32 {
        self.rate * micros(time)
    }

    /// With what this window says.
    pub(super) fn after(mut self, window: &Window) -> Self {
        self.rate = self.rate_after(window);
        let is_limited = self.limit > 0.0;
        if window.is_bound {
            self.bound_last = window.end;
        }
        // How long those waited who left says that it was too long, and not what is usual.
        if !window.is_starved {
            self.baseline = self
                .baseline
                .after(window.latency, window.answers, window.end, is_limited);
        }
        if is_limited {
            self.steered(window)
        } else {
            self.watched(window)
        }
    }

    /// Those who left keep it from falling, but never raise it: perhaps nothing was done for them.
    fn rate_after(&self, window: &Window) -> f32 {
        let (rate, given_up) = (window.throughput(), window.given_up());
        let rate = rate.max(self.rate.min(rate + given_up));
        let weight = if rate > self.rate { RISING } else { FALLING };
        self.rate + (rate - self.rate) * weight
    }

    fn watched(self, window: &Window) -> Self {
        let baseline = self.baseline.latency(window.end);
        let waiting = count(window.waiting.into());
        // What is in line now will take that long: to see it in answers takes as long.
        let is_coming = waiting > self.rate * (baseline + (baseline * SLOW).max(SLOW_MIN));
        let is_slow = window.is_above(baseline, SLOW, SLOW_MIN)
            || is_coming && window.is_above(baseline, FAST, SLOW_MIN / 2.0);
        let is_suspect = is_slow && waiting.min(window.waiting_mean()) > FLOOR;
        if !(is_suspect && self.is_suspect) {
            return Self { is_suspect, ..self };
        }
        let begun = Self {
            before_cut: self.before(window),
            bound_last: window.end,
            begun: window.end,
            // Where more and more wait, fewer did on the average, and these are nearer to what it can do.
            limit: waiting.min(window.waiting_mean()),
            is_suspect: false,
            ..self
        };
        begun.cut(window)
    }

    fn steered(self, window: &Window) -> Self {
        if self.is_settling {
            return Self {
                is_settling: false,
                ..self
            };
        }
        let baseline = self.baseline.latency(window.end);
        if window.has_late() || window.is_above(baseline, SLOW, SLOW_LIMITED_MIN) {
            return match (self.is_in_vain(window), self.is_suspect) {
                (true, true) => self.accepting(window),
                (true, false) => self.suspicious(true),
                (false, _) => self.suspicious(false).cut(window),
            };
        }
        self.suspicious(false).opened(window)
    }

    /// With a latency that is what it should be.
    fn opened(self, window: &Window) -> Self {
        let baseline = self.baseline.latency(window.end);
        if window.end.since(self.bound_last) >= CALM {
            return Self { limit: 0.0, ..self };
        }
        if !window.is_above(baseline, FAST, FAST_LIMITED_MIN) {
            return self.changed(self.limit * GROWTH + 1.0);
        }
        self
    }

    fn suspicious(self, is_suspect: bool) -> Self {
        Self { is_suspect, ..self }
    }

    /// Towards what would be in flight if nobody waited, and a little more, so that it never stands idle; hardly more where
    /// clients have no patience for it.
    fn cut(self, window: &Window) -> Self {
        let slack = if window.has_late() { SLACK_LATE } else { SLACK };
        let target = self.rate * self.baseline.latency(window.end) * slack;
        self.changed(target.clamp(self.limit * CUT_MOST, self.limit * CUT_LEAST))
    }

    fn changed(self, limit: f32) -> Self {
        Self {
            limit: limit.max(FLOOR),
            is_settling: true,
            ..self
        }
    }

    /// Latency and requests waiting, as they are before the first cut. Answers come in bursts, so the lower of two rates
    /// says how many wait at least.
    fn before(&self, window: &Window) -> (f32, f32) {
        let waiting = window.waiting_mean().min(window.latency * self.rate);
        (window.latency_at_most(), waiting)
    }

    /// Whether there are much fewer than before the first cut, or as few as may be, and latency did not fall by half
    /// of what it would have fallen by if they had waited for each other. Where many leave the backend works for those
    /// who are gone, but not for long.
    fn is_in_vain(&self, window: &Window) -> bool {
        let (latency, waiting) = self.before_cut;
        let share = window.waiting_mean().max(count(window.waiting.into())) / waiting.max(1.0);
        let is_telling = share <= TELLING || self.limit <= FLOOR;
        is_telling
            && match window.has_late() || window.has_leavers {
                true => window.end.since(self.begun) >= DRAINED,
                false => window.latency > latency * (1.0 + share.min(1.0)) / 2.0 * IN_VAIN,
            }
    }

    /// What it answers is what it can: if most take long, that is few.
    fn accepting(self, window: &Window) -> Self {
        Self {
            baseline: self.baseline.accepting(window.latency, window.end),
            rate: window.throughput(),
            limit: 0.0,
            is_suspect: false,
            ..self
        }
    }
}

/// What is above 2^24 loses its last digits, which say nothing here.
#[expect(clippy::cast_precision_loss, reason = "24 bits are enough")]
pub(super) fn count(number: u64) -> f32 {
    number as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and the number is not negative"
)]
pub(super) fn whole(number: f32) -> u32 {
    (number as u32).min(u32::MAX - 1)
}

fn micros(time: Duration) -> f32 {
    time.as_secs_f32() * 1e6
}

/// Fewer are never a reason to refuse anybody.
const FLOOR: f32 = 16.0;
/// By so much of the baseline latency may rise, and by so many microseconds in any case, until it is limited.
const SLOW: f32 = 0.7;
const SLOW_MIN: f32 = 100_000.0;
/// The same once it is limited: that it queues was seen.
const SLOW_LIMITED_MIN: f32 = 10_000.0;
/// Below this there is room for more.
const FAST: f32 = 0.35;
const FAST_LIMITED_MIN: f32 = 5_000.0;
const RISING: f32 = 0.5;
const FALLING: f32 = 0.05;
const SLACK: f32 = 1.5;
const SLACK_LATE: f32 = 1.1;
const CUT_MOST: f32 = 0.5;
const CUT_LEAST: f32 = 0.9;
const GROWTH: f32 = 1.1;
const TELLING: f32 = 0.6;
/// Against noise.
const IN_VAIN: f32 = 1.05;
/// In which a backend is done with what came before its limit.
const DRAINED: Duration = Duration::from_secs(20);
const CALM: Duration = Duration::from_secs(10);
