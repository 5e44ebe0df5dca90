//! `/metrics`: what the counters of the latest snapshot say, as text.
//!
//! Labels are names from the configuration or words from closed lists, never what a client sent. A cause has a line
//! from the first time it occurs.

mod backends;
mod certificates;
mod classic;
mod fleets;
mod listeners;
mod pools;
mod probes;
mod process;
mod registry;
mod routes;
mod sheet;
mod state;

use std::fmt;
use std::time::SystemTime;

use portreeve_model::Tick;
use portreeve_scaler::ScalerView;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use crate::{Registrar, View};
use sheet::Sheet;

/// Reads the counters anew for each scrape; keeps nothing itself.
pub(crate) struct Metrics(Registry);

impl Metrics {
    pub(crate) fn new(view: View, registrar: Option<Registrar>, scaler: Option<ScalerView>) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Everything {
            view,
            registrar,
            scaler,
        }));
        Self(registry)
    }

    /// The whole page.
    pub(crate) fn render(&self, form: Text) -> Result<String, fmt::Error> {
        let mut page = String::with_capacity(PAGE_BYTES_GUESS);
        text::encode(&mut page, &self.0)?;
        Ok(match form {
            Text::OpenMetrics => page,
            Text::Classic => classic::from_open_metrics(&page),
        })
    }
}

/// The two text forms that Prometheus knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// Exposition format 0.0.4, which every reader understands.
    Classic,
    /// OpenMetrics 1.0.0, when the reader asks for it.
    OpenMetrics,
}

impl Text {
    /// What the `Accept` field asks for. Prometheus names OpenMetrics only if it is to be preferred.
    pub(crate) fn preferred(accept: Option<&str>) -> Self {
        match accept.is_some_and(|text| text.contains("application/openmetrics-text")) {
            true => Self::OpenMetrics,
            false => Self::Classic,
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

#[derive(Debug)]
struct Everything {
    view: View,
    registrar: Option<Registrar>,
    scaler: Option<ScalerView>,
}

impl Collector for Everything {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let snapshot = self.view.snapshots.borrow().clone();
        let now = Tick::after_start(self.view.start.elapsed());
        let mut sheet = Sheet::new(encoder);
        routes::write(&mut sheet, &snapshot)?;
        listeners::write(&mut sheet, &snapshot)?;
        certificates::write(&mut sheet, &self.view.events.certificates(), SystemTime::now())?;
        backends::write(&mut sheet, &snapshot, now)?;
        pools::write(&mut sheet, &snapshot)?;
        fleets::write(&mut sheet, self.scaler.as_ref())?;
        probes::write(&mut sheet, self.registrar.as_ref())?;
        registry::write(&mut sheet, &snapshot, self.registrar.as_ref())?;
        state::write(&mut sheet, &self.view, &snapshot)?;
        process::write(&mut sheet)
    }
}

/// Room for a page of a small configuration; larger ones grow.
const PAGE_BYTES_GUESS: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Events, Readiness};
    use portreeve_model::plan::{Bind, ListenerPlan, Plan, PoolPlan, RoutePlan, Target, TargetAddress};
    use portreeve_model::{Ask, Cause, RequestOutcome, Resolved, Snapshot, Tried};
    use std::sync::Arc;
    use std::time::{Duration, Instant};
    use tokio::sync::watch;

    fn plan() -> Plan {
        let target = |text: &str| Target::new(TargetAddress::Unix(text.into()));
        Plan {
            listeners: vec![ListenerPlan::new(
                "web".into(),
                Bind::Tcp("127.0.0.1:0".parse().unwrap()),
            )],
            routes: vec![RoutePlan::all("shop".into(), "app".into())],
            pools: vec![PoolPlan {
                targets: vec![target("/run/\"a\".sock")],
                ..PoolPlan::empty("app".into())
            }],
            ..Plan::default()
        }
    }

    fn page_of(snapshot: Snapshot, form: Text) -> String {
        let view = View {
            snapshots: watch::channel(Arc::new(snapshot)).1,
            readiness: watch::channel(Readiness::Ready).1,
            events: Arc::new(Events::new(SystemTime::UNIX_EPOCH)),
            start: Instant::now(),
        };
        Metrics::new(view, None, None).render(form).unwrap()
    }

    #[track_caller]
    fn assert_line(page: &str, line: &str) {
        assert!(
            page.lines().any(|found| found == line),
            "no line {line} in:\n{page}"
        );
    }

