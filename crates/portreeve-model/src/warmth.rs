//! How much of its share a backend gets that has just come.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::tick::Tick;

/// When a backend began to serve; 0 until somebody asks.
#[derive(Debug, Default)]
pub(crate) struct Warmth(AtomicU64);

impl Warmth {
    /// The next who asks begins it anew.
    pub(crate) fn reset(&self) {
        self.0.store(0, Relaxed);
    }

    /// From a tenth to all, over that time since the first who asked.
    pub(crate) fn get(&self, now: Tick, slow_start: Duration) -> f32 {
        if slow_start.is_zero() {
            return 1.0;
        }
        let served = now.since(self.since(now));
        let share = served.as_secs_f32() / slow_start.as_secs_f32();
        (LEAST + share * (1.0 - LEAST)).min(1.0)
    }

    /// The same for who only looks: it begins nothing.
    pub(crate) fn seen(&self, now: Tick, slow_start: Duration) -> f32 {
        match self.0.load(Relaxed) {
            0 if !slow_start.is_zero() => LEAST,
            _ => self.get(now, slow_start),
        }
    }

    fn since(&self, now: Tick) -> Tick {
        match self.0.load(Relaxed) {
            0 => {
                let began = now.micros().max(1);
                let before = self.0.compare_exchange(0, began, Relaxed, Relaxed);
                Tick::of_micros(before.err().unwrap_or(began))
            }
            since => Tick::of_micros(since),
        }
    }
}

/// A backend that gets nothing never warms up.
const LEAST: f32 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick::after_start(Duration::from_secs(seconds))
    }

    fn is_near(one: f32, other: f32) -> bool {
        (one - other).abs() < 1e-3
    }

    #[test]
    fn warmth_rises_from_a_tenth_since_it_was_first_asked_for() {
        let (warmth, slow) = (Warmth::default(), Duration::from_secs(10));
        assert!(is_near(warmth.get(at(100), slow), 0.1));
        assert!(is_near(warmth.get(at(105), slow), 0.55));
        assert!(is_near(warmth.get(at(110), slow), 1.0));
        assert!(is_near(warmth.get(at(1_000), slow), 1.0));
        warmth.reset();
        assert!(is_near(warmth.get(at(1_000), slow), 0.1));
    }

    #[test]
    fn who_only_looks_does_not_begin_it() {
        let (warmth, slow) = (Warmth::default(), Duration::from_secs(10));
        assert!(is_near(warmth.seen(at(100), slow), 0.1));
        assert!(is_near(warmth.seen(at(200), Duration::ZERO), 1.0));
        assert!(is_near(warmth.get(at(200), slow), 0.1));
        assert!(is_near(warmth.seen(at(205), slow), 0.55));
    }

    #[test]
    fn without_slow_start_all_are_warm() {
        let warmth = Warmth::default();
        assert!(is_near(warmth.get(at(0), Duration::ZERO), 1.0));
        assert!(is_near(warmth.get(at(7), Duration::ZERO), 1.0));
    }
}
