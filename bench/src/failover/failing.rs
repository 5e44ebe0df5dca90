//! Backends that all fail: how much more they get because of retries.

use std::time::Duration;

use portreeve_bench::{Behaviour, Outcome};

use super::backends::Backends;
use crate::contender::Contender;
use crate::entrant::Entrant;
use crate::fault::Fault;
use crate::open_load::{OpenLoad, Patience};
use crate::trial::{Bench, Bound, Column, Figures, Trial, Unit};

pub(crate) static FAILING: Trial = Trial {
    name: "failing",
    title: "four backends that answer 500, 1,000 requests a second, retried on that status",
    note: "All backends are well for half a second and then fail at once.",
    entrants: &[
        Entrant::new("portreeve", Contender::Portreeve, RETRY_500).judged(),
        Entrant::new(
            "portreeve, no ejection",
            Contender::Portreeve,
            RETRY_500_NO_EJECTION,
        )
        .judged(),
        Entrant::new("nginx", Contender::Nginx, "").retrying("http_500"),
        Entrant::new("haproxy", Contender::Haproxy, "balance roundrobin").retrying("500"),
    ],
    columns: COLUMNS,
    turns: 1,
    run: |entrant, bench| run(entrant, bench, Outcome::Failed),
};

pub(crate) static RESETTING: Trial = Trial {
    name: "resetting",
    title: "four backends that reset the connection after each request, 1,000 requests a second",
    note: "All backends are well for half a second and then fail at once.",
    entrants: &[
        Entrant::new("portreeve", Contender::Portreeve, "").judged(),
        Entrant::new("portreeve, no ejection", Contender::Portreeve, "ejection = false").judged(),
        Entrant::new("nginx", Contender::Nginx, ""),
        Entrant::new("haproxy", Contender::Haproxy, "balance roundrobin"),
    ],
    columns: COLUMNS,
    turns: 1,
    run: |entrant, bench| run(entrant, bench, Outcome::Reset),
};

const RETRY_500: &str = "retry = { status = 500 }";
const RETRY_500_NO_EJECTION: &str = "ejection = false\nretry = { status = 500 }";

const COLUMNS: &[Column] = &[
    Column::new(RECEIVED, Unit::Count),
    Column::new(SENT_ON, Unit::Count),
    Column::new(RATIO, Unit::Ratio).target(Bound::AtMost(1.2)),
    Column::new(P99_REFUSED, Unit::Millis),
    Column::new(GAVE_UP, Unit::Count),
];

const RECEIVED: &str = "requests received";
const SENT_ON: &str = "requests at backends";
const RATIO: &str = "ratio";
const P99_REFUSED: &str = "p99 of refusals";
const GAVE_UP: &str = "without any answer";

fn run(entrant: &Entrant, bench: &Bench<'_>, outcome: Outcome) -> Result<Figures, Fault> {
    let well = Behaviour::default();
    let backends = Backends::start(bench.place, &[well; 4])?;
    let proxy = entrant.start(bench.place, &backends.addresses())?;
    let load = |length| OpenLoad::start(bench.place, proxy.address, PATIENCE, [(RATE, length)])?.finish();
    load(WARM_UP)?;
    for number in 0..4 {
        backends.behave(number, Behaviour { outcome, ..well })?; // it counts from 0 again
    }
    let [phase] = load(2 * bench.length)?;
    let at_backends: u64 = backends.counts()?.iter().map(|counts| counts.received).sum();
    Ok(Figures::from([
        (RECEIVED, phase.sent as f64),
        (SENT_ON, at_backends as f64),
        (RATIO, at_backends as f64 / phase.sent as f64),
        (P99_REFUSED, phase.refused_p99_us as f64),
        (GAVE_UP, phase.gave_up as f64),
    ]))
}

const RATE: u32 = 1000;
const WARM_UP: Duration = Duration::from_millis(500);
const PATIENCE: Patience = Patience(Duration::from_secs(2));
