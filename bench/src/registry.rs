//! The suite registry: a pool with six backends of three policies beside one with 10,000 of 1,000, all registered over the
//! real API.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use crate::contender::{Contender, Place, Running, Special, start_origin_everywhere};
use crate::fault::Fault;
use crate::load;
use crate::process::{Cores, Process, pinned};
use crate::results::{Measured, TimeSample};
use crate::scenario::{Kind, Load};
use crate::suite::Pace;
use crate::turns::{in_turns, under};

pub(crate) const NAME: &str = "registry";
pub(crate) const TITLE: &str = "10,000 backends in 1,000 policies";

/// What is done to the two pools, by the names that results have.
pub(crate) const FEW: &str = "6 backends in 3 policies";
pub(crate) const MANY: &str = "10,000 in 1,000, the same 3 asked for";
pub(crate) const ALL: &str = "10,000 in 1,000, all asked for in turn";
pub(crate) const BEATS: &str = "heartbeats, 64 connections";
pub(crate) const LONE_BEATS: &str = "heartbeats, 1 connection";
pub(crate) const ANSWERED: &str = "the PUT is answered";
pub(crate) const SERVED: &str = "the first request is served";

/// From the PUT until the first request is served, p99.
pub(crate) const SERVED_US_MAX: f64 = 5000.0;
/// Of all threads.
pub(crate) const HEARTBEAT_US_MAX: f64 = 20.0;

/// Measures all of it in turns.
pub(crate) fn measure(pace: Pace, place: &Place) -> Result<Measured, Fault> {
    println!("== {NAME}: {TITLE}");
    let origin = start_origin_everywhere(place, Cores::Second)?;
    let port = origin.address.port();
    let mut few = filled("registry-few", [6, 3], port, place)?;
    let mut many = filled("registry-many", [10_000, 1_000], port, place)?;
    for turn in &TURNS {
        turn.run(if turn.is_of_few { &few } else { &many }, WARM_UP)?;
    }
    let mut turns: Vec<&Turn> = TURNS.iter().collect();
    let mut measured = Measured {
        seconds: pace.length.as_secs(),
        ..Measured::default()
    };
    for _ in 0..pace.rounds {
        watch(&mut measured, many.address, port, place)?;
    }
    measured.load = in_turns(
        pace.rounds,
        &mut turns,
        |turn| turn.name,
        |turn| {
            let running = if turn.is_of_few { &mut few } else { &mut many };
            let Running { process, address } = running;
            let load = || load::run(&turn.load, *address, pace.length, Cores::Second);
            under(process, load, Duration::ZERO)
        },
    )?;
    Ok(measured)
}

/// A load on one of the two pools.
struct Turn {
    name: &'static str,
    is_of_few: bool,
    load: Load,
}

static TURNS: [Turn; 5] = [
    Turn {
        name: FEW,
        is_of_few: true,
        load: demanding(3),
    },
    Turn {
        name: MANY,
        is_of_few: false,
        load: demanding(3),
    },
    Turn {
        name: ALL,
        is_of_few: false,
        load: demanding(1_000),
    },
    Turn {
        name: BEATS,
        is_of_few: false,
        load: beating(64),
    },
    Turn {
        name: LONE_BEATS,
        is_of_few: false,
        load: beating(1),
    },
];

impl Turn {
    fn run(&self, running: &Running, length: Duration) -> Result<(), Fault> {
        load::run(&self.load, running.address, length, Cores::Second)?;
        Ok(())
    }
}

const fn demanding(policies: usize) -> Load {
    Load {
        connections: 64,
        path: "/small",
        kind: Kind::Demanding(policies),
        fields: &[],
    }
}

const fn beating(connections: usize) -> Load {
    Load {
        connections,
        path: "/v1/pools/api/backends",
        kind: Kind::Heartbeats(10_000),
        fields: &[],
    }
}

/// A proxy with as many backends in as many policies, all of them serving.
fn filled(name: &'static str, numbers: [usize; 2], port: u16, place: &Place) -> Result<Running, Fault> {
    let special = Special {
        contender: Contender::Portreeve,
        name,
        template: include_str!("contender/registry.toml"),
        threads: 1,
        cores: Cores::First,
    };
    let running = special.start(place, SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let mut command = registry(place, "fill", running.address, port);
    command.args(numbers.map(|number| number.to_string()));
    Process::start("bench-registry", Cores::Second, &command)?.line()?;
    Ok(running)
}

#[derive(Deserialize)]
struct Watched {
    answered: TimeSample,
    served: TimeSample,
}

fn watch(measured: &mut Measured, proxy: SocketAddr, port: u16, place: &Place) -> Result<(), Fault> {
    let mut command = registry(place, "watch", proxy, port);
    command.arg(WATCHED.to_string());
    let output = pinned(Cores::Second, &command)
        .output()
        .map_err(Fault::io("starting bench-registry"))?;
    let Watched { answered, served } = serde_json::from_slice(&output.stdout)
        .map_err(|_| Fault::Program(format!("bench-registry ended with {}", output.status)))?;
    println!(
        "  answered after {} us (p99 {}), served after {} us (p99 {})",
        answered.p50_us, answered.p99_us, served.p50_us, served.p99_us
    );
    for (name, sample) in [(ANSWERED, answered), (SERVED, served)] {
        measured.times.entry(name.to_owned()).or_default().push(sample);
    }
    Ok(())
}

fn registry(place: &Place, word: &str, proxy: SocketAddr, port: u16) -> Command {
    let mut command = Command::new(place.programs.join("bench-registry"));
    command.args([word, &proxy.to_string(), &port.to_string()]);
    command
}

const WARM_UP: Duration = Duration::from_secs(1);
/// Registrations of a round.
const WATCHED: usize = 300;
