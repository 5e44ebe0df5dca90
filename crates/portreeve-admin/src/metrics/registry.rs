//! Backends by standing, and registrations.

use std::collections::BTreeMap;
use std::fmt;

use portreeve_model::{Snapshot, Standing};

use super::sheet::Sheet;
use crate::Registrar;

pub(super) fn write(
    sheet: &mut Sheet<'_>,
    snapshot: &Snapshot,
    registrar: Option<&Registrar>,
) -> fmt::Result {
    let standings = standings(snapshot);
    sheet.gauges(
        "portreeve_backends",
        "Backends, of the file and registered, by whether they may be given requests.",
        standings
            .iter()
            .map(|((pool, standing), count)| ([("pool", *pool), ("standing", standing.code())], *count)),
    )?;
    let (accepted, refused) = registrar.map_or_else(Default::default, |registrar| {
        let counts = registrar.counts();
        (counts.all_accepted(), counts.all_refused())
    });
    sheet.counters(
        "portreeve_registrations",
        "Registrations, heartbeats and deregistrations that were accepted.",
        accepted
            .iter()
            .map(|((pool, kind), count)| ([("pool", &**pool), ("kind", kind.code())], *count)),
    )?;
    sheet.counters(
        "portreeve_registrations_refused",
        "Registrations, heartbeats and deregistrations that were refused, by cause.",
        refused
            .iter()
            .map(|(cause, count)| ([("cause", cause.as_str())], *count)),
    )?;
    sheet.gauge(
        "portreeve_registry_sequence",
        "Number of the last event in the registry, from 1.",
        registrar.map_or(0, Registrar::last_sequence),
    )?;
    sheet.counter(
        "portreeve_store_failures",
        "Registrations that were accepted and would not survive a restart, as the store did not take them.",
        registrar.map_or(0, |registrar| registrar.counts().all_unstored()),
    )
}

/// Each standing of each pool, also those that nobody has; but for `gone`, as who is gone is in no snapshot.
fn standings(snapshot: &Snapshot) -> BTreeMap<(&str, Standing), u64> {
    let shown = || {
        Standing::ALL
            .into_iter()
            .filter(|standing| *standing != Standing::Gone)
    };
    let mut counts = BTreeMap::new();
    for pool in &snapshot.pools {
        counts.extend(shown().map(|standing| ((&*pool.name, standing), 0)));
        for backend in &pool.backends {
            if let Some(count) = counts.get_mut(&(&*pool.name, backend.standing())) {
                *count += 1;
            }
        }
    }
    counts
}
