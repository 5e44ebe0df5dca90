//! Twice as many requests as the backends can serve.

use std::time::Duration;

use portreeve_bench::{Behaviour, Outcome, Phase};

use super::backends::Backends;
use crate::contender::Contender;
use crate::entrant::Entrant;
use crate::fault::Fault;
use crate::open_load::{OpenLoad, Patience};
use crate::trial::{Bench, Bound, Column, Figures, Trial, Unit};

pub(crate) static OVERLOAD: Trial = Trial {
    name: "overload",
    title: "twice the load that four backends of 16 slots and 200 ms can serve",
    note: "Requests come at half the capacity first, which is what p99 is compared with, then at twice the capacity, 640 a second: the \
           first third of that is the onset. Clients leave after five seconds. Goodput is what was served in time, from the first moment \
           of the overload on. One nginx and one HAProxy are told that backends have 16 slots; nginx has no line before them.",
    entrants: ENTRANTS,
    columns: COLUMNS,
    turns: 1,
    run: |entrant, bench| run(entrant, bench, Duration::from_secs(5)),
};

pub(crate) static IMPATIENT: Trial = Trial {
    name: "impatient",
    title: "the same overload, with clients that leave after a second",
    note: "The backends work on what is in their slots or in line although its client has left, so whoever lets requests queue there has \
           them work for nobody.",
    entrants: ENTRANTS,
    columns: COLUMNS,
    turns: 1,
    run: |entrant, bench| run(entrant, bench, Duration::from_secs(1)),
};

const ENTRANTS: &[Entrant] = &[
    Entrant::new("portreeve", Contender::Portreeve, "").judged(),
    Entrant::new(
        "portreeve, unlimited",
        Contender::Portreeve,
        "in_flight = \"unlimited\"",
    ),
    Entrant::new("nginx", Contender::Nginx, ""),
    Entrant::new("nginx, max_conns=16", Contender::Nginx, "").each("max_conns=16"),
    Entrant::new("haproxy", Contender::Haproxy, "balance leastconn"),
    Entrant::new(
        "haproxy, maxconn 16",
        Contender::Haproxy,
        "balance leastconn\n    timeout queue 50ms",
    )
    .each("maxconn 16"),
];

const COLUMNS: &[Column] = &[
    Column::new(GOODPUT, Unit::Percent).target(Bound::AtLeast(0.9)),
    Column::new(UNLOADED, Unit::Millis),
    Column::new(ONSET, Unit::Millis),
    Column::new(P99, Unit::Millis),
    Column::new(TIMES, Unit::Ratio).target(Bound::AtMost(2.0)),
    Column::new(REFUSED, Unit::Percent),
    Column::new(REFUSED_P99, Unit::Millis),
    Column::new(GAVE_UP, Unit::Percent),
    Column::new(WORK, Unit::Ratio),
];

const GOODPUT: &str = "goodput of capacity";
const UNLOADED: &str = "p99 at half the capacity";
const ONSET: &str = "p99 of the served at the onset";
const P99: &str = "p99 of the served after it";
const TIMES: &str = "the latter by that at half";
const REFUSED: &str = "refused";
const REFUSED_P99: &str = "p99 of the refused";
const GAVE_UP: &str = "clients that left";
const WORK: &str = "requests at backends by those served";

fn run(entrant: &Entrant, bench: &Bench<'_>, patience: Duration) -> Result<Figures, Fault> {
    let backends = Backends::start(bench.place, &[BEHAVIOUR; 4])?;
    let proxy = entrant.start(bench.place, &backends.addresses())?;
    let phases = [
        (CAPACITY / 2, bench.length.max(UNLOADED_MIN)),
        (2 * CAPACITY, bench.length),
        (2 * CAPACITY, 2 * bench.length),
    ];
    let load = OpenLoad::start(bench.place, proxy.address, Patience(patience), phases)?;
    let [calm, onset, busy] = load.finish()?;
    let received: u64 = backends.counts()?.iter().map(|counts| counts.received).sum();
    let both = |count: fn(&Phase) -> u64| (count(&onset) + count(&busy)) as f64;
    let capacity = f64::from(CAPACITY) * both(|phase| phase.length_us) / 1e6;
    let of_sent = |count: fn(&Phase) -> u64| both(count) / both(|phase| phase.sent);
    let mut figures = Figures::from([
        (GOODPUT, both(|phase| phase.served_meanwhile) / capacity),
        (UNLOADED, calm.p99_us as f64),
        (
            REFUSED,
            of_sent(|phase| phase.refused + phase.failed + phase.broken),
        ),
        (REFUSED_P99, busy.refused_p99_us as f64),
        (GAVE_UP, of_sent(|phase| phase.gave_up)),
        (
            WORK,
            received as f64 / (calm.served as f64 + both(|phase| phase.served)),
        ),
    ]);
    // Where nothing is served, nothing is quick.
    if onset.served > 0 {
        figures.insert(ONSET, onset.p99_us as f64);
    }
    if busy.served > 0 {
        figures.insert(P99, busy.p99_us as f64);
        figures.insert(TIMES, busy.p99_us as f64 / calm.p99_us as f64);
    }
    Ok(figures)
}

const BEHAVIOUR: Behaviour = Behaviour {
    service_us: 200_000,
    slots: 16,
    outcome: Outcome::Served,
};
/// Of all four, in requests a second.
const CAPACITY: u32 = 320;
/// Enough for a 99th percentile.
const UNLOADED_MIN: Duration = Duration::from_secs(2);
