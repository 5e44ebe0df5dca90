//! A guard over the backend that was chosen for a request.

use std::sync::Arc;

use crate::backend::Backend;
use crate::tick::Tick;

/// The right to send one request to a backend: counts as one request, and as one in flight until it is dropped.
#[derive(Debug)]
pub struct Lease(Arc<Backend>);

impl Lease {
    /// Counts a request in on `backend`.
    #[must_use]
    pub fn take(backend: &Arc<Backend>, now: Tick) -> Self {
        backend.begin(now);
        Self(Arc::clone(backend))
    }

    /// Who was chosen.
    #[must_use]
    pub fn backend(&self) -> &Arc<Backend> {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::BackendAddress;

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
