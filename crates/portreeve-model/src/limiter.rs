//! How many requests a backend may have in flight.

mod baseline;
mod gradient;
mod memory;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;

use self::gradient::{Gradient, Window, count};
use self::memory::{Memory, Totals};
use crate::plan::InFlightPlan;
use crate::tick::Tick;
use crate::vitals::Vitals;

/// How many requests a backend may have in flight: what the plan says, or what latency says.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// As planned: see [`number`].
    planned: AtomicU64,
    /// In force; `u32::MAX`: none.
    limit: AtomicU32,
    /// Whether somebody was refused in this window.
    has_bound: AtomicBool,
    /// [`NEVER`] unless the limit is adaptive, and while a thread that claimed the window works on `memory`.
    window_end: AtomicU64,
    memory: Memory,
}

impl Default for Limiter {
    fn default() -> Self {
        Self {
            planned: AtomicU64::new(UNLIMITED),
            limit: AtomicU32::new(u32::MAX),
            has_bound: AtomicBool::new(false),
            window_end: AtomicU64::new(NEVER),
            memory: Memory::default(),
        }
    }
}

impl Limiter {
    /// In force; `u32::MAX`: none.
    pub(crate) fn limit(&self) -> u32 {
        self.limit.load(SeqCst)
    }

    /// Whether so many may be in flight. Remembers that somebody was refused. What latency says is only of those that
    /// wait for their answers: tunnels and long responses do not count.
    pub(crate) fn allows(&self, in_flight: u32, vitals: &Vitals) -> bool {
        let counted = match self.planned.load(Relaxed) {
            ADAPTIVE => in_flight.saturating_sub(vitals.answered_in_flight()),
            _ => in_flight,
        };
        let is_allowed = counted <= self.limit.load(Relaxed);
        if !is_allowed && !self.has_bound.load(Relaxed) {
            self.has_bound.store(true, Relaxed);
        }
        is_allowed
    }

    /// Takes over what is planned; whether that is another plan than before. What was found out stays if it is not.
    pub(crate) fn follow(&self, plan: InFlightPlan) -> bool {
        if self.planned.swap(number(plan), SeqCst) == number(plan) {
            return false;
        }
        let (limit, window_end) = match plan {
            InFlightPlan::AtMost(limit) => (limit.max(1), NEVER),
            InFlightPlan::Unlimited => (u32::MAX, NEVER),
            InFlightPlan::Adaptive => (u32::MAX, 0),
        };
        self.limit.store(limit, SeqCst);
        self.window_end.store(window_end, SeqCst);
        true
    }

    /// Whether a window is over, and so [`learn`](Self::learn) has something to do.
    pub(crate) fn is_due(&self, now: Tick) -> bool {
        now.micros() >= self.window_end.load(Relaxed)
    }

    /// Ends the window; whether there is another limit now. One thread does it, and the others go on meanwhile.
    #[cold]
    pub(crate) fn learn(&self, vitals: &Vitals, now: Tick) -> bool {
        let end = self.window_end.load(SeqCst);
        let is_mine = now.micros() >= end
            && self
                .window_end
                .compare_exchange(end, NEVER, SeqCst, SeqCst)
                .is_ok();
        if !is_mine {
            return false;
        }
        let before = self.limit();
        let again_after = self.end_window(vitals, now);
        let again_at = match self.planned.load(SeqCst) {
            ADAPTIVE => now.plus(again_after).micros(),
            _ => NEVER,
        };
        self.window_end.store(again_at, SeqCst);
        self.limit() != before
    }

    /// When to look again.
    fn end_window(&self, vitals: &Vitals, now: Tick) -> Duration {
        let (start, here) = (self.memory.totals(), totals(vitals, now));
        if start.at == Tick::default() {
            self.memory.set_totals(Totals { at: now, ..start });
            return Duration::ZERO;
        }
        let Some(window) = self.window(start, here, vitals.waiting()) else {
            return until_more(start, here);
        };
        self.memory.set_totals(here);
        if is_telling(start, here) {
            let gradient = self.memory.gradient().after(&window);
            self.memory.set_gradient(&gradient);
            self.put(&gradient);
        }
        match self.limit() {
            u32::MAX => LENGTH_MIN,
            _ => Duration::from_secs_f32(window.latency / 1e6).clamp(LENGTH_MIN, LENGTH_MAX),
        }
    }

    /// If there were enough answers.
    fn window(&self, start: Totals, here: Totals, waiting: u32) -> Option<Window> {
        let answers = here.answers.saturating_sub(start.answers);
        let latency_sum = here.latency_sum.saturating_sub(start.latency_sum);
        (answers >= ANSWERS_MIN).then(|| Window {
            end: here.at,
            length: here.at.since(start.at),
            answers,
            latency: (count(latency_sum) / count(answers)).max(1.0),
            waiting,
            is_bound: self.has_bound.swap(false, Relaxed),
            has_leavers: here.left.saturating_sub(start.left) * 10 > answers,
        })
    }

    /// Another plan may have come meanwhile: that holds.
    fn put(&self, gradient: &Gradient) {
        let before = self.limit();
        if self.planned.load(SeqCst) == ADAPTIVE {
            let _ = self
                .limit
                .compare_exchange(before, gradient.in_force(), SeqCst, SeqCst);
        }
    }
}

/// The very first window ends with its tenth answer: whoever is overloaded from the start has no better baseline.
fn until_more(start: Totals, here: Totals) -> Duration {
    match start.answers {
        0 if here.at.since(start.at) < LENGTH_MIN => Duration::ZERO,
        _ => LENGTH_MIN / 4,
    }
}

fn totals(vitals: &Vitals, now: Tick) -> Totals {
    Totals {
        at: now,
        answers: vitals.answers_total(),
        latency_sum: Tick::after_start(vitals.latency_total()).micros(),
        failures: vitals.bad_answers_total(),
        left: vitals.left_total(),
    }
}

/// Refusals are quick: where they are many, latency says nothing of service.
fn is_telling(start: Totals, here: Totals) -> bool {
    let failures = here.failures.saturating_sub(start.failures);
    failures * 10 <= here.answers.saturating_sub(start.answers)
}

/// A limit as itself; above 32 bits what is none.
fn number(plan: InFlightPlan) -> u64 {
    match plan {
        InFlightPlan::AtMost(limit) => limit.into(),
        InFlightPlan::Unlimited => UNLIMITED,
        InFlightPlan::Adaptive => ADAPTIVE,
    }
}

const UNLIMITED: u64 = 1 << 32;
const ADAPTIVE: u64 = 1 << 33;
const NEVER: u64 = u64::MAX;
const ANSWERS_MIN: u64 = 10;
/// A window lasts as long as a request once there is a limit, within these.
const LENGTH_MIN: Duration = Duration::from_millis(100);
const LENGTH_MAX: Duration = Duration::from_secs(2);
