//! One request to a pool where nobody runs.

use std::time::{Duration, Instant};

use portreeve_bench::Client;

use super::app::App;
use super::scene::Scene;
use crate::contender::Contender;
use crate::entrant::Entrant;
use crate::fault::Fault;
use crate::process::Cores;
use crate::trial::{Bench, Bound, Column, Figures, Trial, Unit};

pub(crate) static WAKE: Trial = Trial {
    name: "wake",
    title: "one request wakes a pool at zero",
    note: "The app listens 100 ms after its start. Its own start is from then until it has answered one request, with nobody between; \
           what is added is the time until the woken pool's answer, less that of the own start just before it. The first wake is that of \
           a proxy just started; the later one comes after the pool has shrunk to zero again. Nothing else outside Kubernetes starts its \
           backends so, so nobody stands beside it.",
    entrants: &[
        Entrant::new("portreeve", Contender::Portreeve, "").judged(),
        Entrant::new(
            "portreeve, probing by GET",
            Contender::Portreeve,
            "probe = { path = \"/small\", every = \"1s\" }",
        )
        .judged(),
    ],
    columns: &[
        Column::new(OWN, Unit::Millis),
        Column::new(ANSWERED, Unit::Millis),
        Column::new(FIRST, Unit::Millis).target(ADDED_MAX),
        Column::new(LATER, Unit::Millis).target(ADDED_MAX),
    ],
    turns: 4,
    run,
};

const OWN: &str = "the app's own start";
const ANSWERED: &str = "answered after";
const FIRST: &str = "added, first wake";
const LATER: &str = "added, later wake";
/// In microseconds.
const ADDED_MAX: Bound = Bound::AtMost(20_000.0);

fn run(entrant: &Entrant, bench: &Bench<'_>) -> Result<Figures, Fault> {
    let driver = APP.driver(bench.place);
    let pools = format!(
        "[route.default]\npool = \"app\"\n\n[pool.app]\n{}\n\n[pool.app.scale]\n{driver}\nmin = 0\nmax = 1\nevery = \"1s\"\nidle = \"1s\"\n",
        entrant.settings
    );
    let mut scene = Scene::start(bench, &pools, Cores::Both)?;
    let first = Woken::look(&scene, bench)?;
    scene.admin.until_empty()?;
    let later = Woken::look(&scene, bench)?;
    scene.proxy.process.must_run()?;
    Ok(Figures::from([
        (OWN, micros(later.own)),
        (ANSWERED, micros(later.answered)),
        (FIRST, first.added_us()),
        (LATER, later.added_us()),
    ]))
}

struct Woken {
    own: Duration,
    answered: Duration,
}

impl Woken {
    fn look(scene: &Scene, bench: &Bench<'_>) -> Result<Woken, Fault> {
        let own = APP.own_start(bench.place)?;
        std::thread::sleep(PAUSE);
        let start = Instant::now();
        let answer = Client::new(scene.proxy.address).ask("GET", "/small", "", "");
        let (answer, answered) = (answer.map_err(Fault::io("waking the pool"))?, start.elapsed());
        match answer.status {
            200 => Ok(Woken { own, answered }),
            other => Err(Fault::Program(format!("the wake was answered with {other}"))),
        }
    }

    fn added_us(&self) -> f64 {
        micros(self.answered) - micros(self.own)
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

const APP: App = App {
    pause: Duration::from_millis(100),
    service: Duration::ZERO,
};
/// For what the app that was started by itself leaves behind.
const PAUSE: Duration = Duration::from_millis(100);
