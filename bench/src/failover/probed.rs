//! What it costs to probe many backends.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::backends::{counts_of, start_everywhere};
use crate::contender::Contender;
use crate::entrant::Entrant;
use crate::fault::Fault;
use crate::trial::{Bench, Bound, Column, Figures, Trial, Unit};

pub(crate) static PROBED: Trial = Trial {
    name: "probed",
    title: "500 backends probed each second, no requests",
    note: "CPU time of all threads of the proxy, as a share of one core. nginx without its commercial extension does not probe. HAProxy \
           aborts a connection before the backend has accepted it, so those are not counted.",
    entrants: &[
        Entrant::new(
            "portreeve, by GET",
            Contender::Portreeve,
            "probe = { path = \"/small\", every = \"1s\" }",
        )
        .judged(),
        Entrant::new(
            "portreeve, by connecting",
            Contender::Portreeve,
            "probe = { connect = true, every = \"1s\" }",
        )
        .judged(),
        Entrant::new("portreeve, not at all", Contender::Portreeve, ""),
        Entrant::new("haproxy, by GET", Contender::Haproxy, "option httpchk GET /small")
            .each("check inter 1s"),
        Entrant::new("haproxy, by connecting", Contender::Haproxy, "").each("check inter 1s"),
    ],
    columns: &[
        Column::new(CORE, Unit::Percent).target(Bound::AtMost(0.03)),
        Column::new(PROBES, Unit::Count),
        Column::new(EACH, Unit::Count),
    ],
    turns: 1,
    run,
};

const CORE: &str = "of a core";
const PROBES: &str = "connections a second";
const EACH: &str = "µs each";

fn run(entrant: &Entrant, bench: &Bench<'_>) -> Result<Figures, Fault> {
    let everywhere = start_everywhere(bench.place)?;
    let port = everywhere.address.port();
    let address = |number: u16| {
        let [high, low] = number.to_be_bytes();
        SocketAddr::from(([127, 0, 10 + high, low], port))
    };
    let addresses: Vec<SocketAddr> = (1..=BACKENDS).map(address).collect();
    let mut proxy = entrant.start(bench.place, &addresses)?;
    std::thread::sleep(SETTLE);
    let (start, before) = (
        Instant::now(),
        (proxy.process.core_time(), counts_of(&everywhere)?),
    );
    std::thread::sleep(bench.length.max(LENGTH_MIN));
    let (time, after) = (proxy.process.core_time(), counts_of(&everywhere)?);
    proxy.process.must_run()?;
    let seconds = start.elapsed().as_secs_f64();
    let used = time.since(before.0).used.as_secs_f64();
    // One connection is that which asks for the counts.
    let probes = after.connections.saturating_sub(before.1.connections + 1) as f64;
    let mut figures = Figures::from([(CORE, used / seconds), (PROBES, probes / seconds)]);
    if probes > 0.0 {
        figures.insert(EACH, used * 1e6 / probes);
    }
    Ok(figures)
}

const BACKENDS: u16 = 500;
/// Until all were probed at least twice, and the start is over.
const SETTLE: Duration = Duration::from_secs(3);
const LENGTH_MIN: Duration = Duration::from_secs(2);
