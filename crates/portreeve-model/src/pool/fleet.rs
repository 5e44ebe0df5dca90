//! What the data plane and the scaler tell each other of a fleet.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::plan::{FleetPlan, Name};
use crate::policy::Policies;
use crate::tick::Tick;

/// What is counted of a fleet as a whole; the same for as long as its pool has a fleet of this name that upholds the same.
/// It is only touched by requests that find nobody to serve them, so the path of others costs nothing.
#[derive(Debug)]
pub struct FleetShared {
    /// As in its plan.
    pub name: Name,
    /// What all its backends uphold.
    pub policies: Policies,
    /// Requests that are held for want of a backend.
    waiting: AtomicU64,
    /// Since when somebody has been waiting without a pause, in microseconds; what it says means nothing while nobody
    /// waits.
    since: AtomicU64,
    /// The longest wait that ended since it was asked for last, in microseconds.
    longest: AtomicU64,
    /// Requests that found nobody, held or refused.
    asked: AtomicU64,
    /// How long the last instances took from their order to their first pass, smoothed, in microseconds; 0: none did.
    start_time: AtomicU64,
}

impl FleetShared {
    pub(super) fn of(plan: &FleetPlan) -> Self {
        Self {
            name: Name::clone(&plan.name),
            policies: plan.policies.clone(),
            waiting: AtomicU64::new(0),
            since: AtomicU64::new(0),
            longest: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            start_time: AtomicU64::new(0),
        }
    }

    /// A request found nobody.
    pub fn ask(&self) {
        self.asked.fetch_add(1, Relaxed);
    }

    /// A request begins to wait.
    pub fn enter(&self, now: Tick) {
        if self.waiting.fetch_add(1, Relaxed) == 0 {
            self.since.store(now.micros(), Relaxed);
        }
    }

    /// A request has waited so long, whatever came of it.
    pub fn leave(&self, waited: Duration) {
        let before = self.waiting.fetch_sub(1, Relaxed);
        debug_assert!(before > 0, "who leaves has entered");
        self.longest
            .fetch_max(Tick::after_start(waited).micros(), Relaxed);
    }

    /// How many wait now.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Relaxed)
    }

    /// The longest wait of those that ended since the last call; if none did and somebody waits, for how long that has
    /// been so.
    #[must_use]
    pub fn take_longest_wait(&self, now: Tick) -> Duration {
        match self.longest.swap(0, Relaxed) {
            0 if self.waiting() > 0 => now.since(Tick::of_micros(self.since.load(Relaxed))),
            longest => Duration::from_micros(longest),
        }
    }

    /// Requests that found nobody, since the start.
    #[must_use]
    pub fn asked_total(&self) -> u64 {
        self.asked.load(Relaxed)
    }

    /// An instance took so long from its order to its first pass.
    pub fn note_start(&self, took: Duration) {
        let took = Tick::after_start(took).micros().max(1);
        let before = self.start_time.load(Relaxed);
        let smoothed = if before == 0 { took } else { (before + took) / 2 };
        self.start_time.store(smoothed, Relaxed);
    }

    /// How long an instance takes to start, as far as is known.
    #[must_use]
    pub fn start_time(&self) -> Option<Duration> {
        let micros = self.start_time.load(Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    pub(super) fn is_of(&self, plan: &FleetPlan) -> bool {
        self.name == plan.name && self.policies == plan.policies
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::fleet_plan;

    fn at(ms: u64) -> Tick {
        Tick::of_micros(ms * 1_000)
    }

    fn millis(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_longest_wait_is_told_once() {
        let fleet = FleetShared::of(&fleet_plan("default"));
        fleet.enter(at(0));
        fleet.enter(at(5));
        fleet.leave(millis(30));
        fleet.leave(millis(20));
        assert_eq!(fleet.waiting(), 0);
        assert_eq!(fleet.take_longest_wait(at(40)), millis(30));
        assert_eq!(fleet.take_longest_wait(at(50)), Duration::ZERO);
    }

    #[test]
    fn where_nobody_is_served_the_wait_grows() {
        let fleet = FleetShared::of(&fleet_plan("default"));
        fleet.enter(at(10));
        fleet.enter(at(20));
        assert_eq!(fleet.take_longest_wait(at(100)), millis(90));
        assert_eq!(fleet.take_longest_wait(at(200)), millis(190));
    }

    #[test]
    fn start_times_are_smoothed() {
        let fleet = FleetShared::of(&fleet_plan("default"));
        assert_eq!(fleet.start_time(), None);
        fleet.note_start(millis(100));
        fleet.note_start(millis(300));
        assert_eq!(fleet.start_time(), Some(millis(200)));
    }
}
