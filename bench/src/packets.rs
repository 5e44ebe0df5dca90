//! The suite packets: six servers in three policies and 64 clients, behind Portreeve and behind a Python original in turns,
//! all of it on the same two cores.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use portreeve_bench::POLICIES;

use crate::contender::{Contender, Place, Running, Special, start_program, wait_until};
use crate::fault::Fault;
use crate::load::{Counted, counted_by};
use crate::process::{Cores, Process};
use crate::results::{LoadSample, Measured};
use crate::suite::Pace;
use crate::turns::{in_turns, under};

/// How clients use connections.
#[derive(Debug)]
pub(crate) struct Clients {
    /// Of the results.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What the load program calls it.
    word: &'static str,
}

pub(crate) static CLIENTS: [Clients; 2] = [
    Clients {
        name: "packets-new",
        title: "a connection for each packet, 64 at a time",
        word: "new",
    },
    Clients {
        name: "packets-kept",
        title: "64 connections that are kept",
        word: "kept",
    },
];

/// As it is without settings: a connection to a server for each packet, as the original.
pub(crate) const PORTREEVE: &str = "portreeve";
/// With connections to servers that are kept, a setting.
pub(crate) const KEEPING: &str = "portreeve, keep_alive";
pub(crate) const ORIGINAL: &str = "original";
/// Requests per second by the original's, at least.
pub(crate) const RATIO_MIN: f64 = 20.0;

/// Measures both ways to use connections; the results by their names.
pub(crate) fn measure(pace: Pace, place: &Place) -> Result<Vec<(&'static str, Measured)>, Fault> {
    let mut entrants = [
        Entrant::portreeve(PORTREEVE, false, place)?,
        Entrant::portreeve(KEEPING, true, place)?,
        Entrant::original(place)?,
    ];
    let mut results = Vec::new();
    for clients in &CLIENTS {
        results.push((clients.name, clients.measure(pace, &mut entrants, place)?));
    }
    Ok(results)
}

impl Clients {
    fn measure(&self, pace: Pace, entrants: &mut [Entrant], place: &Place) -> Result<Measured, Fault> {
        println!("== {}: {}", self.name, self.title);
        for entrant in entrants.iter() {
            self.run(entrant.running.address, WARM_UP, place)?;
        }
        let samples = in_turns(
            pace.rounds,
            entrants,
            |entrant| entrant.name,
            |entrant| self.sample(entrant, pace.length, place),
        )?;
        Ok(Measured {
            seconds: pace.length.as_secs(),
            load: samples,
            ..Measured::default()
        })
    }

    fn sample(&self, entrant: &mut Entrant, length: Duration, place: &Place) -> Result<LoadSample, Fault> {
        let Entrant { running, servers, .. } = entrant;
        let before = servers.core_time();
        let mut load_us = 0;
        let load = || {
            let counted = self.run(running.address, length, place)?;
            load_us = counted.cpu_us;
            Ok(counted)
        };
        let sample = under(&mut running.process, load, Duration::ZERO)?;
        let servers_us = servers.core_time().since(before).used.as_secs_f64() * 1e6;
        let others_us = (servers_us + load_us as f64) / sample.requests.max(1) as f64;
        Ok(LoadSample {
            others_us: Some(others_us),
            ..sample
        })
    }

    fn run(&self, proxy: SocketAddr, length: Duration, place: &Place) -> Result<Counted, Fault> {
        let mut command = Command::new(place.programs.join("bench-packet-load"));
        command.args([&proxy.to_string(), self.word, "64", &length.as_secs().to_string()]);
        counted_by("bench-packet-load", &command, Cores::Both)
    }
}

/// A proxy and the servers that registered with it.
struct Entrant {
    name: &'static str,
    running: Running,
    servers: Process,
}

impl Entrant {
    fn portreeve(name: &'static str, keeps_alive: bool, place: &Place) -> Result<Entrant, Fault> {
        let template = include_str!("contender/packets.toml");
        let special = Special {
            contender: Contender::Portreeve,
            name: &format!("packets-{keeps_alive}"),
            template: &template.replace("{keep_alive}", &keeps_alive.to_string()),
            threads: 2,
            cores: Cores::Both,
        };
        let no_backend = SocketAddr::from(([127, 0, 0, 1], 0));
        Entrant::with_servers(name, special.start(place, no_backend)?, place)
    }

    fn original(place: &Place) -> Result<Entrant, Fault> {
        let mut command = Command::new("python3");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/packets_original.py"));
        let running = start_program(ORIGINAL, &command, Cores::Both)?;
        Entrant::with_servers(ORIGINAL, running, place)
    }

    fn with_servers(name: &'static str, mut running: Running, place: &Place) -> Result<Entrant, Fault> {
        let mut command = Command::new(place.programs.join("bench-packet-server"));
        command.arg(running.address.to_string());
        let mut servers = Process::start("bench-packet-server", Cores::Both, &command)?;
        servers.line()?;
        let address = running.address;
        wait_until(&mut running.process, || {
            POLICIES.iter().all(|&policy| acknowledges(address, policy))
        })?;
        Ok(Entrant {
            name,
            running,
            servers,
        })
    }
}

/// Whether a packet of this policy is acknowledged by now.
fn acknowledges(proxy: SocketAddr, policy: u64) -> bool {
    let mut answer = String::new();
    let asked = TcpStream::connect(proxy).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        let packet = format!(r#"{{"type": 0, "srcid": 1, "privPoliId": {policy}, "payload": "abc"}}"#);
        stream.write_all(packet.as_bytes())?;
        stream.shutdown(Shutdown::Write)?;
        stream.read_to_string(&mut answer)
    });
    asked.is_ok() && answer.contains("a9993e364706816aba3e25717850c26c9cd0d89d")
}

const WARM_UP: Duration = Duration::from_secs(1);
