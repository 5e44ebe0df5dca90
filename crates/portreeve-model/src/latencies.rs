//! How long a pool's requests take, as a distribution of the last seconds.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::tick::Tick;

/// What 95 of 100 requests of the last ten to twenty seconds took at most.
///
/// Latencies are counted in buckets, 16 to each doubling, so what comes out is up to 6 % too much, never too little. Two
/// windows of ten seconds take turns: one fills while the other is what was.
#[derive(Debug)]
pub struct Latencies {
    windows: [Window; 2],
    /// What [`p95`](Self::p95) said last, in microseconds; 0: nothing.
    said: AtomicU64,
    /// From when on it is found out again, in microseconds.
    said_until: AtomicU64,
}

impl Latencies {
    /// Counts one that took so long. One atomic addition; while windows change, a few may be lost.
    pub fn note(&self, latency: Duration, now: Tick) {
        let turn = turn(now);
        let window = &self.windows[usize::from(turn % 2 == 1)];
        window.begin(turn);
        window.counts[bucket(latency)].fetch_add(1, Relaxed);
    }

    /// How long 95 of 100 took at most, as of at most 50 ms ago; `None` while there are fewer than 20.
    #[must_use]
    pub fn p95(&self, now: Tick) -> Option<Duration> {
        let until = self.said_until.load(Relaxed);
        let next = now.plus(SAID_FOR).micros();
        let is_due = now.micros() >= until;
        if is_due
            && self
                .said_until
                .compare_exchange(until, next, Relaxed, Relaxed)
                .is_ok()
        {
            self.said.store(self.find_out(turn(now)), Relaxed);
        }
        let said = self.said.load(Relaxed);
        (said > 0).then(|| Duration::from_micros(said))
    }

    /// In microseconds; 0 if there are too few.
    fn find_out(&self, turn: u64) -> u64 {
        let fresh = |window: &&Window| window.turn.load(Relaxed) + 1 >= turn;
        let windows = || self.windows.iter().filter(fresh);
        let count_of =
            |bucket: usize| windows().map(move |window| u64::from(window.counts[bucket].load(Relaxed)));
        let total: u64 = (0..BUCKETS).flat_map(count_of).sum();
        if total < SAMPLES_MIN {
            return 0;
        }
        let wanted = (total * 95).div_ceil(100);
        let mut seen = 0;
        let reaches = |bucket: &usize| {
            seen += count_of(*bucket).sum::<u64>();
            seen >= wanted
        };
        (0..BUCKETS).find(reaches).map_or(0, last_of)
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            windows: [Window::default(), Window::default()],
            said: AtomicU64::new(0),
            said_until: AtomicU64::new(0),
        }
    }
}

/// Ten seconds.
#[derive(Debug)]
struct Window {
    /// Which ten seconds, from 1 on; 0: none yet.
    turn: AtomicU64,
    counts: Box<[AtomicU32]>,
}

impl Window {
    /// Empties it if it is still of the turn before the last; one thread does.
    fn begin(&self, turn: u64) {
        let before = self.turn.load(Relaxed);
        if before < turn && self.turn.compare_exchange(before, turn, Relaxed, Relaxed).is_ok() {
            self.counts.iter().for_each(|count| count.store(0, Relaxed));
        }
    }
}

impl Default for Window {
    fn default() -> Self {
        Self {
            turn: AtomicU64::new(0),
            counts: (0..BUCKETS).map(|_| AtomicU32::new(0)).collect(),
        }
    }
}

/// From 1 on.
fn turn(now: Tick) -> u64 {
    now.micros() / WINDOW_MICROS + 1
}

/// Below 16 µs each has its own; from there on, 16 to each doubling.
fn bucket(latency: Duration) -> usize {
    let micros = u32::try_from(latency.as_micros()).unwrap_or(u32::MAX);
    let doublings = micros.checked_ilog2().unwrap_or(0).saturating_sub(FINE_BITS);
    let first = doublings << FINE_BITS;
    (first + (micros >> doublings)) as usize
}

/// The most microseconds that fall into it, at least 1.
fn last_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let fine = 1 << FINE_BITS;
    let doublings = (bucket / fine).saturating_sub(1);
    let first = bucket - doublings * fine;
    (((first + 1) << doublings) - 1).max(1)
}

