//! Requests at a given rate, whatever becomes of them.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use portreeve_bench::Phase;

use crate::contender::Place;
use crate::fault::Fault;
use crate::process::{Cores, Process};

/// Requests a second, and for how long.
pub(crate) type Pace = (u32, Duration);

/// How long a client waits for its answer before it leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience(pub(crate) Duration);

/// A load of so many phases that has begun.
pub(crate) struct OpenLoad<const PHASES: usize>(Process);

impl<const PHASES: usize> OpenLoad<PHASES> {
    /// One phase after the other.
    pub(crate) fn start(
        place: &Place,
        proxy: SocketAddr,
        patience: Patience,
        phases: [Pace; PHASES],
    ) -> Result<OpenLoad<PHASES>, Fault> {
        let mut command = Command::new(place.programs.join("bench-open-load"));
        command.arg(proxy.to_string());
        command.args([patience.0, LATE].map(|time| time.as_millis().to_string()));
        command.args(
            phases
                .iter()
                .map(|(rate, length)| format!("{rate}:{}", length.as_millis())),
        );
        Process::start("bench-open-load", Cores::Second, &command).map(OpenLoad)
    }

    /// Waits for its end; what it counted in each phase.
    pub(crate) fn finish(mut self) -> Result<[Phase; PHASES], Fault> {
        let line = self.0.line()?;
        let phases: Vec<Phase> = serde_json::from_str(&line).unwrap_or_default();
        let phases = phases.try_into();
        phases.map_err(|_| Fault::Program(format!("bench-open-load said {line:?}")))
    }
}

/// Far above what any answer takes in the parts that look at this.
pub(crate) const LATE: Duration = Duration::from_millis(250);
