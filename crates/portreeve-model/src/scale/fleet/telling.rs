//! When the act that an instance's state asks for is told.

use std::time::Duration;

use crate::tick::Tick;

/// When the act that an instance's state asks for is told: once, and again after a failure or where it must be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Telling {
    due: Option<Tick>,
    told: u32,
}

impl Telling {
    /// At once.
    pub(super) fn at(now: Tick) -> Self {
        Self {
            due: Some(now),
            told: 0,
        }
    }

    /// When it is to be told next.
    pub(super) fn due(&self) -> Option<Tick> {
        self.due
    }

    /// It was never told.
    pub(super) fn is_fresh(&self) -> bool {
        self.told == 0
    }

    pub(super) fn is_due(&self, now: Tick) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// It is told now, once.
    pub(super) fn tell(&mut self) {
        self.told = self.told.saturating_add(1);
        self.due = None;
    }

    /// It is told now, and if nothing changes again after a time that doubles.
    pub(super) fn tell_again(&mut self, now: Tick) {
        self.tell();
        self.retry(now);
    }

    /// It is told now, and again after this time.
    pub(super) fn tell_each(&mut self, now: Tick, every: Duration) {
        self.tell();
        self.due = Some(now.plus(every.max(REPEAT_MIN)));
    }

    /// What was told failed.
    pub(super) fn retry(&mut self, now: Tick) {
        let doublings = self.told.saturating_sub(1).min(DOUBLINGS_MAX);
        self.due = Some(now.plus(REPEAT_MIN * (1 << doublings)));
    }
}

/// Nothing is told twice in less.
pub(super) const REPEAT_MIN: Duration = Duration::from_secs(1);
/// 64 s.
const DOUBLINGS_MAX: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Tick {
        Tick::after_start(Duration::from_secs(secs))
    }

    #[test]
    fn what_fails_each_time_is_told_ever_more_rarely() {
        let mut telling = Telling::at(at(0));
        let mut told = Vec::new();
        while told.len() < 10 {
            let now = telling.due().unwrap();
            told.push(now.micros() / 1_000_000);
            telling.tell();
            assert_eq!(telling.due(), None);
            telling.retry(now);
        }
        assert_eq!(told, [0, 1, 3, 7, 15, 31, 63, 127, 191, 255]);
    }

    #[test]
    fn what_is_repeated_without_a_pause_has_one_of_a_second() {
        let mut telling = Telling::at(at(0));
        telling.tell_each(at(0), Duration::ZERO);
        assert!(!telling.is_due(at(0)));
        assert!(telling.is_due(at(1)));
    }
}
