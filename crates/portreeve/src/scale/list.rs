//! `portreeve scale list`

use portreeve_api::{FleetList, FleetState};

use crate::table::{Column, Table};

pub(super) fn table(list: &FleetList) -> Table {
    let mut table = Table::new(COLUMNS);
    for fleet in &list.fleets {
        table.push([
            format!("{}/{}", fleet.pool, fleet.fleet),
            fleet.driver.clone(),
            what(fleet),
            fleet.min.to_string(),
            fleet.max.to_string(),
            fleet.size.to_string(),
            count(fleet, &["serving"]),
            count(fleet, &["ordered", "starting"]),
            count(fleet, &["down"]),
            count(fleet, &["draining", "stopping", "killing"]),
            reason(fleet),
        ]);
    }
    table
}

/// What keeps it from being scaled by this proxy, if anything does.
pub(super) fn what(fleet: &FleetState) -> String {
    match (fleet.leaving, &*fleet.mode, &*fleet.role) {
        (true, ..) => "leaving".to_owned(),
        (false, "observe", _) => "observed".to_owned(),
        (false, _, "leads") => "scaled".to_owned(),
        (false, _, "follows") => "scaled by another".to_owned(),
        _ => "waiting for the driver".to_owned(),
    }
}

fn count(fleet: &FleetState, states: &[&str]) -> String {
    let counts = states
        .iter()
        .filter_map(|state| fleet.instances_by_state.get(*state));
    counts.sum::<u32>().to_string()
}

fn reason(fleet: &FleetState) -> String {
    let rule = fleet.decision.as_ref().and_then(|decision| decision.rule.clone());
    rule.unwrap_or_else(|| "-".to_owned())
}

const COLUMNS: &[Column] = &[
    Column::Text("FLEET"),
    Column::Text("DRIVER"),
    Column::Text("IS"),
    Column::Number("MIN"),
    Column::Number("MAX"),
    Column::Number("SIZE"),
    Column::Number("SERVING"),
    Column::Number("STARTING"),
    Column::Number("DOWN"),
    Column::Number("LEAVING"),
    Column::Text("RULE"),
];
