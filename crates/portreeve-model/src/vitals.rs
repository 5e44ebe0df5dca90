//! How a backend does, as the threads of the data plane tell each other.

mod attempts;
mod stall;

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;

use crate::ejection::EjectedBy;
use crate::padded::Padded;
use crate::tick::Tick;

/// How one backend does: counts that only rise, moments, and a mean latency, all of them atomics on cache lines of their
/// own. Writers race where that costs nothing but a sample.
#[derive(Debug, Default)]
pub struct Vitals {
    counts: Padded<Counts>,
    /// In the order of [`EjectedBy::ALL`].
    ejections: [AtomicU64; EjectedBy::ALL.len()],
    /// Which of the backend's addresses worked last.
    pub(crate) preferred: AtomicUsize,
}

/// Two counters that only rise say both how many requests there were and how many are open, with one locked
/// instruction at each end of a request.
#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU64,
    ended: AtomicU64,
    /// Of these, those without an answer.
    ended_unanswered: AtomicU64,
    left: AtomicU64,
    answers: AtomicU64,
    /// Of all answers, in microseconds.
    latency_sum: AtomicU64,
    failures: AtomicU64,
    connects: AtomicU64,
    /// When it answered last, or began to have requests to answer.
    progress: AtomicU64,
    /// How many requests it had been given by then.
    begun_at_progress: AtomicU64,
    last_begun: AtomicU64,
    /// Microseconds above, and below when that was, in milliseconds since the start.
    latency: AtomicU64,
    failures_in_a_row: AtomicU32,
    /// Answers whose status says that it failed.
    bad_answers: AtomicU64,
    /// Attempts that failed without an answer.
    unanswered: AtomicU64,
}

impl Vitals {
    /// How many are in flight with this one, of those that came before it: never too few. Whoever ended before it came
    /// came before it too, which is why these are read first.
    pub(crate) fn begin(&self, now: Tick) -> u32 {
        let counts = &*self.counts;
        let ended = counts.ended.load(SeqCst);
        let begun = counts.begun.fetch_add(1, SeqCst);
        if begun == counts.ended.load(Relaxed) {
            self.note_progress(begun, now);
        }
        counts.last_begun.store(now.micros(), Relaxed);
        open(begun + 1, ended)
    }

    fn note_progress(&self, begun: u64, now: Tick) {
        self.counts.progress.store(now.micros(), Relaxed);
        self.counts.begun_at_progress.store(begun, Relaxed);
    }

    pub(crate) fn end(&self, is_answered: bool) {
        if !is_answered {
            self.counts.ended_unanswered.fetch_add(1, Relaxed);
        }
        self.counts.ended.fetch_add(1, SeqCst);
    }

    /// Notes a response head that was there `latency` after the attempt began.
    pub(crate) fn note_answer(&self, latency: Duration, now: Tick) {
        let counts = &*self.counts;
        let micros = Tick::after_start(latency).micros();
        counts.answers.fetch_add(1, Relaxed);
        counts.latency_sum.fetch_add(micros, Relaxed);
        self.note_progress(counts.begun.load(Relaxed), now);
        let before = Ewma::unpack(counts.latency.load(Relaxed));
        let after = before.after(latency.as_secs_f32() * 1e6, now);
        counts.latency.store(after.pack(), Relaxed);
    }

    /// Counts a connection that was made.
    pub fn note_connect(&self) {
        self.counts.connects.fetch_add(1, Relaxed);
    }

    /// Counts an attempt that failed by the backend's fault.
    pub fn note_failure(&self) {
        self.counts.failures.fetch_add(1, Relaxed);
    }

    /// Requests that were given to it and are not ended. `ended` is read first, so it is too low at most for a reader
    /// that sees the two out of order.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        let ended = self.counts.ended.load(SeqCst);
        open(self.counts.begun.load(SeqCst), ended)
    }

    /// Of those in flight, the ones whose response heads came: tunnels, and responses that are not at their ends.
    #[must_use]
    pub fn answered_in_flight(&self) -> u32 {
        let counts = &*self.counts;
        let ended = counts.ended.load(Relaxed);
        open(
            counts.answers.load(Relaxed) + counts.ended_unanswered.load(Relaxed),
            ended,
        )
    }

    /// Of those in flight, the ones that wait for their response heads.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.in_flight().saturating_sub(self.answered_in_flight())
    }

    /// Requests ever given to it.
    #[must_use]
    pub fn requests_total(&self) -> u64 {
        self.counts.begun.load(Relaxed)
    }

    /// Response heads that came from it.
    #[must_use]
    pub fn answers_total(&self) -> u64 {
        self.counts.answers.load(Relaxed)
    }

    /// The latencies of all answers together.
    #[must_use]
    pub fn latency_total(&self) -> Duration {
        Duration::from_micros(self.counts.latency_sum.load(Relaxed))
    }

    /// How often [`note_failure`](Self::note_failure) was called.
    #[must_use]
    pub fn failures_total(&self) -> u64 {
        self.counts.failures.load(Relaxed)
    }

    /// How often [`note_connect`](Self::note_connect) was called.
    #[must_use]
    pub fn connects_total(&self) -> u64 {
        self.counts.connects.load(Relaxed)
    }

    /// The latency that is to be expected: a mean of those before, weighed by how long ago they were, where one that
    /// is higher counts at once. `None` before the first answer.
    #[must_use]
    pub fn latency(&self, now: Tick) -> Option<Duration> {
        let ewma = Ewma::unpack(self.counts.latency.load(Relaxed));
        (ewma.micros > 0.0).then(|| Duration::from_secs_f32(ewma.faded(now) / 1e6))
    }

    /// How often it was ejected by that, trials that failed included.
    #[must_use]
    pub fn ejections_total(&self, by: EjectedBy) -> u64 {
        self.ejections[by.place()].load(Relaxed)
    }

    pub(crate) fn note_ejection(&self, by: EjectedBy) {
        self.ejections[by.place()].fetch_add(1, Relaxed);
    }

    /// When it answered last, or began to have requests to answer.
    #[must_use]
    pub fn progressed(&self) -> Tick {
        Tick::of_micros(self.counts.progress.load(Relaxed))
    }

    /// When the last request was given to it.
    #[must_use]
    pub fn begun_last(&self) -> Tick {
        Tick::of_micros(self.counts.last_begun.load(Relaxed))
    }
}

