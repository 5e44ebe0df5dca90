//! Who of a pool is ejected, and that these are never too many.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use super::Pool;
use crate::backend::Backend;
use crate::ejection::{AttemptOutcome, EjectedBy};
use crate::standing::Standing;
use crate::tick::Tick;

impl Pool {
    /// For the data plane, at the end of each attempt and before its lease is dropped: what came of it. What it was
    /// ejected by if this did it, now or once more.
    pub fn note_attempt(&self, backend: &Backend, outcome: AttemptOutcome, now: Tick) -> Option<EjectedBy> {
        match outcome {
            AttemptOutcome::Answered { is_failure: false } => {
                backend.note_success(now);
                None
            }
            AttemptOutcome::Answered { is_failure: true } => {
                backend.vitals.note_bad_answer();
                self.note_failure(backend, now)
            }
            AttemptOutcome::Failed => {
                backend.vitals.note_unanswered();
                self.note_failure(backend, now)
            }
            AttemptOutcome::Left => {
                backend.vitals.note_left();
                backend
                    .is_silent(now)
                    .then(|| self.note_failure(backend, now))
                    .flatten()
            }
        }
    }

    /// How many of it are ejected, those on trial included.
    #[must_use]
    pub fn ejected(&self) -> usize {
        let ejected = self.backends.iter().filter(|backend| backend.is_ejected());
        ejected.count()
    }

    /// For whoever probes, after a pass of a check that the pool asks for: ends an ejection that has lasted for half
    /// of the plan's `time`. Whether it did.
    pub fn note_pass(&self, backend: &Backend, now: Tick) -> bool {
        backend.readmit(&self.plan.ejection, now)
    }

    /// Ejects it if it serves, is not ejected already, and no more are than may be.
    pub(crate) fn eject(&self, backend: &Backend, by: EjectedBy, now: Tick) -> bool {
        let Some(_turn) = self.ejecting.take() else {
            return false;
        };
        backend.standing() == Standing::Serving
            && self.has_leave_to_eject()
            && backend.eject(by, &self.plan.ejection, now)
    }

    fn note_failure(&self, backend: &Backend, now: Tick) -> Option<EjectedBy> {
        let in_a_row = backend.vitals.note_failure_in_a_row();
        if let Some(by) = backend.fail_trial(&self.plan.ejection, now) {
            return Some(by);
        }
        let is_enough = self
            .plan
            .ejection
            .failures_in_a_row
            .is_some_and(|most| in_a_row >= u32::from(most));
        let by = EjectedBy::FailuresInARow;
        (is_enough && self.eject(backend, by, now)).then_some(by)
    }

    /// Whether one more may be, of those that would serve. Who is down is no help, so he does not count for the whole.
    fn has_leave_to_eject(&self) -> bool {
        let serving = self
            .backends
            .iter()
            .filter(|backend| backend.standing() == Standing::Serving);
        let share = usize::from(self.plan.ejection.share_max_percent);
        (self.ejected() + 1) * 100 <= serving.count() * share
    }
}

/// Lives on from snapshot to snapshot: who ejects counts first, and nobody else ejects meanwhile. Whoever finds it
/// taken lets it be: the next failure brings him back.
#[derive(Debug, Default)]
pub(super) struct Ejecting(AtomicBool);

impl Ejecting {
    fn take(&self) -> Option<Turn<'_>> {
        let free = self.0.compare_exchange(false, true, SeqCst, SeqCst);
        free.is_ok().then_some(Turn(&self.0))
    }
}

struct Turn<'a>(&'a AtomicBool);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, SeqCst);
    }
}
