//! Whether it was a mistake to shrink.

use std::time::Duration;

use crate::tick::Tick;

/// The last time a fleet shrank, and the last time that this was a mistake: it soon grew again, although what it needed was
/// no more than chance brings now and then. That mistake is not made twice in a day unless clearly less is needed.
#[derive(Debug, Default)]
pub(super) struct Regret {
    last: Option<Shrunk>,
    mistake: Option<Shrunk>,
}

#[derive(Debug, Clone, Copy)]
struct Shrunk {
    at: Tick,
    to: u32,
    /// On average in the while before.
    need: f64,
}

impl Regret {
    pub(super) fn note_shrink(&mut self, to: u32, need: f64, now: Tick) {
        self.last = Some(Shrunk { at: now, to, need });
    }

    /// It grew by chance. `window`: what was wished for so long counts before it shrinks.
    pub(super) fn note_growth_by_chance(&mut self, from: u32, window: Duration, now: Tick) {
        let is_soon = |last: &Shrunk| last.to == from && now.since(last.at) < window * SOON;
        if let Some(last) = self.last.filter(is_soon) {
            self.mistake = Some(Shrunk { at: now, ..last });
        }
    }

    /// Not fewer than this, where so many are needed on average.
    pub(super) fn least(&self, need: f64, now: Tick) -> u32 {
        let counts = |mistake: &Shrunk| now.since(mistake.at) < DAY && need > mistake.need * CLEARLY_LESS;
        self.mistake.filter(counts).map_or(0, |mistake| mistake.to + 1)
    }
}

/// In windows: two hours by default.
const SOON: u32 = 24;
const DAY: Duration = Duration::from_secs(86_400);
const CLEARLY_LESS: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(300);

    fn at(hours: u64) -> Tick {
        Tick::after_start(Duration::from_secs(hours * 3_600))
    }

    fn shrunk_at_one() -> Regret {
        let mut regret = Regret::default();
        regret.note_shrink(3, 2.8, at(1));
        regret
    }

    #[test]
    fn a_mistake_is_not_made_twice_in_a_day_unless_clearly_less_is_needed() {
        let mut regret = shrunk_at_one();
        assert_eq!(regret.least(2.8, at(1)), 0);
        regret.note_growth_by_chance(3, WINDOW, at(2));
        assert_eq!(regret.least(2.7, at(3)), 4);
        assert_eq!(regret.least(2.2, at(3)), 0);
        assert_eq!(regret.least(2.7, at(26)), 0);
    }

    #[test]
    fn who_served_for_long_or_from_elsewhere_was_no_mistake() {
        let mut regret = shrunk_at_one();
        regret.note_growth_by_chance(3, WINDOW, at(3));
        regret.note_growth_by_chance(2, WINDOW, at(2));
        assert_eq!(regret.least(2.8, at(3)), 0);
    }
}