fn open(begun: u64, ended: u64) -> u32 {
    u32::try_from(begun.saturating_sub(ended)).unwrap_or(u32::MAX)
}

/// A peak-sensitive mean that fades with time (as in Twitter Finagle's `PeakEwma`).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ewma {
    /// Above 0 once there was a sample.
    micros: f32,
    /// Milliseconds since the start, modulo 49 days.
    at: u32,
}

impl Ewma {
    fn unpack(packed: u64) -> Self {
        Self {
            micros: f32::from_bits(low(packed >> 32)),
            at: low(packed),
        }
    }

    fn pack(self) -> u64 {
        (u64::from(self.micros.to_bits()) << 32) | u64::from(self.at)
    }

    fn after(self, sample: f32, now: Tick) -> Self {
        let sample = sample.max(1.0);
        let weight = if sample >= self.micros {
            0.0
        } else {
            self.weight(now)
        };
        Self {
            micros: self.micros * weight + sample * (1.0 - weight),
            at: millis(now),
        }
    }

    /// What is left of a peak when nothing was heard since: it must not keep requests away for ever.
    fn faded(self, now: Tick) -> f32 {
        (self.micros * self.weight(now)).max(1.0)
    }

    /// How much the old value counts.
    fn weight(self, now: Tick) -> f32 {
        let passed = Duration::from_millis(u64::from(millis(now).wrapping_sub(self.at)));
        (-passed.as_secs_f32() / TAU_S).exp()
    }
}

fn millis(now: Tick) -> u32 {
    low(now.micros() / 1_000)
}

fn low(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

/// The time after which a sample counts for a third.
const TAU_S: f32 = 10.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Tick {
        Tick::of_micros(ms * 1_000)
    }

    fn latency(vitals: &Vitals, now: Tick) -> u128 {
        vitals.latency(now).unwrap().as_millis()
    }

    #[test]
    fn a_peak_counts_at_once_and_fades() {
        let vitals = Vitals::default();
        assert_eq!(vitals.latency(at(0)), None);
        vitals.note_answer(Duration::from_millis(10), at(0));
        vitals.note_answer(Duration::from_millis(100), at(1));
        assert_eq!(latency(&vitals, at(1)), 100);
        let later = latency(&vitals, at(10_001));
        assert!((35..=38).contains(&later), "{later} ms of 100 after tau");
        assert_eq!(latency(&vitals, at(200_000)), 0);
        assert_eq!(vitals.latency(at(2_000_000)), Some(Duration::from_micros(1)));
    }

    #[test]
    fn many_small_samples_bring_a_peak_down_over_time() {
        let vitals = Vitals::default();
        vitals.note_answer(Duration::from_millis(100), at(0));
        for ms in 1..5_000 {
            vitals.note_answer(Duration::from_millis(1), at(ms));
        }
        assert!(latency(&vitals, at(5_000)) < 70);
        assert_eq!(vitals.answers_total(), 5_000);
    }

    #[test]
    fn progress_begins_anew_when_an_idle_backend_gets_a_request() {
        let vitals = Vitals::default();
        vitals.begin(at(5));
        assert_eq!(vitals.progressed(), at(5));
        vitals.begin(at(7));
        assert_eq!((vitals.progressed(), vitals.begun_last()), (at(5), at(7)));
        vitals.note_answer(Duration::from_millis(3), at(8));
        assert_eq!(vitals.progressed(), at(8));
        vitals.end(true);
        vitals.end(false);
        vitals.begin(at(20));
        assert_eq!(vitals.progressed(), at(20));
        assert_eq!(vitals.in_flight(), 1);
    }
}
