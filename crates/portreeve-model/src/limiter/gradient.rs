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
    /// Their mean latency in microseconds, above 0.
    pub(super) latency: f32,
    /// Requests that waited for their answers at its end.
    pub(super) waiting: u32,
    /// Whether somebody was refused.
    pub(super) is_bound: bool,
    /// Whether many left before their answers: a backend may work on theirs all the same, so there is more in line than
    /// can be seen, and fewer in flight need not make it faster.
    pub(super) has_leavers: bool,
}

impl Window {
    /// Requests that waited for their answers at a time, by Little's law.
    fn waiting_mean(&self) -> f32 {
        self.latency * self.throughput()
    }

    /// Answers in each microsecond.
    fn throughput(&self) -> f32 {
        count(self.answers) / micros(self.length).max(1.0)
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
    /// Whether the limit has just changed, so that the next window is of both.
    pub(super) is_settling: bool,
    /// Whether the last window was slow: one alone may be chance.
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

    /// With what this window says.
    pub(super) fn after(mut self, window: &Window) -> Self {
        self.rate = self.rate_after(window);
        let is_limited = self.limit > 0.0;
        if window.is_bound {
            self.bound_last = window.end;
        }
        self.baseline = self
            .baseline
            .after(window.latency, window.answers, window.end, is_limited);
        if is_limited {
            self.steered(window)
        } else {
            self.watched(window)
        }
    }

    fn rate_after(&self, window: &Window) -> f32 {
        let rate = window.throughput();
        let weight = if rate > self.rate { RISING } else { FALLING };
        self.rate + (rate - self.rate) * weight
    }

    fn watched(self, window: &Window) -> Self {
        let baseline = self.baseline.latency(window.end);
        let is_slow = window.latency > baseline + (baseline * SLOW).max(SLOW_MIN);
        let waiting = count(window.waiting.into());
        let is_suspect = is_slow && waiting.min(window.waiting_mean()) > FLOOR;
        if !(is_suspect && self.is_suspect) {
            return Self { is_suspect, ..self };
        }
        let begun = Self {
            before_cut: (window.latency, window.waiting_mean()),
            bound_last: window.end,
            limit: waiting,
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
        if window.latency > baseline + (baseline * SLOW).max(SLOW_LIMITED_MIN) {
            return match self.is_in_vain(window) {
                true => self.accepting(window),
                false => self.cut(window),
            };
        }
        if window.end.since(self.bound_last) >= CALM {
            return Self { limit: 0.0, ..self };
        }
        let is_fast = window.latency < baseline + (baseline * FAST).max(FAST_LIMITED_MIN);
        if is_fast {
            return self.changed(self.limit * GROWTH + 1.0);
        }
        self
    }

    /// Towards what would be in flight if nobody waited, and a little more, so that it never stands idle.
    fn cut(self, window: &Window) -> Self {
        let target = self.rate * self.baseline.latency(window.end) * SLACK;
        self.changed(target.clamp(self.limit * CUT_MOST, self.limit * CUT_LEAST))
    }

    fn changed(self, limit: f32) -> Self {
        Self {
            limit: limit.max(FLOOR),
            is_settling: true,
            ..self
        }
    }

    /// Whether there are much fewer than before the first cut, or as few as may be, and latency did not fall by half
    /// of what it would have fallen by if they had waited for each other.
    fn is_in_vain(&self, window: &Window) -> bool {
        let (latency, waiting) = self.before_cut;
        let share = window.waiting_mean() / waiting.max(1.0);
        let is_telling = !window.has_leavers && (share <= TELLING || self.limit <= FLOOR);
        is_telling && window.latency > latency * (1.0 + share.min(1.0)) / 2.0 * IN_VAIN
    }

    fn accepting(self, window: &Window) -> Self {
        Self {
            baseline: self.baseline.accepting(window.latency, window.end),
            limit: 0.0,
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
fn whole(number: f32) -> u32 {
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
const CUT_MOST: f32 = 0.5;
const CUT_LEAST: f32 = 0.9;
const GROWTH: f32 = 1.1;
const TELLING: f32 = 0.67;
/// Against noise.
const IN_VAIN: f32 = 0.95;
const CALM: Duration = Duration::from_secs(10);
