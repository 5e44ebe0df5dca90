//! `driver`: what starts and stops instances.

pub(crate) mod docker;
pub(crate) mod ec2;
pub(crate) mod exec;
pub(crate) mod process;
mod table;

use portreeve_model::plan::DriverPlan;

use crate::item::Item;
use crate::place::Place;
use crate::section::Section;
use crate::word::Complaint;

/// What one table says.
#[derive(Debug, Clone)]
pub(super) struct DriverDraft {
    pub(super) plan: DriverPlan,
    /// Of `ports`, or of the table.
    pub(super) ports: Place,
    /// Of `timeout`, if it is there.
    pub(super) timeout: Option<Place>,
}

/// Reads the table with exactly one driver.
pub(super) fn read(item: &Item<'_>) -> Option<DriverDraft> {
    let mut section = item.section(Complaint::new(DRIVER));
    let kind = KINDS.into_iter().find(|kind| section.has(kind));
    let plan = kind.and_then(|kind| one(&mut section, kind));
    let ports = section.place_of("ports");
    let timeout = section.has("timeout").then(|| section.place_of("timeout"));
    if item.is_table() {
        section.exactly_one(&KINDS, "driver", "a fleet has one driver");
    }
    others(&mut section, kind);
    section.finish(&[]);
    Some(DriverDraft {
        plan: plan?,
        ports,
        timeout,
    })
}

fn one(section: &mut Section<'_>, kind: &str) -> Option<DriverPlan> {
    match kind {
        "process" => process::read(section).map(DriverPlan::Process),
        "docker" => docker::read(section).map(DriverPlan::Docker),
        "exec" => exec::read(section).map(DriverPlan::Exec),
        _ => ec2::read(section).map(DriverPlan::Ec2),
    }
}

/// Notes keys that another driver would heed.
fn others(section: &mut Section<'_>, kind: Option<&'static str>) {
    for other in KINDS.into_iter().filter(|other| Some(*other) != kind) {
        section.get(other); // a second driver was told of
    }
    for (key, kinds) in KEYS {
        if kind.is_some_and(|kind| kinds.contains(&kind)) {
            continue;
        }
        let is_there = section.get(key).is_some();
        if let Some(kind) = kind.filter(|_| is_there) {
            let owner = kinds.join(" or ");
            let found = format!("a key of {owner} beside {kind}");
            section.misfit(key, found, format!("such a key beside {owner} only"));
        }
    }
}

/// What may stand under `driver`.
pub(super) const DRIVER: &str = "a table with one of process, docker, exec and ec2, such as { process = [\"./api\", \"--port\", \"{port}\"] }";
const KINDS: [&str; 4] = ["process", "docker", "exec", "ec2"];
/// Which driver has which keys.
const KEYS: [(&str, &[&str]); 13] = [
    ("env", &["process", "docker"]),
    ("folder", &["process"]),
    ("ports", &["process"]),
    ("host", &["process"]),
    ("port", &["docker"]),
    ("command", &["docker"]),
    ("memory", &["docker"]),
    ("cpus", &["docker"]),
    ("network", &["docker"]),
    ("labels", &["docker"]),
    ("endpoint", &["docker", "ec2"]),
    ("timeout", &["exec"]),
    ("region", &["ec2"]),
];
