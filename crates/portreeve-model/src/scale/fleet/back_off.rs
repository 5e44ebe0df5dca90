//! How long a fleet waits after failures before it starts another.

use std::time::Duration;

use super::telling::REPEAT_MIN;
use crate::digest::mix;
use crate::tick::Tick;

/// How long a fleet waits after failures in a row. Orders have numbers that grow; all that had been given when one failed
/// are one failure with it.
#[derive(Debug)]
pub(super) struct BackOff {
    seed: u64,
    failures: u32,
    /// The last that had been ordered when the last failure was counted.
    counted_to: u64,
    failed_at: Option<Tick>,
    until: Option<Tick>,
    /// One of the failures in a row had passed a probe, so that a pass proves nothing.
    has_died_early: bool,
}

impl BackOff {
    /// Waits of two seeds differ a little.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            failures: 0,
            counted_to: 0,
            failed_at: None,
            until: None,
            has_died_early: false,
        }
    }

    /// One did not come to serve. Gives until when nothing is started, if that is new.
    pub(super) fn start_failed(&mut self, order: u64, ordered: u64, now: Tick) -> Option<Tick> {
        self.fail(order, ordered, now)?;
        Some(self.block(now))
    }

    /// One ended soon after its first pass. The first of them is forgiven.
    pub(super) fn died_early(&mut self, order: u64, ordered: u64, now: Tick) -> Option<Tick> {
        let is_first = self.failed_at.is_none_or(|failed| now.since(failed) >= SETTLED);
        let is_forgiven = self.failures == 0 && is_first;
        self.fail(order, ordered, now)?;
        self.has_died_early = true;
        (!is_forgiven).then(|| self.block(now))
    }

    /// One passed its first probe.
    pub(super) fn passed(&mut self) {
        if !self.has_died_early {
            self.forgive();
        }
    }

    /// One has served for [`SETTLED`].
    pub(super) fn settled(&mut self) {
        self.forgive();
    }

    /// Until when nothing is started.
    pub(super) fn until(&self, now: Tick) -> Option<Tick> {
        self.until.filter(|until| *until > now)
    }

    /// In a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// `order` failed, and `ordered` was the last. `None`: it is part of the failure before.
    fn fail(&mut self, order: u64, ordered: u64, now: Tick) -> Option<()> {
        if order <= self.counted_to {
            return None;
        }
        self.counted_to = ordered;
        self.failures = self.failures.saturating_add(1);
        self.failed_at = Some(now);
        Some(())
    }

    fn block(&mut self, now: Tick) -> Tick {
        let until = now.plus(wait(self.failures.saturating_sub(1), self.seed));
        self.until = Some(until);
        until
    }

    /// Nothing is started within a second of a failure all the same.
    fn forgive(&mut self) {
        self.failures = 0;
        self.has_died_early = false;
        let soonest = self.failed_at.map(|failed| failed.plus(REPEAT_MIN));
        self.until = self.until.min(soonest);
    }
}

/// 1 s, 2 s, 4 s … 60 s, each up to a tenth less.
fn wait(doublings: u32, seed: u64) -> Duration {
    let whole = (WAIT_MIN * (1 << doublings.min(DOUBLINGS_MAX))).min(WAIT_MAX);
    let less = mix(seed ^ u64::from(doublings)) % 1_000;
    whole - whole / 10_000 * u32::try_from(less).unwrap_or(0)
}

/// Who has served for so long has been started well.
pub(super) const SETTLED: Duration = Duration::from_secs(10);
const WAIT_MIN: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(60);
/// To more than [`WAIT_MAX`].
const DOUBLINGS_MAX: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Tick {
        Tick::of_micros(ms * 1_000)
    }

    /// The wait in ms after the only start of this number failed.
    fn wait_ms(back_off: &mut BackOff, order: u64, now: u64) -> u64 {
        let until = back_off.start_failed(order, order, at(now)).unwrap();
        until.micros() / 1_000 - now
    }

    #[test]
    fn waits_double_up_to_a_minute_and_two_fleets_do_not_wait_alike() {
        for seed in 0..50 {
            let mut back_off = BackOff::new(seed);
            for (order, whole) in (1..).zip([1, 2, 4, 8, 16, 32, 60, 60, 60]) {
                let wait = wait_ms(&mut back_off, order, order * 100_000);
                assert!((whole * 900..=whole * 1_000).contains(&wait), "{wait}");
            }
        }
        let first = |seed| wait_ms(&mut BackOff::new(seed), 1, 0);
        assert_ne!(first(1), first(2));
    }

    #[test]
    fn those_that_were_ordered_before_one_failed_are_one_failure_with_it() {
        let mut back_off = BackOff::new(7);
        assert!(back_off.start_failed(2, 3, at(100)).is_some());
        assert_eq!(back_off.start_failed(1, 3, at(100)), None);
        assert_eq!(back_off.start_failed(3, 3, at(200)), None);
        assert_eq!(back_off.failures(), 1);
        assert!(back_off.start_failed(4, 4, at(2_100)).is_some());
        assert_eq!(back_off.failures(), 2);
    }

    #[test]
    fn a_pass_forgives_failed_starts_but_no_early_deaths() {
        let mut back_off = BackOff::new(7);
        for (order, now) in [(1, 0), (2, 10_000), (3, 20_000)] {
            wait_ms(&mut back_off, order, now);
        }
        back_off.passed();
        assert_eq!(back_off.failures(), 0);
        assert_eq!(back_off.until(at(20_999)), Some(at(21_000)));
        assert_eq!(back_off.until(at(21_000)), None);
        back_off.died_early(4, 4, at(40_100));
        back_off.passed();
        assert_eq!(back_off.failures(), 1);
        back_off.settled();
        assert_eq!(back_off.failures(), 0);
    }

    #[test]
    fn the_first_early_death_is_forgiven_and_the_next_is_not() {
        let mut back_off = BackOff::new(7);
        assert_eq!(back_off.died_early(1, 1, at(1_000)), None);
        assert_eq!(back_off.until(at(1_000)), None);
        assert!(back_off.died_early(2, 2, at(1_000)).is_some());
        back_off.settled();
        assert!(back_off.died_early(3, 3, at(4_000)).is_some());
        back_off.settled();
        assert_eq!(back_off.died_early(4, 4, at(30_000)), None);
    }
}
