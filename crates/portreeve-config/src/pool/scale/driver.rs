//! `driver`: what starts and stops instances.

mod process;

use portreeve_model::plan::DriverPlan;

use crate::item::Item;
use crate::word::Complaint;

/// Reads the table with exactly one driver.
pub(super) fn read(item: &Item<'_>) -> Option<DriverPlan> {
    let mut section = item.section(Complaint::new(DRIVER));
    let plan = process::read(&mut section).map(DriverPlan::Process);
    if item.is_table() {
        section.exactly_one(&KINDS, "driver", "a fleet has one driver");
    }
    section.finish(&[]);
    plan
}

/// What may stand under `driver`.
pub(super) const DRIVER: &str = "a table such as { process = [\"./api\", \"--port\", \"{port}\"] }";
const KINDS: [&str; 4] = ["process", "docker", "exec", "ec2"];
