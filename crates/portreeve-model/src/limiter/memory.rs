//! What one thread at a time works on, kept where the next one finds it.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use super::baseline::Baseline;
use super::gradient::Gradient;
use crate::tick::Tick;

/// What is remembered from window to window. Only who has claimed the window reads and writes it, so nothing here need
/// be in step with anything else.
#[derive(Debug, Default)]
pub(super) struct Memory {
    start: AtomicU64,
    answers: AtomicU64,
    latency_sum: AtomicU64,
    failures: AtomicU64,
    left: AtomicU64,
    late: AtomicU64,
    late_sum: AtomicU64,
    low: AtomicF32,
    low_before: AtomicF32,
    turns_at: AtomicU64,
    accepted: AtomicF32,
    accepted_until: AtomicU64,
    accepted_times: AtomicU32,
    limit: AtomicF32,
    rate: AtomicF32,
    latency_before_cut: AtomicF32,
    waiting_before_cut: AtomicF32,
    bound_last: AtomicU64,
    begun: AtomicU64,
    is_settling: AtomicBool,
    is_suspect: AtomicBool,
}

/// Counts of a backend as of one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) at: Tick,
    pub(super) answers: u64,
    pub(super) latency_sum: u64,
    pub(super) failures: u64,
    pub(super) left: u64,
    pub(super) late: u64,
    pub(super) late_sum: u64,
}

impl Totals {
    /// What came since then, as of the same moment.
    pub(super) fn since(self, start: Totals) -> Totals {
        Totals {
            at: self.at,
            answers: self.answers.saturating_sub(start.answers),
            latency_sum: self.latency_sum.saturating_sub(start.latency_sum),
            failures: self.failures.saturating_sub(start.failures),
            left: self.left.saturating_sub(start.left),
            late: self.late.saturating_sub(start.late),
            late_sum: self.late_sum.saturating_sub(start.late_sum),
        }
    }
}

impl Memory {
    pub(super) fn totals(&self) -> Totals {
        Totals {
            at: tick(&self.start),
            answers: self.answers.load(Relaxed),
            latency_sum: self.latency_sum.load(Relaxed),
            failures: self.failures.load(Relaxed),
            left: self.left.load(Relaxed),
            late: self.late.load(Relaxed),
            late_sum: self.late_sum.load(Relaxed),
        }
    }

    pub(super) fn set_totals(&self, totals: Totals) {
        self.start.store(totals.at.micros(), Relaxed);
        self.answers.store(totals.answers, Relaxed);
        self.latency_sum.store(totals.latency_sum, Relaxed);
        self.failures.store(totals.failures, Relaxed);
        self.left.store(totals.left, Relaxed);
        self.late.store(totals.late, Relaxed);
        self.late_sum.store(totals.late_sum, Relaxed);
    }

    pub(super) fn gradient(&self) -> Gradient {
        Gradient {
            baseline: self.baseline(),
            limit: self.limit.get(),
            rate: self.rate.get(),
            before_cut: (self.latency_before_cut.get(), self.waiting_before_cut.get()),
            bound_last: tick(&self.bound_last),
            begun: tick(&self.begun),
            is_settling: self.is_settling.load(Relaxed),
            is_suspect: self.is_suspect.load(Relaxed),
        }
    }

    pub(super) fn set_gradient(&self, gradient: &Gradient) {
        self.set_baseline(&gradient.baseline);
        self.limit.set(gradient.limit);
        self.rate.set(gradient.rate);
        self.latency_before_cut.set(gradient.before_cut.0);
        self.waiting_before_cut.set(gradient.before_cut.1);
        self.bound_last.store(gradient.bound_last.micros(), Relaxed);
        self.begun.store(gradient.begun.micros(), Relaxed);
        self.is_settling.store(gradient.is_settling, Relaxed);
        self.is_suspect.store(gradient.is_suspect, Relaxed);
    }

    /// The one thing that others read meanwhile: a torn one costs a sample.
    pub(super) fn baseline(&self) -> Baseline {
        Baseline {
            low: self.low.get(),
            low_before: self.low_before.get(),
            turns_at: tick(&self.turns_at),
            accepted: self.accepted.get(),
            accepted_until: tick(&self.accepted_until),
            accepted_times: self.accepted_times.load(Relaxed),
        }
    }

    fn set_baseline(&self, baseline: &Baseline) {
        self.low.set(baseline.low);
        self.low_before.set(baseline.low_before);
        self.turns_at.store(baseline.turns_at.micros(), Relaxed);
        self.accepted.set(baseline.accepted);
        self.accepted_until
            .store(baseline.accepted_until.micros(), Relaxed);
        self.accepted_times.store(baseline.accepted_times, Relaxed);
    }
}

fn tick(micros: &AtomicU64) -> Tick {
    Tick::of_micros(micros.load(Relaxed))
}

#[derive(Debug, Default)]
struct AtomicF32(AtomicU32);

impl AtomicF32 {
    fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Relaxed))
    }

    fn set(&self, number: f32) {
        self.0.store(number.to_bits(), Relaxed);
    }
}
