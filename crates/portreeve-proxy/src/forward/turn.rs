//! A backend's turn with a request.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use portreeve_model::{AttemptOutcome, Backend, EjectedBy, Lease, Pool, Tick};

use crate::worker::Worker;

/// A backend's turn with a request, from the moment it is chosen until it is done with it, however that ends: the drop
/// tells the pool how it went, and lets the next have the backend.
pub(crate) struct Turn<'a> {
    lease: Option<Lease>,
    pool: &'a Pool,
    worker: Rc<Worker>,
    /// Where it counts that this ejected the backend.
    ejections: Option<&'a Cell<u8>>,
    outcome: AttemptOutcome,
    /// Whether that has been counted already.
    is_settled: bool,
    /// When it was last looked at the clock for it.
    at: Option<Tick>,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(lease: Lease, pool: &'a Pool, worker: &Rc<Worker>) -> Self {
        Self {
            lease: Some(lease),
            pool,
            worker: Rc::clone(worker),
            ejections: None,
            outcome: AttemptOutcome::Left,
            is_settled: false,
            at: None,
        }
    }

    /// The same, counting there if the backend is ejected for it.
    pub(crate) fn counted(mut self, ejections: &'a Cell<u8>) -> Self {
        self.ejections = Some(ejections);
        self
    }

    pub(crate) fn lease(&self) -> &Lease {
        self.lease.as_ref().expect("only the drop takes it")
    }

    pub(crate) fn backend(&self) -> &Arc<Backend> {
        self.lease().backend()
    }

    /// A response head was there at `now`, so long after the turn began.
    pub(crate) fn answered(&mut self, status: u16, latency: Duration, now: Tick) {
        self.at = Some(now);
        if let Some(lease) = &mut self.lease {
            lease.note_answer(latency, now);
        }
        if self.pool.plan().hedge.is_some() {
            self.pool.shared.latencies.note(latency, now);
        }
        self.outcome = AttemptOutcome::Answered {
            is_failure: self.pool.plan().ejection.is_failure(status),
        };
    }

    /// What became of it so far counts now, though the turn goes on, as that of a connection does for hours.
    pub(crate) fn settle(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, AttemptOutcome::Left);
        self.is_settled = true;
        self.tell(outcome, self.at.unwrap_or_else(|| self.worker.now()));
        self.at = None;
    }

    /// Its client left, or the time was up, while it had the whole request.
    pub(crate) fn abandoned(&mut self) {
        let now = self.worker.now();
        self.at = Some(now);
        self.lease().note_abandoned(now);
    }

    /// It broke the exchange, or took too long.
    pub(crate) fn failed(&mut self) {
        self.backend().vitals.note_failure();
        self.outcome = AttemptOutcome::Failed;
    }

    fn tell(&self, outcome: AttemptOutcome, now: Tick) {
        let Some(lease) = &self.lease else { return };
        match self.pool.note_attempt(lease.backend(), outcome, now) {
            Some(by) => self.note_ejection(lease, by, now),
            None if lease.is_trial() => self.note_trial(lease),
            None => {}
        }
    }

    fn note_ejection(&self, lease: &Lease, by: EjectedBy, now: Tick) {
        if let Some(count) = self.ejections {
            count.set(count.get().saturating_add(1));
        }
        let (pool, backend) = (&*self.pool.name, lease.backend());
        if let Some(ejected) = backend.ejection() {
            let (time, times) = (ejected.until.since(now), ejected.times);
            tracing::info!(
                pool,
                backend = &*backend.label,
                by = by.code(),
                ?time,
                times,
                "ejected"
            );
        }
    }

    /// Its request decided whether the backend comes back.
    fn note_trial(&self, lease: &Lease) {
        let backend = lease.backend();
        if backend.ejection().is_none() {
            let pool = &*self.pool.name;
            tracing::info!(pool, backend = &*backend.label, "a request ended its ejection");
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let now = self.at.unwrap_or_else(|| self.worker.now());
        if !self.is_settled || self.outcome == AttemptOutcome::Failed {
            self.tell(self.outcome, now);
        }
        let Some(lease) = self.lease.take() else { return };
        self.worker.holds.release(self.pool, lease, now);
    }
}
