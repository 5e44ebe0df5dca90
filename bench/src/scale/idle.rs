//! What a hundred fleets cost that nobody asks for.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::scene::Scene;
use crate::contender::Contender;
use crate::entrant::Entrant;
use crate::fault::Fault;
use crate::process::{Cores, Process};
use crate::trial::{Bench, Bound, Column, Figures, Trial, Unit};

pub(crate) static IDLE: Trial = Trial {
    name: "idle100",
    title: "100 pools with a fleet each, evaluated each second, no requests",
    note: "Each fleet has four rules and `min = 0`; nothing runs. CPU time of all threads of the proxy over 20 s, as a share of one core; the \
           target is for all of it, not only for what the fleets add to the proxy without any. The `list` of `exec` is `true`, which \
           prints nothing; what such programs need themselves stands beside it.",
    entrants: &[
        Entrant::new(
            "portreeve, 100 of process",
            Contender::Portreeve,
            "driver = { process = [\"true\", \"{port}\"] }",
        )
        .judged(),
        Entrant::new(
            "portreeve, 100 of exec",
            Contender::Portreeve,
            "driver = { exec = { start = [\"true\"], stop = [\"true\"], list = [\"true\"] } }",
        )
        .judged(),
        Entrant::new("portreeve, 100 pools without", Contender::Portreeve, ""),
    ],
    columns: &[
        Column::new(CORE, Unit::Percent).target(Bound::AtMost(0.01)),
        Column::new(PROGRAMS, Unit::Percent),
    ],
    turns: 1,
    run,
};

const CORE: &str = "of a core";
const PROGRAMS: &str = "by programs that it starts";

fn run(entrant: &Entrant, bench: &Bench<'_>) -> Result<Figures, Fault> {
    let mut scene = Scene::start(bench, &pools(entrant.settings), Cores::First)?;
    std::thread::sleep(SETTLE);
    let times = |process: &Process| (process.core_time().used, process.ended_children_time());
    let (start, before) = (Instant::now(), times(&scene.proxy.process));
    std::thread::sleep(TIMES * bench.length);
    let after = times(&scene.proxy.process);
    let seconds = start.elapsed().as_secs_f64();
    scene.proxy.process.must_run()?;
    let share = |after: Duration, before: Duration| after.saturating_sub(before).as_secs_f64() / seconds;
    Ok(Figures::from([
        (CORE, share(after.0, before.0)),
        (PROGRAMS, share(after.1, before.1)),
    ]))
}

/// With this driver; without one, with a backend each that is never asked.
fn pools(driver: &str) -> String {
    let mut text = String::new();
    for number in 0..POOLS {
        let pool = format!("p{number}");
        let _ = writeln!(
            text,
            "[route.{pool}]\nhost = \"{pool}.test\"\npool = \"{pool}\"\n\n[pool.{pool}]"
        );
        let _ = match driver {
            "" => writeln!(text, "backends = [\"127.0.0.1:9\"]\n"),
            driver => writeln!(text, "\n[pool.{pool}.scale]\n{driver}\n{RULES}\n"),
        };
    }
    text
}

const POOLS: usize = 100;
const RULES: &str = "min = 0\nmax = 10\nevery = \"1s\"\n\
     target = { in_flight_per_backend = 20, requests_per_backend = 100, p95 = \"250ms\", hold_age = \"500ms\" }";
/// Until the start is over.
const SETTLE: Duration = Duration::from_secs(2);
/// Of a measurement's length.
const TIMES: u32 = 5;
