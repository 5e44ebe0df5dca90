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
        let fresh = |window: &&Window| window.turn.load(Relaxed) + 2 > turn + 1;
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
