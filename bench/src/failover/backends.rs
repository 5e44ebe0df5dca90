//! Backends that can be made slow, full or broken, killed and stopped.

use std::net::SocketAddr;
use std::process::Command;
use std::thread::JoinHandle;

use portreeve_bench::{Behaviour, Client, Counts};
use rustix::process::Signal;

use crate::contender::{Place, Running, start_program};
use crate::fault::Fault;
use crate::process::Cores;

/// Some backends, each a process at an address of its own.
pub(super) struct Backends(Vec<Running>);

impl Backends {
    /// One for each behaviour.
    pub(super) fn start(place: &Place, behaviours: &[Behaviour]) -> Result<Backends, Fault> {
        let mut backends = Backends(Vec::new());
        for (number, &behaviour) in behaviours.iter().enumerate() {
            backends.0.push(start(place, &format!("127.0.1.{}", number + 1))?);
            backends.behave(number, behaviour)?;
        }
        Ok(backends)
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().map(|running| running.address).collect()
    }

    /// How a backend serves from now on; it counts from 0 again.
    pub(super) fn behave(&self, number: usize, behaviour: Behaviour) -> Result<(), Fault> {
        let body = serde_json::to_string(&behaviour).expect("numbers become JSON");
        tell(self.0[number].address, "PUT", &body)?;
        Ok(())
    }

    /// What each got since its behaviour was last set.
    pub(super) fn counts(&self) -> Result<Vec<Counts>, Fault> {
        self.0
            .iter()
            .map(|running| tell(running.address, "POST", ""))
            .collect()
    }

    pub(super) fn kill(&self, number: usize) -> Result<(), Fault> {
        self.0[number].process.signal(Signal::KILL)
    }

    /// Stops a backend until [`Backends::go_on`].
    pub(super) fn stop(&self, number: usize) -> Stopped {
        let address = self.0[number].address;
        Stopped {
            number,
            answer: std::thread::spawn(move || tell(address, "DELETE", "")),
        }
    }

    /// What the backend had got when it was stopped.
    pub(super) fn go_on(&self, stopped: Stopped) -> Result<Counts, Fault> {
        self.0[stopped.number].process.signal(Signal::CONT)?;
        let answer = stopped.answer.join();
        answer.unwrap_or_else(|_| {
            Err(Fault::Program(
                "a backend that was stopped did not answer".to_owned(),
            ))
        })
    }
}

/// A backend that stands still.
pub(super) struct Stopped {
    number: usize,
    answer: JoinHandle<Result<Counts, Fault>>,
}

/// A backend at all addresses of this machine.
pub(super) fn start_everywhere(place: &Place) -> Result<Running, Fault> {
    start(place, "0.0.0.0")
}

/// What a backend counts that is at all addresses.
pub(super) fn counts_of(running: &Running) -> Result<Counts, Fault> {
    tell(
        SocketAddr::from(([127, 0, 0, 1], running.address.port())),
        "POST",
        "",
    )
}

fn start(place: &Place, ip: &str) -> Result<Running, Fault> {
    let mut command = Command::new(place.programs.join("bench-backend"));
    command.arg(ip);
    start_program("bench-backend", &command, Cores::Second)
}

fn tell(address: SocketAddr, method: &str, body: &str) -> Result<Counts, Fault> {
    let answer = Client::new(address).ask(method, "/bench", "", body);
    let answer = answer.map_err(Fault::io(format!("asking the backend {address}")))?;
    serde_json::from_slice(&answer.body).map_err(|fault| Fault::Program(format!("a backend said: {fault}")))
}
