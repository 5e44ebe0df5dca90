//! Memory per connection that has done one request over TLS and then does nothing.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use super::requests::ALL;
use super::scene::{Scene, Speaks};
use crate::entrant::Entrant;
use crate::fault::Fault;
use crate::process::{Cores, Process};
use crate::trial::{Bench, Bound, Column, Figures, Trial, Unit};

pub(crate) static TLS_IDLE: Trial = Trial {
    name: "tls-idle",
    title: "own memory per idle TLS connection, 2000 of them",
    note: "After one request over HTTP/1.1 on each.",
    entrants: ALL,
    columns: &[BYTES],
    turns: 1,
    run: measure,
};

const BYTES: Column = Column::new("bytes per connection", Unit::Count).target(Bound::AtMost(12.0 * 1024.0));

fn measure(entrant: &Entrant, bench: &Bench<'_>) -> Result<Figures, Fault> {
    let scene = Scene::start(entrant, Speaks::Tls, bench.place)?;
    let hold = |count: usize| -> Result<Process, Fault> {
        let mut command = Command::new(bench.place.programs.join("bench-idle"));
        command.args([
            scene.running.address.to_string(),
            count.to_string(),
            "tls".to_owned(),
        ]);
        let mut process = Process::start("bench-idle", Cores::Second, &command)?;
        process.line()?;
        Ok(process)
    };
    drop(hold(WARM_UP_CONNECTIONS)?);
    std::thread::sleep(SETTLE);
    let before = scene.running.process.memory_bytes();
    let held = hold(CONNECTIONS)?;
    std::thread::sleep(SETTLE);
    let after = scene.running.process.memory_bytes();
    drop(held);
    let bytes = after.saturating_sub(before) as f64 / CONNECTIONS as f64;
    Ok(BTreeMap::from([(BYTES.name, bytes)]))
}

const CONNECTIONS: usize = 2_000;
const WARM_UP_CONNECTIONS: usize = 20;
/// For proxies that give buffers back some time after a connection has become idle.
const SETTLE: Duration = Duration::from_millis(1_500);
