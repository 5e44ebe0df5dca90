//! Load by backend.

use std::collections::BTreeMap;
use std::fmt;

use portreeve_model::{Backend, Snapshot};

use super::sheet::Sheet;

pub(super) fn write(sheet: &mut Sheet<'_>, snapshot: &Snapshot) -> fmt::Result {
    let loads = loads(snapshot);
    let all = || {
        loads
            .iter()
            .map(|((pool, backend), load)| ([("pool", *pool), ("backend", *backend)], load))
    };
    sheet.gauges(
        "portreeve_backend_requests_in_flight",
        "Requests that a backend is busy with now.",
        all().map(|(labels, load)| (labels, load.in_flight)),
    )?;
    sheet.counters(
        "portreeve_backend_requests",
        "Attempts that were sent to a backend.",
        all().map(|(labels, load)| (labels, load.requests)),
    )?;
    sheet.counters(
        "portreeve_backend_failures",
        "Attempts that failed for a fault of the backend.",
        all().map(|(labels, load)| (labels, load.failures)),
    )?;
    sheet.counters(
        "portreeve_backend_connects",
        "Connections made to a backend.",
        all().map(|(labels, load)| (labels, load.connects)),
    )
}

/// By pool and label. Two names that resolve to one address make two backends with one label: their counts are added,
/// for a series may stand on the page only once.
fn loads(snapshot: &Snapshot) -> BTreeMap<(&str, &str), Load> {
    let mut loads: BTreeMap<_, Load> = BTreeMap::new();
    for pool in &snapshot.pools {
        for backend in &pool.backends {
            loads
                .entry((&*pool.name, &*backend.label))
                .or_default()
                .add(backend);
        }
    }
    loads
}

#[derive(Default)]
struct Load {
    in_flight: u64,
    requests: u64,
    failures: u64,
    connects: u64,
}

impl Load {
    fn add(&mut self, backend: &Backend) {
        self.in_flight += u64::from(backend.in_flight());
        self.requests += backend.vitals.requests_total();
        self.failures += backend.vitals.failures_total();
        self.connects += backend.vitals.connects_total();
    }
}
