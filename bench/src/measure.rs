//! One scenario: every contender in every round, in turns.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use crate::contender::{Contender, Place, Running, start_origin};
use crate::fault::Fault;
use crate::load;
use crate::plan::Plan;
use crate::process::{Cores, Process};
use crate::results::Measured;
use crate::scenario::{Load, Scenario, Work};
use crate::suite::{Pace, Suite};
use crate::turns::{in_turns, under};

/// Measures a scenario as planned.
pub(crate) fn scenario(scenario: &Scenario, plan: &Plan, place: &Place) -> Result<Measured, Fault> {
    println!("== {}: {}", scenario.name, scenario.title);
    let pace = plan.pace(Suite::Http1);
    let suits = |contender: &&Contender| **contender != Contender::Relay || scenario.suits_relay();
    let contenders: Vec<Contender> = plan.contenders.iter().filter(suits).copied().collect();
    match scenario.work {
        Work::Load(load) => loaded(
            &load,
            &[1],
            &contenders,
            &Bench {
                pace,
                place,
                is_pinned: true,
            },
        ),
        Work::Scaling(load) => loaded(
            &load,
            &[1, 2],
            &contenders,
            &Bench {
                pace,
                place,
                is_pinned: false,
            },
        ),
        Work::Idle { connections } => idle(connections, &contenders, plan, place),
    }
}

struct Bench<'a> {
    pace: Pace,
    place: &'a Place,
    is_pinned: bool,
}

impl Bench<'_> {
    fn proxy(&self) -> Cores {
        if self.is_pinned { Cores::First } else { Cores::Both }
    }

    fn rest(&self) -> Cores {
        if self.is_pinned {
            Cores::Second
        } else {
            Cores::Both
        }
    }
}

/// A contender with a number of workers, running.
struct Entrant {
    name: String,
    running: Running,
}

/// All entrants run at once, but only one is under load at a time; an idle one costs nothing.
fn loaded(
    load: &Load,
    threads: &[usize],
    contenders: &[Contender],
    bench: &Bench<'_>,
) -> Result<Measured, Fault> {
    let origin = start_origin(bench.place, bench.rest())?;
    let mut entrants = Vec::new();
    for &contender in contenders {
        for &threads_of_it in threads {
            let running = contender.start(bench.place, origin.address, threads_of_it, bench.proxy())?;
            let name = if threads.len() == 1 {
                contender.name().to_owned()
            } else {
                worker_name(contender, threads_of_it)
            };
            entrants.push(Entrant { name, running });
        }
    }
    for entrant in &entrants {
        load::run(load, entrant.running.address, WARM_UP, bench.rest())?;
    }
    let samples = in_turns(
        bench.pace.rounds,
        &mut entrants,
        |entrant| &entrant.name,
        |entrant| {
            let Running { process, address } = &mut entrant.running;
            let run = || load::run(load, *address, bench.pace.length, bench.rest());
            under(process, run, Duration::ZERO)
        },
    )?;
    Ok(Measured {
        seconds: bench.pace.length.as_secs(),
        load: samples,
        ..Measured::default()
    })
}

/// The name of a contender with several workers.
pub(crate) fn worker_name(contender: Contender, threads: usize) -> String {
    format!("{} x{threads}", contender.name())
}

/// Each contender is started anew for each round, so that no memory of an earlier one is at hand.
fn idle(connections: usize, contenders: &[Contender], plan: &Plan, place: &Place) -> Result<Measured, Fault> {
    let origin = start_origin(place, Cores::Second)?;
    let mut measured = Measured::default();
    for round in 1..=plan.pace(Suite::Http1).rounds {
        for &contender in contenders {
            let running = contender.start(place, origin.address, 1, Cores::First)?;
            let bytes = bytes_per_connection(&running, connections, place).map_err(|fault| {
                Fault::Program(format!(
                    "{} with {connections} clients: {fault}",
                    contender.name()
                ))
            })?;
            println!("  {round} {:<12} {bytes:>8.0} bytes/connection", contender.name());
            measured
                .memory
                .entry(contender.name().to_owned())
                .or_default()
                .push(bytes);
        }
    }
    Ok(measured)
}

fn bytes_per_connection(running: &Running, connections: usize, place: &Place) -> Result<f64, Fault> {
    drop(hold(running.address, WARM_UP_CONNECTIONS, place)?);
    std::thread::sleep(SETTLE);
    let before = running.process.memory_bytes();
    let held = hold(running.address, connections, place)?;
    std::thread::sleep(SETTLE);
    let after = running.process.memory_bytes();
    drop(held);
    Ok(after.saturating_sub(before) as f64 / connections as f64)
}

/// Returns once all connections are held; they are for as long as the process lives.
fn hold(proxy: SocketAddr, connections: usize, place: &Place) -> Result<Process, Fault> {
    let mut command = Command::new(place.programs.join("bench-idle"));
    command.args([proxy.to_string(), connections.to_string()]);
    let mut process = Process::start("bench-idle", Cores::Second, &command)?;
    process.line()?;
    Ok(process)
}

const WARM_UP: Duration = Duration::from_secs(1);
/// Enough to touch every code path; its memory is at most 1 % of what is measured.
const WARM_UP_CONNECTIONS: usize = 50;
/// For proxies that give buffers back some time after a connection has become idle.
const SETTLE: Duration = Duration::from_millis(1500);
