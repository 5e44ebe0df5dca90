//! Whole TLS 1.3 handshakes, each on a connection of its own, nothing resumed.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use super::requests::ALL;
use super::scene::{Scene, Speaks};
use crate::entrant::Entrant;
use crate::fault::Fault;
use crate::load::counted_by;
use crate::process::Cores;
use crate::trial::{Bench, Bound, Column, Figures, Trial, Unit};
use crate::turns::under;

pub(crate) static HANDSHAKES: Trial = Trial {
    name: "tls-handshakes",
    title: "whole TLS 1.3 handshakes with a P-256 certificate and X25519, none resumed",
    note: "Each on a connection of its own, with one request; 16 at a time, by rustls.",
    entrants: ALL,
    columns: &[PER_SECOND, AGAINST, ERRORS],
    turns: 1,
    run: measure,
};

const PER_SECOND_NAME: &str = "per CPU second";
const PER_SECOND: Column = Column::new(PER_SECOND_NAME, Unit::Count);
const AGAINST: Column = Column::new("against the better peer", Unit::Ratio)
    .of_best_peer_rate(PER_SECOND_NAME)
    .target(Bound::AtLeast(1.2));
const ERRORS: Column = Column::new("errors", Unit::Count).target(Bound::AtMost(0.0));

fn measure(entrant: &Entrant, bench: &Bench<'_>) -> Result<Figures, Fault> {
    let mut scene = Scene::start(entrant, Speaks::Tls, bench.place)?;
    let address = scene.running.address;
    let shake = |length: Duration| {
        let mut command = Command::new(bench.place.programs.join("bench-handshakes"));
        command.args([address.to_string(), length.as_secs().max(1).to_string()]);
        counted_by("bench-handshakes", &command, Cores::Second)
    };
    shake(Duration::from_secs(1))?;
    let sample = under(&mut scene.running.process, || shake(bench.length), Duration::ZERO)?;
    Ok(BTreeMap::from([
        (PER_SECOND.name, 1e6 / sample.cpu_us),
        (ERRORS.name, sample.errors as f64),
    ]))
}
