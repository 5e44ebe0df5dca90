//! Requests that were given up before their answers came.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::tick::Tick;

/// What those say who did not wait for their answers: that these take as long at least as they waited. And what they
/// leave behind: most servers work on for a client that has left. Writers race where that costs nothing but a sample.
#[derive(Debug, Default)]
pub(super) struct Abandoned {
    late: AtomicU64,
    late_sum: AtomicU64,
    /// A number above, and below when it was that, in milliseconds since the start.
    at_work: AtomicU64,
}

impl Abandoned {
    /// One that waited for so long, where answers take `usual` microseconds where nobody queues. Who leaves before an
    /// answer was due says nothing of how long it would have taken; before the first answer, nobody does.
    pub(super) fn note(&self, waited: Duration, usual: f32, now: Tick) {
        let waited = Tick::after_start(waited).micros();
        if usual > 0.0 && Duration::from_micros(waited).as_secs_f32() * 1e6 > usual {
            self.late.fetch_add(1, Relaxed);
            self.late_sum.fetch_add(waited, Relaxed);
        }
        let at_work = self.at_work(usual, now) + 1.0;
        self.at_work.store(pack(at_work, now), Relaxed);
    }

    /// How many ever waited for longer than is usual.
    pub(super) fn late_total(&self) -> u64 {
        self.late.load(Relaxed)
    }

    /// How long these waited, together, in microseconds.
    pub(super) fn late_sum(&self) -> u64 {
        self.late_sum.load(Relaxed)
    }

    /// How many the backend may be at work on: each for as long as an answer takes where nobody queues, on the average.
    pub(super) fn at_work(&self, usual: f32, now: Tick) -> f32 {
        let packed = self.at_work.load(Relaxed);
        let passed = millis(now).wrapping_sub(low(packed));
        let passed = Duration::from_millis(passed.into()).as_secs_f32() * 1e6;
        f32::from_bits(low(packed >> 32)) * (-passed / usual.clamp(1.0, AT_WORK_MAX)).exp()
    }
}

fn pack(number: f32, at: Tick) -> u64 {
    u64::from(number.to_bits()) << 32 | u64::from(millis(at))
}

fn millis(now: Tick) -> u32 {
    low(now.micros() / 1_000)
}

fn low(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

/// In microseconds: what is usual may be what long polls take.
const AT_WORK_MAX: f32 = 2e6;

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: f32 = 200_000.0;

    fn at(ms: u64) -> Tick {
        Tick::of_micros(ms * 1_000)
    }

    fn noted(waited_ms: &[u64]) -> Abandoned {
        let abandoned = Abandoned::default();
        for waited in waited_ms {
            abandoned.note(Duration::from_millis(*waited), USUAL, at(1_000));
        }
        abandoned
    }

    #[test]
    fn only_who_waited_longer_than_usual_says_anything() {
        let abandoned = noted(&[1, 150, 200, 900, 1_000]);
        assert_eq!(abandoned.late_total(), 2);
        assert_eq!(abandoned.late_sum(), 1_900_000);
    }

    #[test]
    fn work_for_those_who_are_gone_ends_in_the_time_that_is_usual() {
        let abandoned = noted(&[1; 10]);
        let left = |ms| abandoned.at_work(USUAL, at(ms));
        assert!(left(1_000) > 9.9);
        assert!((3.0..4.0).contains(&left(1_200)), "{}", left(1_200));
        assert!(left(3_000) < 0.01);
    }

    #[test]
    fn nothing_is_at_work_where_nobody_left() {
        assert!(Abandoned::default().at_work(0.0, at(5)) < 1e-6);
    }
}
