//! How each backend stands and does.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use portreeve_model::{Backend, EjectedBy, Pool, Snapshot, Standing, Tick};

use super::sheet::Sheet;

pub(super) fn write(sheet: &mut Sheet<'_>, snapshot: &Snapshot, now: Tick) -> fmt::Result {
    let all = figures(snapshot, now);
    write_carried(sheet, &all)?;
    write_standings(sheet, &all)?;
    write_ejections(sheet, &all)?;
    write_room(sheet, &all)
}

/// By pool and label.
type All<'a> = BTreeMap<(&'a str, &'a str), Figures>;

fn write_carried(sheet: &mut Sheet<'_>, all: &All<'_>) -> fmt::Result {
    sheet.gauges(
        "portreeve_backend_requests_in_flight",
        "Requests that a backend is busy with now.",
        each(all, |figures| Some(figures.in_flight)),
    )?;
    let counters: [(_, _, Count); 4] = [
        (
            "portreeve_backend_requests",
            "Attempts that were sent to a backend.",
            |figures| figures.requests,
        ),
        (
            "portreeve_backend_failures",
            "Attempts that failed for a fault of the backend.",
            |figures| figures.failures,
        ),
        (
            "portreeve_backend_bad_answers",
            "Answers of a backend whose status counts as a failure.",
            |figures| figures.bad_answers,
        ),
        (
            "portreeve_backend_connects",
            "Connections made to a backend.",
            |figures| figures.connects,
        ),
    ];
    for (name, help, count) in counters {
        sheet.counters(name, help, each(all, |figures| Some(count(figures))))?;
    }
    Ok(())
}

fn write_standings(sheet: &mut Sheet<'_>, all: &All<'_>) -> fmt::Result {
    let series = all.iter().flat_map(|(of, figures)| {
        let standings = figures.standings.iter();
        standings.map(|(standing, count)| (with(*of, "standing", standing.code()), *count))
    });
    sheet.gauges(
        "portreeve_backend_standing",
        "1 at the standing that a backend has now.",
        series,
    )
}

fn write_ejections(sheet: &mut Sheet<'_>, all: &All<'_>) -> fmt::Result {
    sheet.gauges(
        "portreeve_backend_ejected",
        "1 while a backend is left alone because of how it served.",
        each(all, |figures| Some(figures.ejected)),
    )?;
    let series = all.iter().flat_map(|(of, figures)| {
        let reasons = EjectedBy::ALL.iter().zip(figures.ejections);
        reasons.map(|(by, count)| (with(*of, "reason", by.code()), count))
    });
    sheet.counters(
        "portreeve_backend_ejections",
        "How often a backend was ejected, trials that failed included, by reason.",
        series,
    )
}

fn write_room(sheet: &mut Sheet<'_>, all: &All<'_>) -> fmt::Result {
    sheet.gauges(
        "portreeve_backend_in_flight_limit",
        "Requests that a backend may have in flight now; of those without a limit there is no line.",
        each(all, |figures| figures.limit),
    )?;
    sheet.gauges(
        "portreeve_backend_expected_latency_seconds",
        "How long a backend is expected to take for its next response head; from its first answer on.",
        each(all, |figures| figures.latency.as_ref().map(Duration::as_secs_f64)),
    )?;
    sheet.gauges(
        "portreeve_backend_warmth_ratio",
        "How much of its share a backend gets, in pools with a slow start: from 0.1 to 1.",
        each(all, |figures| figures.warmth),
    )?;
    sheet.gauges(
        "portreeve_backend_reported_load_ratio",
        "How busy a backend said it is, from 0 to 1, if that was within 30 s.",
        each(all, |figures| figures.load),
    )?;
    sheet.counters(
        "portreeve_backend_reports_ignored",
        "Reports of a backend about its load that cannot be true.",
        each(all, |figures| Some(figures.reports_ignored)),
    )
}

type Count = fn(&Figures) -> u64;

/// A line for each backend of which there is something to say.
fn each<'a, V>(
    all: &'a All<'a>,
    figure: impl Fn(&Figures) -> Option<V>,
) -> impl Iterator<Item = ([(&'a str, &'a str); 2], V)> {
    all.iter().filter_map(move |((pool, backend), figures)| {
        let labels = [("pool", *pool), ("backend", *backend)];
        Some((labels, figure(figures)?))
    })
}

fn with<'a>((pool, backend): (&'a str, &'a str), name: &'a str, value: &'a str) -> [(&'a str, &'a str); 3] {
    [("pool", pool), ("backend", backend), (name, value)]
}

/// Two names that resolve to one address make two backends with one label: their figures are brought together, for a
/// series may stand on the page only once.
fn figures(snapshot: &Snapshot, now: Tick) -> All<'_> {
    let mut all = All::new();
    for pool in &snapshot.pools {
        for backend in &pool.backends {
            let figures = all.entry((&*pool.name, &*backend.label)).or_default();
            figures.add(pool, backend, now);
        }
    }
    all
}

#[derive(Default)]
struct Figures {
    in_flight: u64,
    requests: u64,
    failures: u64,
    bad_answers: u64,
    connects: u64,
    standings: BTreeMap<Standing, u64>,
    ejected: u64,
    /// In the order of [`EjectedBy::ALL`].
    ejections: [u64; EjectedBy::ALL.len()],
    limit: Option<u64>,
    latency: Option<Duration>,
    warmth: Option<f64>,
    load: Option<f64>,
    reports_ignored: u64,
}

impl Figures {
    fn add(&mut self, pool: &Pool, backend: &Backend, now: Tick) {
        let vitals = &backend.vitals;
        self.in_flight += u64::from(backend.in_flight());
        self.requests += vitals.requests_total();
        self.failures += vitals.failures_total();
        self.bad_answers += vitals.bad_answers_total();
        self.connects += vitals.connects_total();
        *self.standings.entry(backend.standing()).or_default() += 1;
        self.ejected += u64::from(backend.ejection().is_some());
        for (total, by) in self.ejections.iter_mut().zip(EjectedBy::ALL) {
            *total += vitals.ejections_total(by);
        }
        self.reports_ignored += backend.reports_ignored_total();
        self.add_room(pool, backend, now);
    }

    /// Limits add up; of what cannot be added, the highest is shown.
    fn add_room(&mut self, pool: &Pool, backend: &Backend, now: Tick) {
        if let Some(limit) = backend.limit() {
            *self.limit.get_or_insert(0) += u64::from(limit);
        }
        self.latency = self.latency.max(backend.vitals.latency(now));
        let slow_start = pool.plan().slow_start;
        if !slow_start.is_zero() {
            self.warmth = highest(self.warmth, backend.warmth_seen(now, slow_start));
        }
        if let Some(load) = backend.reported(now).and_then(|report| report.load) {
            self.load = highest(self.load, load);
        }
    }
}

fn highest(before: Option<f64>, now: f32) -> Option<f64> {
    let now = f64::from(now);
    Some(before.map_or(now, |before| before.max(now)))
}
