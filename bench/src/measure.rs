//! One scenario: every contender in every round, in turns.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use crate::contender::{Contender, Place, Running, start_origin};
use crate::fault::Fault;
use crate::load;
use crate::machine;
use crate::plan::Plan;
use crate::process::{Cores, Process};
use crate::results::{LoadSample, Measured};
use crate::scenario::{Load, Scenario, Work};

/// Measures a scenario as planned.
pub(crate) fn scenario(scenario: &Scenario, plan: &Plan, place: &Place) -> Result<Measured, Fault> {
    println!("== {}: {}", scenario.name, scenario.title);
    let suits = |contender: &&Contender| **contender != Contender::Relay || scenario.suits_relay();
    let contenders: Vec<Contender> = plan.contenders.iter().filter(suits).copied().collect();
    let mut measured = match scenario.work {
        Work::Load(load) => loaded(
            &load,
            &[1],
            &contenders,
            &Bench {
                plan,
                place,
                is_pinned: true,
            },
        ),
        Work::Scaling(load) => loaded(
            &load,
            &[1, 2],
            &contenders,
            &Bench {
                plan,
                place,
                is_pinned: false,
            },
        ),
        Work::Idle { connections } => idle(connections, &contenders, plan, place),
    }?;
    measured.day = machine::day();
    measured.commit = machine::commit();
    Ok(measured)
}

struct Bench<'a> {
    plan: &'a Plan,
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
    let mut measured = Measured {
        seconds: bench.plan.length.as_secs(),
        ..Measured::default()
    };
    for round in 1..=bench.plan.rounds {
        for entrant in &mut entrants {
            let sample = sample(load, &mut entrant.running, bench)?;
            print(round, &entrant.name, &sample);
            measured
                .load
                .entry(entrant.name.clone())
                .or_default()
                .push(sample);
        }
        entrants.rotate_left(1); // nobody is always the one after the same other
    }
    Ok(measured)
}

/// The name of a contender with several workers.
pub(crate) fn worker_name(contender: Contender, threads: usize) -> String {
    format!("{} x{threads}", contender.name())
}

fn sample(load: &Load, running: &mut Running, bench: &Bench<'_>) -> Result<LoadSample, Fault> {
    let before = running.process.core_time();
    let counted = load::run(load, running.address, bench.plan.length, bench.rest())?;
    let time = running.process.core_time().since(before);
    running.process.must_run()?;
    Ok(LoadSample {
        cpu_us: time.used.as_secs_f64() * 1e6 / counted.requests.max(1) as f64,
        waited: time.waited.as_secs_f64() / time.used.as_secs_f64().max(f64::MIN_POSITIVE),
        requests_per_second: counted.requests_per_second(),
        p50_us: counted.p50_us,
        p99_us: counted.p99_us,
        p999_us: counted.p999_us,
        requests: counted.requests,
        errors: counted.errors(),
    })
}

fn print(round: usize, name: &str, sample: &LoadSample) {
    let LoadSample {
        cpu_us,
        waited,
        requests_per_second,
        p50_us,
        p99_us,
        p999_us,
        errors,
        ..
    } = sample;
    println!(
        "  {round} {name:<12} {cpu_us:>8.2} us/request {requests_per_second:>8.0}/s  \
         p50 {p50_us:>6} p99 {p99_us:>6} p99.9 {p999_us:>6} us  waited {:>3.0} %{}",
        waited * 100.0,
        if *errors > 0 {
            format!("  {errors} ERRORS")
        } else {
            String::new()
        }
    );
}

/// Each contender is started anew for each round, so that no memory of an earlier one is at hand.
fn idle(connections: usize, contenders: &[Contender], plan: &Plan, place: &Place) -> Result<Measured, Fault> {
    let origin = start_origin(place, Cores::Second)?;
    let mut measured = Measured::default();
    for round in 1..=plan.rounds {
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
