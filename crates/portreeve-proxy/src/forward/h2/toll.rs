//! What a backend's connections came to: one whose connections come to nothing is left in peace for a while, so that
//! requests do not make connection after connection as quickly as it can end them.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Connections of one backend, one after the other, that ended before any answer came over them.
///
/// ```text
///   ended before any answer:  first ──► the next is made at once   (it may have said goodbye in that very moment)
///                             second ─► the next is made 50 ms later
///                             third ──► none is made for 200 ms, further ones twice as long, up to 5 s: whoever wants
///                                       one is told `backend_protocol` and may go to another backend
///   an answer came:           all is forgiven
/// ```
#[derive(Debug, Default)]
pub(super) struct Toll {
    in_vain: Cell<u32>,
    until: Cell<Option<Instant>>,
}

impl Toll {
    /// One has come to nothing.
    pub(super) fn note_in_vain(&self, now: Instant) {
        let in_vain = self.in_vain.get().saturating_add(1);
        self.in_vain.set(in_vain);
        self.until.set(pause(in_vain).map(|pause| now + pause));
    }

    /// An answer came over one.
    pub(super) fn note_answer(&self) {
        if self.in_vain.get() > 0 {
            self.in_vain.set(0);
            self.until.set(None);
        }
    }

    /// Whether none is to be made now, nor waited for.
    pub(super) fn forbids(&self, now: Instant) -> bool {
        self.in_vain.get() >= FORBIDDEN_FROM && self.until.get().is_some_and(|until| now < until)
    }

    /// When the next may be made; `None`: now.
    pub(super) fn next(&self) -> Option<Instant> {
        self.until.get()
    }

    /// Whether there is nothing to be remembered.
    pub(super) fn is_clear(&self, now: Instant) -> bool {
        self.until
            .get()
            .is_none_or(|until| now.saturating_duration_since(until) >= FORGOTTEN)
    }
}

fn pause(in_vain: u32) -> Option<Duration> {
    match in_vain {
        0 | 1 => None,
        2 => Some(PAUSE),
        _ => Some(REST_MAX.min(REST * 2_u32.saturating_pow(in_vain - FORBIDDEN_FROM))),
    }
}

const FORBIDDEN_FROM: u32 = 3;
const PAUSE: Duration = Duration::from_millis(50);
const REST: Duration = Duration::from_millis(200);
const REST_MAX: Duration = Duration::from_secs(5);
/// After which a backend that nobody asked begins anew.
const FORGOTTEN: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    /// How many are made within a time if there is always somebody who wants one, and each is over at once.
    fn made_within(time: Duration) -> usize {
        let (toll, begun) = (Toll::default(), Instant::now());
        let mut made = 0;
        for ms in 0..u64::try_from(time.as_millis()).unwrap() {
            let now = begun + Duration::from_millis(ms);
            if !toll.forbids(now) && toll.next().is_none_or(|next| now >= next) {
                made += 1;
                toll.note_in_vain(now);
            }
        }
        made
    }

    #[test]
    fn few_are_made_however_many_want_one() {
        assert_eq!(made_within(Duration::from_millis(40)), 2);
        assert_eq!(made_within(Duration::from_secs(1)), 5);
        assert_eq!(made_within(Duration::from_secs(60)), 18);
    }

    #[test]
    fn the_first_ones_are_waited_for_and_the_third_is_forbidden() {
        let (toll, now) = (Toll::default(), Instant::now());
        toll.note_in_vain(now);
        assert!(!toll.forbids(now) && toll.next().is_none());
        toll.note_in_vain(now);
        assert!(!toll.forbids(now) && toll.next() == Some(now + PAUSE));
        toll.note_in_vain(now);
        assert!(toll.forbids(now));
        assert!(!toll.forbids(now + REST));
    }

    #[test]
    fn one_answer_forgives_all() {
        let (toll, now) = (Toll::default(), Instant::now());
        for _ in 0..10 {
            toll.note_in_vain(now);
        }
        assert!(toll.forbids(now + Duration::from_secs(4)));
        toll.note_answer();
        assert!(!toll.forbids(now) && toll.next().is_none());
        assert!(toll.is_clear(now));
    }
}
