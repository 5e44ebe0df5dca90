//! One of four backends dies, or stands still, while requests go on.

use std::time::{Duration, Instant};

use portreeve_bench::Behaviour;

use super::backends::Backends;
use super::watch::{Seen, Watch, What};
use crate::contender::{Contender, Running};
use crate::entrant::Entrant;
use crate::fault::Fault;
use crate::open_load::{OpenLoad, Patience};
use crate::trial::{Bench, Bound, Column, Figures, Trial, Unit};

pub(crate) static KILLED: Trial = Trial {
    name: "killed",
    title: "one of four backends killed under 5,000 requests a second",
    note: "Backends take 2 ms. HAProxy probes each second, Portreeve and nginx learn it from requests. Connections made to the \
           dead backend are counted by the kernel on the way there: within 90 ms after the first refusal they are for \
           requests, later ones are probes too.",
    entrants: &[
        PORTREEVE,
        Entrant::new("nginx", Contender::Nginx, ""),
        PROBING_HAPROXY,
    ],
    columns: &[
        Column::new(SENT, Unit::Count),
        Column::new(UNSERVED, Unit::Count).target(Bound::AtMost(0.0)),
        Column::new(AT_ONCE, Unit::Count).target(Bound::AtMost(1.0)),
        Column::new(UNTIL, Unit::Millis),
        Column::new(LATER, Unit::Count),
        Column::new(P99, Unit::Millis),
    ],
    turns: 1,
    run: kill,
};

pub(crate) static STOPPED: Trial = Trial {
    name: "stopped",
    title: "one of four backends stopped (SIGSTOP) under 5,000 requests a second",
    note: "Backends take 2 ms, and clients leave after two seconds. A request has waited if it took more than 250 ms. What is sent \
           to the stopped backend is counted by the kernel on the way there.",
    entrants: &[
        PORTREEVE,
        Entrant::new(
            "portreeve, probed",
            Contender::Portreeve,
            "probe = { path = \"/small\", every = \"1s\" }",
        ),
        Entrant::new("nginx", Contender::Nginx, ""),
        PROBING_HAPROXY,
    ],
    columns: &[
        Column::new(SENT, Unit::Count),
        Column::new(IN_FLIGHT, Unit::Count),
        Column::new(SENT_AFTER, Unit::Count).target(Bound::AtMost(10.0)),
        Column::new(WAITED, Unit::Count),
        Column::new(BEYOND, Unit::Count).target(Bound::AtMost(10.0)),
        Column::new(UNSERVED, Unit::Count),
        Column::new(P99, Unit::Millis),
    ],
    turns: 1,
    run: stop,
};

const PORTREEVE: Entrant = Entrant::new("portreeve", Contender::Portreeve, "").judged();
const PROBING_HAPROXY: Entrant = Entrant::new(
    "haproxy, probing",
    Contender::Haproxy,
    "balance roundrobin\n    option httpchk GET /small",
)
.each("check inter 1s fall 2 rise 1");

const SENT: &str = "sent";
const UNSERVED: &str = "not served";
const AT_ONCE: &str = "sent to it after the first refusal";
const UNTIL: &str = "the last of these";
const LATER: &str = "connections to it in all";
const IN_FLIGHT: &str = "in flight when it stopped";
const SENT_AFTER: &str = "sent to it afterwards";
const WAITED: &str = "waited";
const BEYOND: &str = "waited beyond those in flight";
const P99: &str = "p99 of the served";

fn kill(entrant: &Entrant, bench: &Bench<'_>) -> Result<Figures, Fault> {
    let scene = Scene::start(entrant, bench)?;
    let killed = Instant::now();
    scene.backends.kill(VICTIM)?;
    let (after, seen) = (scene.load.finish()?[1], scene.watch.finish());
    let mut seen = seen.into_iter().filter(|seen| seen.at >= killed);
    let refused = seen.find(|seen| seen.what == What::Connect);
    let rest: Vec<Seen> = seen.collect();
    let since = |seen: &Seen| refused.map(|first| seen.at.saturating_duration_since(first.at));
    let at_once = rest
        .iter()
        .filter_map(since)
        .filter(|&since| since < BEFORE_PROBES);
    let last = at_once.clone().max().unwrap_or_default();
    let connects = rest.iter().filter(|seen| seen.what == What::Connect).count();
    Ok(Figures::from([
        (SENT, after.sent as f64),
        (UNSERVED, after.unserved() as f64),
        (AT_ONCE, at_once.count() as f64),
        (UNTIL, last.as_micros() as f64),
        (LATER, connects as f64 + f64::from(u8::from(refused.is_some()))),
        (P99, after.p99_us as f64),
    ]))
}

fn stop(entrant: &Entrant, bench: &Bench<'_>) -> Result<Figures, Fault> {
    let scene = Scene::start(entrant, bench)?;
    let stopped = scene.backends.stop(VICTIM);
    let (after, seen) = (scene.load.finish()?[1], scene.watch.finish());
    let counts = scene.backends.go_on(stopped)?;
    let sent = seen.iter().filter(|seen| seen.what == What::Request).count() as u64;
    let in_flight = counts.received - counts.done;
    let waited = after.gave_up + after.late;
    Ok(Figures::from([
        (SENT, after.sent as f64),
        (IN_FLIGHT, in_flight as f64),
        (SENT_AFTER, sent.saturating_sub(counts.received) as f64),
        (WAITED, waited as f64),
        (BEYOND, waited.saturating_sub(in_flight) as f64),
        (UNSERVED, after.unserved() as f64),
        (P99, after.p99_us as f64),
    ]))
}

/// Four backends, a proxy, and a load that has reached its second phase.
struct Scene {
    backends: Backends,
    watch: Watch,
    load: OpenLoad<2>,
    _proxy: Running,
}

impl Scene {
    fn start(entrant: &Entrant, bench: &Bench<'_>) -> Result<Scene, Fault> {
        let behaviour = Behaviour {
            service_us: 2000,
            ..Behaviour::default()
        };
        let backends = Backends::start(bench.place, &[behaviour; 4])?;
        let addresses = backends.addresses();
        let proxy = entrant.start(bench.place, &addresses)?;
        let watch = Watch::start(addresses[VICTIM])?;
        backends.behave(VICTIM, behaviour)?; // both count from 0 now
        let phases = [(RATE, WARM_UP), (RATE, 2 * bench.length)];
        let load = OpenLoad::start(bench.place, proxy.address, PATIENCE, phases)?;
        std::thread::sleep(WARM_UP + INTO_IT);
        Ok(Scene {
            backends,
            watch,
            load,
            _proxy: proxy,
        })
    }
}

/// Which backend has to suffer.
const VICTIM: usize = 3;
const RATE: u32 = 5000;
const WARM_UP: Duration = Duration::from_millis(500);
/// Of the second phase, before anything happens.
const INTO_IT: Duration = Duration::from_millis(300);
const PATIENCE: Patience = Patience(Duration::from_secs(2));
/// A probe may come 100 ms after the first refusal.
const BEFORE_PROBES: Duration = Duration::from_millis(90);
