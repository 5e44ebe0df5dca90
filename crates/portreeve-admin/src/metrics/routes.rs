//! Requests by route: how many, how they ended, how long they took.

use std::fmt;
use std::time::Duration;

use portreeve_model::{DURATION_BOUNDS, Durations, Route, RouteTotals, Snapshot};

use super::sheet::{Histogram, Sheet};

pub(super) fn write(sheet: &mut Sheet<'_>, snapshot: &Snapshot) -> fmt::Result {
    let all: Vec<_> = snapshot
        .routes
        .iter()
        .map(|route| (&**route, route.stats.totals()))
        .collect();
    write_requests(sheet, &all)?;
    write_causes(sheet, &all)?;
    write_bytes(sheet, &all)?;
    sheet.counters(
        "portreeve_request_retries",
        "Attempts beyond a request's first.",
        all.iter().map(|(route, totals)| (of(route), totals.retries)),
    )?;
    write_choices(sheet, &all)?;
    sheet.histograms(
        "portreeve_request_duration_seconds",
        "From the end of a request's head to the end of its response.",
        all.iter()
            .map(|(route, totals)| (of(route), histogram(&totals.durations))),
    )?;
    sheet.histograms(
        "portreeve_request_first_byte_seconds",
        "From the end of a request's head to the first byte of its response.",
        all.iter()
            .map(|(route, totals)| (of(route), histogram(&totals.first_bytes))),
    )
}

type Counted<'a> = (&'a Route, RouteTotals);

fn of(route: &Route) -> [(&str, &str); 2] {
    [("route", &*route.name), ("pool", &*route.pool.name)]
}

fn write_requests(sheet: &mut Sheet<'_>, all: &[Counted<'_>]) -> fmt::Result {
    let series = all.iter().flat_map(|(route, totals)| {
        let counts = CLASSES.iter().zip(totals.by_class);
        counts.map(move |(class, count)| (with(of(route), "class", class), count))
    });
    sheet.counters(
        "portreeve_requests",
        "Requests that ended, by the class of status sent to the client.",
        series,
    )
}

fn write_causes(sheet: &mut Sheet<'_>, all: &[Counted<'_>]) -> fmt::Result {
    let series = all.iter().flat_map(|(route, totals)| {
        let counts = totals.by_cause.iter().filter(|(_, count)| *count > 0);
        counts.map(move |&(cause, count)| (with(of(route), "cause", cause.code()), count))
    });
    sheet.counters(
        "portreeve_request_errors",
        "Requests that the proxy answered or ended itself, by cause.",
        series,
    )
}

fn write_choices(sheet: &mut Sheet<'_>, all: &[Counted<'_>]) -> fmt::Result {
    let series = all.iter().flat_map(|(route, totals)| {
        let counts = totals.by_why.iter().filter(|(_, count)| *count > 0);
        counts.map(move |&(why, count)| (with(of(route), "why", why.code()), count))
    });
    sheet.counters(
        "portreeve_request_choices",
        "Requests that met a backend, by why the last one was chosen.",
        series,
    )
}

fn write_bytes(sheet: &mut Sheet<'_>, all: &[Counted<'_>]) -> fmt::Result {
    let series = all.iter().flat_map(|(route, totals)| {
        let counts = [("received", totals.bytes_in), ("sent", totals.bytes_out)];
        counts.map(move |(direction, count)| (with(of(route), "direction", direction), count))
    });
    sheet.counters(
        "portreeve_request_bytes",
        "Body bytes received from clients, and bytes sent to them, heads included.",
        series,
    )
}

fn with<'a>(labels: [(&'a str, &'a str); 2], name: &'a str, value: &'a str) -> [(&'a str, &'a str); 3] {
    [labels[0], labels[1], (name, value)]
}

fn histogram(durations: &Durations) -> Histogram {
    let bounds = DURATION_BOUNDS
        .iter()
        .map(Duration::as_secs_f64)
        .chain([f64::INFINITY]);
    Histogram {
        buckets: bounds.zip(durations.counts).collect(),
        sum_s: durations.sum.as_secs_f64(),
    }
}

/// In the order of [`RouteTotals::by_class`].
const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];