/// 16 buckets to each doubling.
const FINE_BITS: u32 = 4;
/// As many as 32 bits of microseconds, more than an hour, have.
const BUCKETS: usize = ((32 - FINE_BITS as usize) + 1) << FINE_BITS;
const WINDOW_MICROS: u64 = 10_000_000;
const SAMPLES_MIN: u64 = 20;
const SAID_FOR: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::in_threads;

    fn at(millis: u64) -> Tick {
        Tick::after_start(Duration::from_millis(millis))
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// These in milliseconds, all at once.
    fn noted(latencies: impl IntoIterator<Item = u64>, now: Tick) -> Latencies {
        let noted = Latencies::default();
        latencies.into_iter().for_each(|one| noted.note(millis(one), now));
        noted
    }

    #[test]
    fn nothing_is_said_of_fewer_than_twenty() {
        let few = noted([5; 19], at(0));
        assert_eq!(few.p95(at(1)), None);
        few.note(millis(5), at(2));
        assert!(few.p95(at(60)).is_some());
    }

    #[test]
    fn one_slow_in_twenty_is_beyond_it_and_two_are_not() {
        let one = noted(std::iter::repeat_n(1, 19).chain([1_000]), at(0));
        assert!(one.p95(at(1)).unwrap() < millis(2));
        let two = noted(std::iter::repeat_n(1, 18).chain([1_000, 1_000]), at(0));
        assert!(two.p95(at(1)).unwrap() >= millis(1_000));
    }

    #[test]
    fn it_is_found_out_again_after_fifty_milliseconds() {
        let noted = noted([1; 100], at(0));
        let before = noted.p95(at(0));
        (0..900).for_each(|_| noted.note(millis(80), at(1)));
        assert_eq!(noted.p95(at(49)), before);
        assert!(noted.p95(at(50)).unwrap() >= millis(80));
    }

    #[test]
    fn what_is_older_than_two_windows_is_forgotten_and_what_is_younger_than_one_is_not() {
        let noted = noted([7; 100], at(9_000));
        assert!(noted.p95(at(19_000)).is_some());
        assert_eq!(noted.p95(at(20_000)), None);
        (0..100).for_each(|_| noted.note(millis(3), at(31_000)));
        assert!(noted.p95(at(31_001)).unwrap() < millis(4));
    }

    #[test]
    fn a_long_pause_leaves_nothing_of_the_time_before() {
        let noted = noted([7; 100], at(0));
        (0..19).for_each(|_| noted.note(millis(1), at(40_000)));
        assert_eq!(noted.p95(at(40_001)), None);
    }

    #[test]
    fn an_absurd_latency_counts_as_the_longest_there_is() {
        let noted = Latencies::default();
        (0..20).for_each(|_| noted.note(Duration::MAX, at(0)));
        assert!(noted.p95(at(0)).unwrap() > Duration::from_secs(3_600));
        let none = Latencies::default();
        (0..20).for_each(|_| none.note(Duration::ZERO, at(0)));
        assert_eq!(none.p95(at(0)), Some(Duration::from_micros(1)));
    }

    #[test]
    fn within_a_window_no_thread_loses_what_another_notes() {
        let noted = Latencies::default();
        noted.note(millis(1), at(0));
        in_threads(4, |_| (0..5_000).for_each(|_| noted.note(millis(1), at(1))));
        let counted: u32 = noted.windows[1]
            .counts
            .iter()
            .map(|count| count.load(Relaxed))
            .sum();
        assert_eq!(counted, 20_001);
    }

    proptest! {
        #[test]
        fn a_bucket_holds_no_more_than_six_in_a_hundred_above_what_fell_into_it(micros in 1_u32..) {
            let last = last_of(bucket(Duration::from_micros(micros.into())));
            prop_assert!(last >= micros.into());
            prop_assert!(last <= u64::from(micros) + u64::from(micros) / 16);
        }

        #[test]
        fn ninety_five_of_a_hundred_took_no_longer_and_some_took_about_as_long(
            mut micros in proptest::collection::vec(1_u64..5_000_000, 20..400)
        ) {
            let noted = Latencies::default();
            micros.iter().for_each(|one| noted.note(Duration::from_micros(*one), at(0)));
            micros.sort_unstable();
            let exact = micros[(micros.len() * 95).div_ceil(100) - 1];
            let said = u64::try_from(noted.p95(at(1)).unwrap().as_micros()).unwrap();
            prop_assert!(said >= exact, "{said} of {exact}");
            prop_assert!(said <= exact + exact / 16, "{said} of {exact}");
        }
    }
}
