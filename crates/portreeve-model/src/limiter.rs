//! How many requests a backend may have in flight.

mod abandoned;
mod baseline;
mod gradient;
mod memory;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;

use self::abandoned::Abandoned;
use self::gradient::{Gradient, Window, count, whole};
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
    abandoned: Abandoned,
}

impl Default for Limiter {
    fn default() -> Self {
        Self {
            planned: AtomicU64::new(UNLIMITED),
            limit: AtomicU32::new(u32::MAX),
            has_bound: AtomicBool::new(false),
            window_end: AtomicU64::new(NEVER),
            memory: Memory::default(),
            abandoned: Abandoned::default(),
        }
    }
}

impl Limiter {
    /// In force; `u32::MAX`: none.
    pub(crate) fn limit(&self) -> u32 {
        self.limit.load(SeqCst)
    }

    /// How many may be in flight whoever else is: where it is found out, those count too that are gone.
    pub(crate) fn open_to(&self) -> u32 {
        match self.limit() {
            u32::MAX => u32::MAX,
            _ if self.planned.load(SeqCst) == ADAPTIVE => 0,
            limit => limit,
        }
    }

    /// Whether so many may be in flight. Remembers that somebody was refused. What latency says is only of those that
    /// wait for their answers: tunnels and long responses do not count, but those do that the backend may still be at
    /// work on though nobody waits for them.
    pub(crate) fn allows(&self, in_flight: u32, vitals: &Vitals, now: Tick) -> bool {
        let limit = self.limit.load(Relaxed);
        if limit == u32::MAX {
            return true;
        }
        let counted = match self.planned.load(Relaxed) {
            ADAPTIVE => in_flight
                .saturating_sub(vitals.answered_in_flight())
                .saturating_add(whole(self.abandoned.at_work(self.usual(now), now))),
            _ => in_flight,
        };
        let is_allowed = counted <= limit;
        if !is_allowed && !self.has_bound.load(Relaxed) {
            self.has_bound.store(true, Relaxed);
        }
        is_allowed
    }

    /// A request was given up that had waited for so long.
    pub(crate) fn note_abandoned(&self, waited: Duration, now: Tick) {
        if self.planned.load(Relaxed) == ADAPTIVE {
            self.abandoned.note(waited, self.usual(now), now);
        }
    }

    /// What latency is where nobody queues, in microseconds.
    fn usual(&self, now: Tick) -> f32 {
        self.memory.baseline().latency(now)
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
        let (start, here) = (self.memory.totals(), self.totals(vitals, now));
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

    /// If there were enough answers, or enough who waited for them in vain.
    fn window(&self, start: Totals, here: Totals, waiting: u32) -> Option<Window> {
        let mut seen = here.since(start);
        let length = here.at.since(start.at);
        let usual = self.memory.gradient().answers_in(length);
        let is_starved = seen.late >= ANSWERS_MIN && usual >= count(USUAL_MIN.max(seen.answers * STARVED));
        if !is_starved && is_mixed(seen) {
            (seen.late, seen.late_sum) = (0, 0);
        }
        let (ends, sum) = match is_starved {
            true => (seen.answers + seen.late, seen.latency_sum + seen.late_sum),
            false => (seen.answers, seen.latency_sum),
        };
        (ends >= ANSWERS_MIN).then(|| Window {
            end: here.at,
            length,
            answers: seen.answers,
            late: seen.late,
            latency: (count(sum) / count(ends)).max(1.0),
            waiting,
            is_bound: self.has_bound.swap(false, Relaxed),
            has_leavers: seen.left * 10 > seen.answers,
            is_starved,
        })
    }

    fn totals(&self, vitals: &Vitals, now: Tick) -> Totals {
        Totals {
            at: now,
            answers: vitals.answers_total(),
            latency_sum: Tick::after_start(vitals.latency_total()).micros(),
            failures: vitals.bad_answers_total(),
            left: vitals.left_total(),
            late: self.abandoned.late_total(),
            late_sum: self.abandoned.late_sum(),
        }
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

/// Refusals are quick: where they are many, latency says nothing of service.
fn is_telling(start: Totals, here: Totals) -> bool {
    let seen = here.since(start);
    seen.failures * 10 <= seen.answers
}

/// Whether those who left had waited far longer than those who were answered. They were in no line with them then: what
/// they asked for takes long by nature.
fn is_mixed(seen: Totals) -> bool {
    let each = |sum, number: u64| count(sum) / count(number.max(1));
    each(seen.late_sum, seen.late) > MIXED * each(seen.latency_sum, seen.answers)
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
/// It is starved if there is no more than one answer for so many that there usually are, and these are not few. Where
/// most requests take long by nature there are few answers always.
const STARVED: u64 = 8;
const USUAL_MIN: u64 = 20;
const MIXED: f32 = 3.0;
/// A window lasts as long as a request once there is a limit, within these.
const LENGTH_MIN: Duration = Duration::from_millis(100);
const LENGTH_MAX: Duration = Duration::from_secs(2);
