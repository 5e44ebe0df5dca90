//! Twice as many requests as the backends can serve.

use std::time::Duration;

use portreeve_bench::Behaviour;

use super::backends::Backends;
use super::entrant::Entrant;
use super::open_load::{OpenLoad, Patience};
use super::trial::{Bench, Bound, Column, Figures, Trial, Unit};
use crate::contender::Contender;
use crate::fault::Fault;

pub(crate) static OVERLOAD: Trial = Trial {
    name: "overload",
    title: "twice the load that four backends of 16 slots and 200 ms can serve",
    note: "Requests come at half the capacity first, which is what p99 is compared with, then at twice the capacity, 640 a second. \
           Clients leave after a second, and the backends work on what is in their slots or in line all the same. Goodput is what \
           was served in time, from the first moment of the overload on. One nginx and one HAProxy are told that backends \
           have 16 slots; nginx has no line before them.",
    entrants: &[
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
    ],
    columns: &[
        Column::new(GOODPUT, Unit::Percent).target(Bound::AtLeast(0.9)),
        Column::new(UNLOADED, Unit::Millis),
        Column::new(P99, Unit::Millis),
        Column::new(TIMES, Unit::Ratio).target(Bound::AtMost(2.0)),
        Column::new(REFUSED, Unit::Percent),
        Column::new(REFUSED_P99, Unit::Millis),
        Column::new(GAVE_UP, Unit::Percent),
        Column::new(WORK, Unit::Ratio),
    ],
    run,
};

const GOODPUT: &str = "goodput of capacity";
const UNLOADED: &str = "p99 at half the capacity";
const P99: &str = "p99 of the served";
const TIMES: &str = "by the p99 at half";
const REFUSED: &str = "refused";
const REFUSED_P99: &str = "p99 of the refused";
const GAVE_UP: &str = "clients that left";
const WORK: &str = "requests at backends by those served";

fn run(entrant: &Entrant, bench: &Bench<'_>) -> Result<Figures, Fault> {
    let backends = Backends::start(bench.place, &[BEHAVIOUR; 4])?;
    let proxy = entrant.start(bench.place, &backends.addresses())?;
    let phases = [
        (CAPACITY / 2, bench.length.max(UNLOADED_MIN)),
        (2 * CAPACITY, 3 * bench.length),
    ];
    let [calm, busy] = OpenLoad::start(bench.place, proxy.address, PATIENCE, phases)?.finish()?;
    let received: u64 = backends.counts()?.iter().map(|counts| counts.received).sum();
    let capacity = f64::from(CAPACITY) * busy.length_us as f64 / 1e6;
    let of_sent = |count: u64| count as f64 / busy.sent as f64;
    Ok(Figures::from([
        (GOODPUT, busy.served_meanwhile as f64 / capacity),
        (UNLOADED, calm.p99_us as f64),
        (P99, busy.p99_us as f64),
        (TIMES, busy.p99_us as f64 / calm.p99_us as f64),
        (REFUSED, of_sent(busy.refused + busy.failed + busy.broken)),
        (REFUSED_P99, busy.refused_p99_us as f64),
        (GAVE_UP, of_sent(busy.gave_up)),
        (WORK, received as f64 / (calm.served + busy.served) as f64),
    ]))
}

const BEHAVIOUR: Behaviour = Behaviour {
    service_us: 200_000,
    slots: 16,
    outcome: portreeve_bench::Outcome::Served,
};
/// Of all four, in requests a second.
const CAPACITY: u32 = 320;
const PATIENCE: Patience = Patience(Duration::from_secs(1));
/// Enough for a 99th percentile.
const UNLOADED_MIN: Duration = Duration::from_secs(2);
