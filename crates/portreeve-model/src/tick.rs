//! Moments of the data plane.

use std::time::Duration;

/// A moment as the data plane counts: whole microseconds since the process started, never going back. It fits into an
/// atomic, so threads can tell each other when something was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tick(u64);

impl Tick {
    /// That long after the start.
    #[must_use]
    pub fn after_start(time: Duration) -> Self {
        Self(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
    }

    /// Of that many microseconds.
    #[must_use]
    pub const fn of_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the start.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// How long after `earlier`; zero if it was before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// That much later.
    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(Self::after_start(time).0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_what_has_passed_and_nothing_passes_backwards() {
        let start = Tick::of_micros(5);
        let later = start.plus(Duration::from_millis(2));
        assert_eq!(later.since(start), Duration::from_millis(2));
        assert_eq!(start.since(later), Duration::ZERO);
        assert_eq!(later, Tick::after_start(Duration::from_micros(2_005)));
    }
}
