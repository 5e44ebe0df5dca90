//! The load: Debian's wrk, one thread on the second core.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use crate::fault::Fault;
use crate::process::{Cores, pinned};
use crate::scenario::{Kind, Load};

/// What wrk counted in one run; times in microseconds.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct Counted {
    pub(crate) requests: u64,
    pub(crate) duration_us: u64,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) p999_us: u64,
    bad_status: u64,
    broken: u64,
    timeouts: u64,
    /// What the load program itself took, if it says so.
    #[serde(default)]
    pub(crate) cpu_us: u64,
}

impl Counted {
    /// What a program counted that tells no times.
    pub(crate) fn of(requests: u64, duration: Duration, errors: u64) -> Counted {
        Counted {
            requests,
            duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
            p50_us: 0,
            p99_us: 0,
            p999_us: 0,
            bad_status: 0,
            broken: errors,
            timeouts: 0,
            cpu_us: 0,
        }
    }

    /// Answers that were not 2xx or 3xx, connections that broke, answers that took more than two seconds.
    pub(crate) fn errors(&self) -> u64 {
        self.bad_status + self.broken + self.timeouts
    }

    pub(crate) fn requests_per_second(&self) -> f64 {
        self.requests as f64 * 1e6 / self.duration_us.max(1) as f64
    }
}

/// Runs a load for this long.
pub(crate) fn run(
    load: &Load,
    address: SocketAddr,
    duration: Duration,
    cores: Cores,
) -> Result<Counted, Fault> {
    counted_by("wrk", &wrk(load, address, duration), cores)
}

/// What a program counted that ends by itself and prints our line of JSON.
pub(crate) fn counted_by(name: &str, command: &Command, cores: Cores) -> Result<Counted, Fault> {
    let output = pinned(cores, command)
        .output()
        .map_err(Fault::io(format!("starting {name}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    counted(&text)
        .ok_or_else(|| Fault::Program(format!("{name} ended with {} and said:\n{text}", output.status)))
}

fn wrk(load: &Load, address: SocketAddr, duration: Duration) -> Command {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("load");
    let mut command = Command::new("wrk");
    command.args([
        "--threads",
        "1",
        "--timeout",
        "2s",
        "--connections",
        &load.connections.to_string(),
    ]);
    command.args(["--duration", &format!("{}s", duration.as_secs().max(1))]);
    command.arg("--script").arg(scripts.join(load.kind.script()));
    for field in load.fields {
        command.args(["--header", field]);
    }
    command.arg(format!("http://{address}{}", load.path));
    if let Some(number) = load.kind.in_turn() {
        command.args(["--", &number.to_string()]);
    }
    command
}

impl Kind {
    fn script(self) -> &'static str {
        match self {
            Kind::Get => "report.lua",
            Kind::Post => "post4k.lua",
            Kind::Demanding(_) => "policies.lua",
            Kind::Heartbeats(_) => "heartbeats.lua",
        }
    }

    /// Of how many things a request names the next one.
    fn in_turn(self) -> Option<usize> {
        match self {
            Kind::Demanding(number) | Kind::Heartbeats(number) => Some(number),
            Kind::Get | Kind::Post => None,
        }
    }
}

fn counted(text: &str) -> Option<Counted> {
    let line = text.lines().rev().find(|line| line.starts_with('{'))?;
    serde_json::from_str(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_our_script_is_found_among_what_wrk_prints() {
        let text = "Running 4s test\n  12 requests\n\n{\"requests\":12,\"duration_us\":6000000,\"bytes\":9,\"p50_us\":1,\
                    \"p99_us\":2,\"p999_us\":3,\"max_us\":4,\"bad_status\":5,\"broken\":6,\"timeouts\":7}\n";
        let counted = counted(text).unwrap();
        assert_eq!(counted.errors(), 18);
        assert!((counted.requests_per_second() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn no_line_is_no_result() {
        assert_eq!(
            counted("unable to connect to 127.0.0.1:1 Connection refused\n"),
            None
        );
    }
}