    #[test]
    fn a_request_counts_in_its_class_its_cause_and_its_bucket() {
        let snapshot = Snapshot::build(&plan(), &Resolved::new(), None, 2);
        let outcome = RequestOutcome {
            status: 502,
            cause: Some(Cause::ConnectRefused),
            total: Duration::from_millis(3),
            bytes_in: 7,
            bytes_out: 9,
            attempts: 3,
            ..RequestOutcome::default()
        };
        snapshot.routes[0].stats.record(1, &outcome);

        let page = page_of(snapshot, Text::Classic);

        let of = "route=\"shop\",pool=\"app\"";
        assert_line(
            &page,
            &format!("portreeve_requests_total{{{of},class=\"5xx\"}} 1"),
        );
        assert_line(
            &page,
            &format!("portreeve_requests_total{{{of},class=\"2xx\"}} 0"),
        );
        assert_line(
            &page,
            &format!("portreeve_request_errors_total{{{of},cause=\"connect_refused\"}} 1"),
        );
        assert_line(
            &page,
            &format!("portreeve_request_bytes_total{{{of},direction=\"received\"}} 7"),
        );
        assert_line(
            &page,
            &format!("portreeve_request_bytes_total{{{of},direction=\"sent\"}} 9"),
        );
        assert_line(&page, &format!("portreeve_request_retries_total{{{of}}} 2"));
        assert_line(
            &page,
            &format!("portreeve_request_duration_seconds_bucket{{le=\"0.0025\",{of}}} 0"),
        );
        assert_line(
            &page,
            &format!("portreeve_request_duration_seconds_bucket{{le=\"0.005\",{of}}} 1"),
        );
        assert_line(
            &page,
            &format!("portreeve_request_duration_seconds_bucket{{le=\"+Inf\",{of}}} 1"),
        );
        assert_line(
            &page,
            &format!("portreeve_request_duration_seconds_count{{{of}}} 1"),
        );
        assert_line(
            &page,
            &format!("portreeve_request_duration_seconds_sum{{{of}}} 0.003"),
        );
    }

    #[test]
    fn connections_count_by_listener() {
        let snapshot = Snapshot::build(&plan(), &Resolved::new(), None, 1);
        let stats = &snapshot.listeners[0].stats;
        stats.opened(0);
        stats.opened(0);
        stats.closed(0);
        stats.refused(0, Cause::ListenerFull);

        let page = page_of(snapshot, Text::Classic);

        assert_line(&page, "portreeve_connections_open{listener=\"web\"} 1");
        assert_line(&page, "portreeve_connections_accepted_total{listener=\"web\"} 2");
        assert_line(
            &page,
            "portreeve_connections_refused_total{listener=\"web\",cause=\"listener_full\"} 1",
        );
    }

    #[test]
    fn a_lease_is_in_flight_and_an_odd_label_is_escaped() {
        let snapshot = Snapshot::build(&plan(), &Resolved::new(), None, 1);
        let ask = Ask {
            key: 0,
            dice: 0,
            tried: &Tried::default(),
            now: portreeve_model::Tick::default(),
            sticky: None,
        };
        let _lease = snapshot.pools[0].everyone().pick(&ask).unwrap();

        let page = page_of(snapshot, Text::Classic);

        let of = "pool=\"app\",backend=\"unix:/run/\\\"a\\\".sock\"";
        assert_line(&page, &format!("portreeve_backend_requests_in_flight{{{of}}} 1"));
        assert_line(&page, &format!("portreeve_backend_requests_total{{{of}}} 1"));
    }

    #[test]
    fn no_series_stands_on_the_page_twice() {
        let mut plan = plan();
        let host = |host: &str| {
            Target::new(TargetAddress::Host {
                host: host.to_owned(),
                port: 80,
            })
        };
        plan.pools[0].targets = vec![host("a.test"), host("b.test")];
        let mut resolved = Resolved::new();
        for host in ["a.test", "b.test"] {
            resolved.insert(
                host,
                vec!["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()],
            );
        }

        let page = page_of(Snapshot::build(&plan, &resolved, None, 1), Text::OpenMetrics);

        let mut series: Vec<_> = page
            .lines()
            .filter_map(|line| Some(line.rsplit_once(' ')?.0))
            .collect();
        let count = series.len();
        series.sort_unstable();
        series.dedup();
        assert_eq!(series.len(), count, "{page}");
    }
}
