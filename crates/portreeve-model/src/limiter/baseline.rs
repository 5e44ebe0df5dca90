//! What latency is where nobody waits.

use std::time::Duration;

use crate::tick::Tick;

/// The lowest mean of the last 15 to 30 s, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Baseline {
    /// Of the present 15 s; 0 before the first.
    pub(super) low: f32,
    /// Of those before them; 0 before the first.
    pub(super) low_before: f32,
    pub(super) turns_at: Tick,
    /// A latency that limits could not bring down counts as the baseline until then.
    pub(super) accepted: f32,
    pub(super) accepted_until: Tick,
    /// How often in a row that was so.
    pub(super) accepted_times: u32,
}

impl Baseline {
    /// The baseline in microseconds; 0 before the first window.
    pub(super) fn latency(&self, now: Tick) -> f32 {
        let lowest = match self.low_before > 0.0 {
            true => self.low.min(self.low_before),
            false => self.low,
        };
        match now < self.accepted_until {
            true => lowest.max(self.accepted),
            false => lowest,
        }
    }

    /// With a mean of so many. While it is limited nothing is forgotten: what is measured then has waiting in it.
    pub(super) fn after(self, mean: f32, answers: u64, now: Tick, is_limited: bool) -> Self {
        let turned = match now >= self.turns_at && !is_limited {
            true => self.turned(now),
            false => self,
        };
        turned.lowered(mean, answers)
    }

    /// That latency is what it is, whatever is done about it.
    pub(super) fn accepting(self, latency: f32, now: Tick) -> Self {
        let is_again = now < self.accepted_until.plus(ACCEPTED * 2);
        let times = if is_again { self.accepted_times.min(4) } else { 0 };
        Self {
            low: latency,
            low_before: latency,
            turns_at: now.plus(HALF),
            accepted: latency,
            accepted_until: now.plus(ACCEPTED * (1 << times)),
            accepted_times: times + 1,
        }
    }

    fn turned(self, now: Tick) -> Self {
        Self {
            low: 0.0,
            low_before: self.low,
            turns_at: now.plus(HALF),
            ..self
        }
    }

    /// A mean of few says less.
    fn lowered(self, mean: f32, answers: u64) -> Self {
        let trust = f32::from(u8::try_from(answers).unwrap_or(u8::MAX)) / ENOUGH;
        let low = match self.low > 0.0 {
            true if mean < self.low => self.low + (mean - self.low) * trust.min(1.0),
            true => self.low,
            false => mean,
        };
        Self { low, ..self }
    }
}

const HALF: Duration = Duration::from_secs(15);
const ENOUGH: f32 = 50.0;
/// The first time; twice as long each further time in a row, up to 16 times as long.
const ACCEPTED: Duration = Duration::from_secs(30);
