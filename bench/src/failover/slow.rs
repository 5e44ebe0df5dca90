//! Backends that are all the same, and one that is ten times slower than the others.

use std::time::Duration;

use portreeve_bench::Behaviour;

use super::backends::Backends;
use crate::contender::Contender;
use crate::entrant::Entrant;
use crate::fault::Fault;
use crate::open_load::{OpenLoad, Patience};
use crate::trial::{Bench, Bound, Column, Figures, Trial, Unit};

pub(crate) static SLOW: Trial = Trial {
    name: "slow",
    title: "one of four backends ten times slower, 2,000 requests a second",
    note: "Three backends take 5 ms, one takes 50 ms, each for any number of requests at once. Ejection by latency is off here, \
           since it would take the slow one out altogether.",
    entrants: &[
        Entrant::new(
            "portreeve, round-robin",
            Contender::Portreeve,
            NO_LATENCY_EJECTION,
        ),
        Entrant::new("portreeve, two-choices", Contender::Portreeve, TWO_CHOICES),
        Entrant::new("portreeve, peak-ewma", Contender::Portreeve, PEAK_EWMA).judged(),
        Entrant::new("portreeve, least-requests", Contender::Portreeve, LEAST_REQUESTS),
        Entrant::new("portreeve, prequal", Contender::Portreeve, PREQUAL),
        Entrant::new("nginx, round robin", Contender::Nginx, ""),
        Entrant::new("nginx, random two", Contender::Nginx, "random two least_conn;"),
        Entrant::new("nginx, least_conn", Contender::Nginx, "least_conn;"),
        Entrant::new("haproxy, roundrobin", Contender::Haproxy, "balance roundrobin"),
        Entrant::new("haproxy, random(2)", Contender::Haproxy, "balance random(2)"),
        Entrant::new("haproxy, leastconn", Contender::Haproxy, "balance leastconn"),
    ],
    columns: &[
        Column::new(P50, Unit::Millis),
        Column::new(P99, Unit::Millis),
        Column::new(OF_ROUND_ROBIN, Unit::Ratio)
            .of_first(P99)
            .target(Bound::AtMost(1.0 / 3.0)),
        Column::new(SHARE, Unit::Percent),
        Column::new(UNSERVED, Unit::Count),
    ],
    turns: 1,
    run: |entrant, bench| run(entrant, bench, 50_000, 2000),
};

pub(crate) static EQUAL: Trial = Trial {
    name: "equal",
    title: "four equal backends, 5,000 requests a second",
    note: "Backends take 5 ms. The spread is how far the backend farthest from a quarter of the requests is from it. Choosing by \
           chance alone has one too: about 3.5 % of 5,000 requests and 1.2 % of 40,000.",
    entrants: &[
        Entrant::new("portreeve, round-robin", Contender::Portreeve, "").judged(),
        Entrant::new(
            "portreeve, two-choices",
            Contender::Portreeve,
            "balance = \"two-choices\"",
        )
        .judged(),
        Entrant::new(
            "portreeve, peak-ewma",
            Contender::Portreeve,
            "balance = \"peak-ewma\"",
        )
        .judged(),
        Entrant::new(
            "portreeve, least-requests",
            Contender::Portreeve,
            "balance = \"least-requests\"",
        )
        .judged(),
        Entrant::new(
            "portreeve, prequal",
            Contender::Portreeve,
            "balance = \"prequal\"",
        )
        .judged(),
        Entrant::new("nginx, round robin", Contender::Nginx, ""),
        Entrant::new("nginx, random two", Contender::Nginx, "random two least_conn;"),
        Entrant::new("haproxy, roundrobin", Contender::Haproxy, "balance roundrobin"),
        Entrant::new("haproxy, random(2)", Contender::Haproxy, "balance random(2)"),
    ],
    columns: &[
        Column::new(SPREAD, Unit::Percent).target(Bound::AtMost(0.05)),
        Column::new(P50, Unit::Millis),
        Column::new(P99, Unit::Millis),
        Column::new(UNSERVED, Unit::Count),
    ],
    turns: 1,
    run: |entrant, bench| run(entrant, bench, 5_000, 5000),
};

const NO_LATENCY_EJECTION: &str = "ejection = { latency_factor = \"off\" }";
const TWO_CHOICES: &str = "balance = \"two-choices\"\nejection = { latency_factor = \"off\" }";
const PEAK_EWMA: &str = "balance = \"peak-ewma\"\nejection = { latency_factor = \"off\" }";
const LEAST_REQUESTS: &str = "balance = \"least-requests\"\nejection = { latency_factor = \"off\" }";
const PREQUAL: &str = "balance = \"prequal\"\nejection = { latency_factor = \"off\" }";

const P50: &str = "p50";
pub(super) const P99: &str = "p99";
pub(super) const OF_ROUND_ROBIN: &str = "p99 of round robin's";
const SHARE: &str = "requests to the last backend";
const SPREAD: &str = "spread";
const UNSERVED: &str = "not served";

/// Four backends of 5 ms, or three of them and one of another time.
fn run(entrant: &Entrant, bench: &Bench<'_>, last_us: u64, rate: u32) -> Result<Figures, Fault> {
    let behaviours = [5_000, 5_000, 5_000, last_us].map(|service_us| Behaviour {
        service_us,
        ..Behaviour::default()
    });
    let backends = Backends::start(bench.place, &behaviours)?;
    let proxy = entrant.start(bench.place, &backends.addresses())?;
    let load = |length| OpenLoad::start(bench.place, proxy.address, PATIENCE, [(rate, length)])?.finish();
    load(WARM_UP)?;
    for (number, &behaviour) in behaviours.iter().enumerate() {
        backends.behave(number, behaviour)?; // it counts from 0 again
    }
    let [phase] = load(bench.length)?;
    let received = backends
        .counts()?
        .into_iter()
        .map(|counts| counts.received as f64);
    let received: Vec<f64> = received.collect();
    let sum: f64 = received.iter().sum();
    let quarter = sum / received.len() as f64;
    let spread = received
        .iter()
        .map(|got| (got / quarter - 1.0).abs())
        .fold(0.0, f64::max);
    Ok(Figures::from([
        (P50, phase.p50_us as f64),
        (P99, phase.p99_us as f64),
        (SHARE, received[3] / sum),
        (SPREAD, spread),
        (UNSERVED, phase.unserved() as f64),
    ]))
}

const WARM_UP: Duration = Duration::from_secs(1);
const PATIENCE: Patience = Patience(Duration::from_secs(2));
