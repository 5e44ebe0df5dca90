//! A guard over the backend that was chosen for a request.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::Backend;
use crate::ejection::Trial;
use crate::gate::Room;
use crate::policy::Policies;
use crate::standing::Standing;
use crate::tick::Tick;
use crate::why::Why;

/// The right to send one request to a backend: counts as one request, and as one in flight until it is dropped.
#[derive(Debug)]
pub struct Lease {
    backend: Arc<Backend>,
    trial: Option<Trial>,
    why: Why,
    pub(crate) begun: Tick,
    is_answered: bool,
}

impl Lease {
    /// Counts a request in on `backend`, whether it has room or not.
    #[must_use]
    pub fn take(backend: &Arc<Backend>, now: Tick) -> Self {
        Self::counted(backend, now).0
    }

    /// Counts a request in on `backend` if it has room at this very moment. No more than its limit hold a lease,
    /// whatever threads do at once; if it is ejected and its time is over, one at a time has one, as its trial.
    ///
    /// # Errors
    /// [`Room::Full`] or [`Room::Out`].
    pub fn try_take(backend: &Arc<Backend>, now: Tick) -> Result<Self, Room> {
        let (mut lease, in_flight) = Self::counted(backend, now);
        lease.trial = backend.enter(in_flight, now)?;
        Ok(lease)
    }

    /// The same, for this reason. That it is a trial is the better one; and that nobody is healthy is one that stays,
    /// as [`may_serve`](Self::may_serve) hangs on it.
    #[must_use]
    pub fn because(mut self, why: Why) -> Self {
        self.why = match self.why {
            _ if self.is_trial() => Why::Trial,
            Why::UseAll => Why::UseAll,
            _ => why,
        };
        self
    }

    /// A response head was there `latency` after the request was begun. Only the first counts.
    pub fn note_answer(&mut self, latency: Duration, now: Tick) {
        if !self.is_answered {
            self.is_answered = true;
            self.backend.vitals.note_answer(latency, now);
        }
    }

    /// The backend has the whole request, and nobody waits for its answer any more: the client left, or the time was up.
    /// Says that answers take so long at least, and that the backend may still be at work on it.
    pub fn note_abandoned(&self, now: Tick) {
        if !self.is_answered {
            self.backend.note_abandoned(now.since(self.begun), now);
        }
    }

    /// Who was chosen.
    #[must_use]
    pub fn backend(&self) -> &Arc<Backend> {
        &self.backend
    }

    /// Why it was chosen.
    #[must_use]
    pub fn why(&self) -> Why {
        self.why
    }

    /// Whether its request, which demands `demanded`, may meet the backend now: what is asked last before the first byte
    /// goes out. As [`Backend::may_serve`], but who was chosen because nobody is healthy may be down.
    #[must_use]
    pub fn may_serve(&self, demanded: &Policies) -> bool {
        let backend = &*self.backend;
        backend.may_serve(demanded)
            || self.why == Why::UseAll
                && backend.standing() == Standing::Down
                && backend.policies.uphold(demanded)
    }

    /// Whether the backend is ejected, and this request decides whether it comes back.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.trial.is_some()
    }

    fn counted(backend: &Arc<Backend>, now: Tick) -> (Self, u32) {
        let in_flight = backend.begin(now);
        let lease = Self {
            backend: Arc::clone(backend),
            trial: None,
            why: Why::Chance,
            begun: now,
            is_answered: false,
        };
        (lease, in_flight)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(trial) = self.trial {
            self.backend.release(trial);
        }
        self.backend.end(self.is_answered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::BackendAddress;

    #[test]
    fn whoever_may_be_met_although_it_is_down_may_be_after_a_wait_too() {
        let backend = Arc::new(Backend::new(
            "a".into(),
            BackendAddress::Unix("/a".into()),
            1,
            crate::policy::Policies::none(),
        ));
        backend.stand(Standing::Down);
        let lease = Lease::take(&backend, Tick::default()).because(Why::UseAll);
        assert!(lease.because(Why::Held).may_serve(&Policies::none()));
        let lease = Lease::take(&backend, Tick::default()).because(Why::Held);
        assert!(!lease.may_serve(&Policies::none()));
    }

    #[test]
    fn a_lease_is_in_flight_until_dropped_and_stays_counted() {
        let backend = Arc::new(Backend::new(
            "a".into(),
            BackendAddress::Unix("/a".into()),
            1,
            crate::policy::Policies::none(),
        ));
        let (first, second) = (
            Lease::take(&backend, Tick::default()),
            Lease::take(&backend, Tick::default()),
        );
        assert_eq!((backend.in_flight(), backend.vitals.requests_total()), (2, 2));
        drop(first);
        assert_eq!((backend.in_flight(), backend.vitals.requests_total()), (1, 2));
        drop(second);
        assert_eq!((backend.in_flight(), backend.vitals.requests_total()), (0, 2));
    }
}
