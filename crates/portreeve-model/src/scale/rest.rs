//! How long nobody has asked.

use std::time::Duration;

use super::seen::Seen;
use crate::tick::Tick;

/// When the last request was seen, and whether one found nobody since the last decision.
#[derive(Debug)]
pub(super) struct Rest {
    begun: Tick,
    /// `None`: no request so far, and none is known to have been before.
    busy: Option<Tick>,
    /// Whether the last look saw one under way, or come.
    is_busy: bool,
    /// `None`: not known yet.
    requests_total: Option<u64>,
    asked_total: u64,
    /// Of these the last decision knew.
    asked_decided: u64,
}

impl Rest {
    pub(super) fn new(now: Tick) -> Self {
        Self {
            begun: now,
            busy: None,
            is_busy: false,
            requests_total: None,
            asked_total: 0,
            asked_decided: 0,
        }
    }

    pub(super) fn note(&mut self, seen: &Seen, now: Tick) {
        let is_counted = self
            .requests_total
            .is_some_and(|total| total != seen.requests_total);
        self.is_busy = seen.under_way() > 0 || is_counted || seen.asked_total != self.asked_total;
        if self.is_busy {
            self.busy = Some(now);
        }
        self.requests_total = Some(seen.requests_total);
        self.asked_total = seen.asked_total;
    }

    /// There are some, of which nobody knows when they served last: as if it had been at the start.
    pub(super) fn note_running(&mut self) {
        self.busy.get_or_insert(self.begun);
    }

    /// How many found nobody since the last decision.
    pub(super) fn take_asked(&mut self) -> u64 {
        let decided = std::mem::replace(&mut self.asked_decided, self.asked_total);
        self.asked_total.saturating_sub(decided)
    }

    /// How long no request has been seen.
    pub(super) fn quiet(&self, now: Tick) -> Duration {
        now.since(self.busy.unwrap_or(self.begun))
    }

    /// Whether this has been so long enough; never while one is under way, however short that is.
    pub(super) fn is_idle(&self, after: Option<Duration>, now: Tick) -> bool {
        let is_quiet = |after| self.busy.is_none() || self.quiet(now) >= after;
        !self.is_busy && after.is_some_and(is_quiet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick::of_micros(seconds * 1_000_000)
    }

    fn total(requests_total: u64) -> Seen {
        Seen {
            requests_total,
            ..Seen::default()
        }
    }

    #[test]
    fn who_has_a_request_is_not_idle_even_where_no_time_is_allowed() {
        let mut rest = Rest::new(at(0));
        rest.note(&total(0), at(0));
        let under_way = Seen {
            in_flight: 1,
            ..total(0)
        };
        rest.note(&under_way, at(0));
        assert!(!rest.is_idle(Some(Duration::ZERO), at(0)));
        rest.note(&total(0), at(0));
        assert!(rest.is_idle(Some(Duration::ZERO), at(0)));
    }

    const MINUTE: Option<Duration> = Some(Duration::from_secs(60));

    #[test]
    fn it_rests_from_the_last_request_on() {
        let mut rest = Rest::new(at(0));
        rest.note(&total(5), at(1));
        rest.note(&total(6), at(10));
        rest.note(&total(6), at(69));
        assert!(!rest.is_idle(MINUTE, at(69)));
        assert!(rest.is_idle(MINUTE, at(70)));
        assert!(!rest.is_idle(None, at(7_000)));
    }

    #[test]
    fn a_long_request_is_no_rest() {
        let mut rest = Rest::new(at(0));
        let seen = Seen {
            in_flight: 1,
            ..Seen::default()
        };
        (0..100).for_each(|minute| rest.note(&seen, at(minute * 60)));
        assert!(!rest.is_idle(MINUTE, at(99 * 60 + 59)));
    }

    #[test]
    fn who_begins_at_nothing_rests_and_who_begins_with_some_waits() {
        let mut rest = Rest::new(at(0));
        rest.note(&total(7), at(0));
        assert!(rest.is_idle(MINUTE, at(0)));
        rest.note_running();
        assert!(!rest.is_idle(MINUTE, at(59)));
        assert!(rest.is_idle(MINUTE, at(60)));
    }

    #[test]
    fn each_who_found_nobody_is_told_once() {
        let mut rest = Rest::new(at(0));
        let seen = Seen {
            asked_total: 3,
            ..Seen::default()
        };
        rest.note(&seen, at(5));
        rest.note(&seen, at(6));
        assert_eq!(rest.take_asked(), 3);
        assert_eq!(rest.take_asked(), 0);
        assert_eq!(rest.quiet(at(8)), Duration::from_secs(3));
    }
}
