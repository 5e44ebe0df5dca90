//! Connections by listener, and requests that no route took.

use std::fmt;

use portreeve_model::{Cause, Listener, ListenerTotals, Snapshot};

use super::sheet::Sheet;

pub(super) fn write(sheet: &mut Sheet<'_>, snapshot: &Snapshot) -> fmt::Result {
    let all: Vec<_> = snapshot
        .listeners
        .iter()
        .map(|each| (&**each, each.stats.totals()))
        .collect();
    sheet.gauges(
        "portreeve_connections_open",
        "Client connections open now.",
        all.iter().map(|(listener, totals)| (of(listener), totals.open)),
    )?;
    sheet.counters(
        "portreeve_connections_accepted",
        "Client connections accepted.",
        all.iter()
            .map(|(listener, totals)| (of(listener), totals.accepted)),
    )?;
    sheet.counters(
        "portreeve_connections_refused",
        "Client connections refused before their first request, by cause.",
        by_cause(&all, |totals| &totals.refused),
    )?;
    sheet.counters(
        "portreeve_listener_requests",
        "Requests that ended, by the version in which they came.",
        by_version(&all),
    )?;
    sheet.counters(
        "portreeve_requests_unrouted",
        "Requests that ended before a route was found, by cause.",
        by_cause(&all, |totals| &totals.unrouted),
    )?;
    sheet.counters(
        "portreeve_edge_events",
        "What happened at client connections before and beside requests, by event.",
        by_event(&all),
    )
}

type Counted<'a> = (&'a Listener, ListenerTotals);

fn of(listener: &Listener) -> [(&str, &str); 1] {
    [("listener", &*listener.name)]
}

fn by_cause<'a>(
    all: &'a [Counted<'a>],
    counts: impl Fn(&'a ListenerTotals) -> &'a Vec<(Cause, u64)>,
) -> impl Iterator<Item = ([(&'a str, &'a str); 2], u64)> {
    all.iter().flat_map(move |(listener, totals)| {
        let counts = counts(totals).iter().filter(|(_, count)| *count > 0);
        counts.map(move |(cause, count)| ([of(listener)[0], ("cause", cause.code())], *count))
    })
}

fn by_event<'a>(all: &'a [Counted<'a>]) -> impl Iterator<Item = ([(&'a str, &'a str); 2], u64)> {
    all.iter().flat_map(|(listener, totals)| {
        let counts = totals.edge.iter().filter(|(_, count)| *count > 0);
        counts.map(|(event, count)| ([of(listener)[0], ("event", event.code())], *count))
    })
}

fn by_version<'a>(all: &'a [Counted<'a>]) -> impl Iterator<Item = ([(&'a str, &'a str); 2], u64)> {
    all.iter().flat_map(|(listener, totals)| {
        let counts = totals.by_version.iter().filter(|(_, count)| *count > 0);
        counts.map(|(version, count)| ([of(listener)[0], ("version", version.code())], *count))
    })
}
