//! What a backend did within the last ten seconds.

use std::collections::VecDeque;
use std::time::Duration;

use crate::tick::Tick;
use crate::vitals::Vitals;

/// Counts of one backend, as of a moment or of a while.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    at: Tick,
    pub(super) answers: u64,
    latency_us: u64,
    bad_answers: u64,
    unanswered: u64,
}

impl Totals {
    pub(super) fn of(vitals: &Vitals, now: Tick) -> Self {
        Self {
            at: now,
            answers: vitals.answers_total(),
            latency_us: Tick::after_start(vitals.latency_total()).micros(),
            bad_answers: vitals.bad_answers_total(),
            unanswered: vitals.unanswered_total(),
        }
    }

    pub(super) fn attempts(&self) -> u64 {
        self.answers + self.unanswered
    }

    /// From 0 to 1.
    pub(super) fn success_rate(&self) -> f64 {
        number(self.answers.saturating_sub(self.bad_answers)) / number(self.attempts().max(1))
    }

    /// By how much the rate of so many attempts is off by chance, if `usual` is the true one; never nothing, as nobody
    /// is perfect.
    pub(super) fn success_chance(&self, usual: Option<f64>) -> f64 {
        let usual = usual.unwrap_or(1.0).clamp(0.05, 0.95);
        (usual * (1.0 - usual) / number(self.attempts().max(1))).sqrt()
    }

    /// The mean.
    pub(super) fn latency_us(&self) -> f64 {
        number(self.latency_us) / number(self.answers.max(1))
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            at: self.at,
            answers: self.answers.saturating_sub(before.answers),
            latency_us: self.latency_us.saturating_sub(before.latency_us),
            bad_answers: self.bad_answers.saturating_sub(before.bad_answers),
            unanswered: self.unanswered.saturating_sub(before.unanswered),
        }
    }
}

/// The totals of the last ten seconds, at most [`KEPT_MAX`].
#[derive(Debug, Default)]
pub(super) struct History(VecDeque<Totals>);

impl History {
    /// What happened since the oldest that is kept.
    pub(super) fn with(&mut self, totals: Totals) -> Totals {
        let is_old = |kept: &Totals| totals.at.since(kept.at) > WINDOW;
        while self.0.len() >= KEPT_MAX || self.0.front().is_some_and(is_old) {
            self.0.pop_front();
        }
        self.0.push_back(totals);
        totals.since(self.0.front().unwrap_or(&totals))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of ten seconds are below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

/// Somewhat more than ten, as looks come a little late.
const WINDOW: Duration = Duration::from_millis(10_500);
const KEPT_MAX: usize = 12;
