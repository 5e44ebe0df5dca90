//! Whether a backend gives no answers any more.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::Vitals;
use crate::tick::Tick;

impl Vitals {
    /// Whether it should be passed over as it is stalled. It is not if it was left in peace for long: one request in
    /// each doubling of the silence finds out whether it answers those that come now.
    pub(crate) fn wants_peace(&self, in_flight: u32, now: Tick) -> bool {
        self.is_stalled(in_flight, now) && !self.may_be_nudged(now)
    }

    /// Whether several of so many in flight wait for their answers, some of them begun since the last answer, and none
    /// came for many times as long as the latency says: in a steady state one of n that wait is answered each nth of the
    /// latency.
    pub(crate) fn is_stalled(&self, in_flight: u32, now: Tick) -> bool {
        if in_flight < WAITING_MIN {
            return false;
        }
        let silence = now.since(self.progressed());
        silence > SILENCE_MIN && self.is_long(silence, in_flight, now)
    }

    fn is_long(&self, silence: Duration, in_flight: u32, now: Tick) -> bool {
        let waiting = in_flight.saturating_sub(self.answered_in_flight());
        let usual = self.latency(now).unwrap_or(LATENCY_UNKNOWN);
        let is_new = self.begun_since_progress() >= BEGUN_MIN;
        is_new && waiting >= WAITING_MIN && silence > usual * TIMES / waiting
    }

    fn begun_since_progress(&self) -> u64 {
        let begun = self.counts.begun.load(Relaxed);
        begun.saturating_sub(self.counts.begun_at_progress.load(Relaxed))
    }

    /// Whether it gave no answer for longer than answers ever take: one that is merely overloaded answers somebody.
    pub(crate) fn is_silent(&self, now: Tick) -> bool {
        let usual = self.latency(now).unwrap_or(LATENCY_UNKNOWN) * 4;
        now.since(self.progressed()) > usual.max(PEACE_MIN)
    }

    fn may_be_nudged(&self, now: Tick) -> bool {
        let silence = now.since(self.progressed());
        silence >= PEACE_MIN && now.since(self.begun_last()) >= silence / 2
    }
}

const WAITING_MIN: u32 = 8;
const BEGUN_MIN: u64 = 4;
const SILENCE_MIN: Duration = Duration::from_millis(5);
/// By chance alone (Poisson) such a silence comes once in 20,000 answers.
const TIMES: u32 = 10;
/// Of one that never answered.
const LATENCY_UNKNOWN: Duration = Duration::from_secs(1);
/// With 7 requests until it shows, no more than 10 go to a backend that stops within its first 5 s.
const PEACE_MIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Tick {
        Tick::of_micros(ms * 1_000)
    }

    /// Answers in a millisecond at 0, then takes `requests`, one a millisecond.
    fn silent_after(requests: u64) -> Vitals {
        let vitals = Vitals::default();
        vitals.begin(at(0));
        vitals.note_answer(Duration::from_millis(1), at(0));
        vitals.end(true);
        for ms in 1..=requests {
            vitals.begin(at(ms));
        }
        vitals
    }

    #[test]
    fn eight_requests_without_an_answer_are_a_stall() {
        let vitals = silent_after(8);
        assert!(vitals.is_stalled(8, at(9)));
        assert!(!vitals.is_stalled(7, at(9)));
        vitals.note_answer(Duration::from_millis(9), at(9));
        assert!(!vitals.is_stalled(8, at(13)));
    }

    #[test]
    fn silence_is_measured_by_what_the_latency_promises() {
        let vitals = silent_after(0);
        vitals.begin(at(0));
        vitals.note_answer(Duration::from_millis(200), at(0));
        for _ in 0..10 {
            vitals.begin(at(0));
        }
        assert!(!vitals.is_stalled(11, at(190)));
        assert!(vitals.is_stalled(11, at(205)));
    }

    #[test]
    fn tunnels_are_no_stall() {
        let vitals = Vitals::default();
        for _ in 0..20 {
            vitals.begin(at(0));
            vitals.note_answer(Duration::from_millis(1), at(1));
        }
        vitals.begin(at(50_000));
        assert!(!vitals.is_stalled(21, at(60_000)));
    }

    #[test]
    fn a_stalled_one_is_nudged_in_ever_longer_intervals() {
        let vitals = silent_after(8);
        let mut nudged = Vec::new();
        for ms in 9..20_000 {
            if !vitals.wants_peace(8, at(ms)) {
                vitals.begin(at(ms));
                nudged.push(ms / 1_000);
            }
        }
        assert_eq!(nudged, [1, 2, 4, 8, 16]);
    }

    #[test]
    fn one_answer_to_a_nudge_ends_the_stall() {
        let vitals = silent_after(8);
        assert!(vitals.wants_peace(8, at(900)));
        vitals.begin(at(1_100));
        vitals.note_answer(Duration::from_millis(1), at(1_101));
        assert!(!vitals.wants_peace(9, at(1_500)));
    }
}
