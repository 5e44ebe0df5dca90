//! `portreeve scale explain`

use std::fmt::{self, Write as _};
use std::time::Duration;

use portreeve_api::{FleetDecision, FleetList, FleetState, InstanceState, show};

use super::list::what;
use crate::table::{Column, Table};

/// All that is to be known of some fleets, for people.
pub(super) fn page(list: &FleetList) -> String {
    let pages = list.fleets.iter().map(|fleet| {
        let mut page = String::new();
        // Writing into a String cannot fail.
        let _ = write_fleet(&mut page, fleet);
        page
    });
    pages.collect::<Vec<_>>().join("\n")
}

fn write_fleet(page: &mut String, fleet: &FleetState) -> fmt::Result {
    writeln!(page, "{}/{}: {}", fleet.pool, fleet.fleet, verdict(fleet))?;
    match &fleet.decision {
        Some(decision) => write_decision(page, decision)?,
        None => writeln!(page, "  nothing was decided yet")?,
    }
    if let Some(fault) = &fleet.last_fault {
        let text = &fault.text;
        writeln!(page, "  last trouble, {} ago: {text}", ago(fault.age_ms))?;
    }
    if !fleet.instances.is_empty() {
        let table = instances(&fleet.instances).to_string();
        table.lines().try_for_each(|line| writeln!(page, "  {line}"))?;
    }
    Ok(())
}

fn verdict(fleet: &FleetState) -> String {
    let (size, min, max, driver) = (fleet.size, fleet.min, fleet.max, &fleet.driver);
    let is = match &fleet.leader {
        Some(leader) => format!("{} ({leader})", what(fleet)),
        None => what(fleet),
    };
    format!("{size} wanted, of {min} to {max}; driver {driver}, {is}")
}

fn write_decision(page: &mut String, decision: &FleetDecision) -> fmt::Result {
    let (from, to) = (decision.from, decision.to);
    let change = match from == to {
        true => format!("stays at {to}"),
        false => format!("from {from} to {to}"),
    };
    writeln!(page, "  decided {} ago: {change}", ago(decision.age_ms))?;
    for wish in &decision.wishes {
        let mark = match decision.rule.as_deref() == Some(&*wish.rule) {
            true => '*',
            false => ' ',
        };
        writeln!(page, "  {mark} {}", wish.text)?;
    }
    for bound in &decision.bounds {
        writeln!(page, "  > {}", bound.text)?;
    }
    Ok(())
}

fn instances(instances: &[InstanceState]) -> Table {
    let mut table = Table::new(COLUMNS);
    for instance in instances {
        table.push([
            instance.id.clone(),
            dashed((!instance.handle.is_empty()).then(|| short(&instance.handle))),
            dashed(instance.address.clone()),
            format!("{} for {}", instance.state, ago(instance.state_for_ms)),
            instance.in_flight.to_string(),
            dashed(instance.cpu_percent.map(|percent| format!("{percent:.0} %"))),
            dashed(instance.memory_bytes.map(mebibytes)),
            dashed(instance.uptime_ms.map(ago)),
            instance.restarts.to_string(),
        ]);
    }
    table
}

/// A container's id is known by its beginning.
fn short(handle: &str) -> String {
    handle.chars().take(HANDLE_CHARS_MAX).collect()
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Below a second in milliseconds, else in whole seconds.
fn ago(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms}ms"),
        _ => show(Duration::from_secs(ms / 1_000)),
    }
}

fn dashed(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "-".to_owned())
}

const HANDLE_CHARS_MAX: usize = 16;

const COLUMNS: &[Column] = &[
    Column::Text("INSTANCE"),
    Column::Text("HANDLE"),
    Column::Text("ADDRESS"),
    Column::Text("STATE"),
    Column::Number("IN FLIGHT"),
    Column::Number("CPU"),
    Column::Number("MEMORY"),
    Column::Number("UP"),
    Column::Number("RESTARTS"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn fleets(more: &str) -> FleetList {
        let json = format!(
            r#"{{"fleets":[{{"pool":"api","fleet":"default","driver":"process","mode":"on","role":"leads","min":1,"max":4,"size":3,
            "instances_by_state":{{}},"events":{{}},"faults":{{}},"raised":1,"lowered":0,"instances":[]{more}}}]}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn the_rule_that_won_is_marked_and_what_bounded_it_is_told() {
        let decision = r#","decision":{"age_ms":400,"from":2,"to":3,"rule":"steps",
            "wishes":[{"rule":"in_flight","size":1,"seen":2,"target":20,"text":"in_flight: wants 1"},
                      {"rule":"steps","size":9,"seen":160,"target":20,"text":"steps: wants 9"}],
            "bounds":[{"by":"up_steps","from":9,"to":3,"text":"up.steps_max: 1 at a time"}]}"#;
        let page = page(&fleets(decision));
        let expected = "api/default: 3 wanted, of 1 to 4; driver process, scaled\n  decided 400ms ago: from 2 to 3\n    \
                        in_flight: wants 1\n  * steps: wants 9\n  > up.steps_max: 1 at a time\n";
        assert_eq!(page, expected);
    }

    #[test]
    fn trouble_with_the_driver_is_shown() {
        let page = page(&fleets(
            r#","last_fault":{"text":"./api does not exist","age_ms":61000}"#,
        ));
        assert!(
            page.contains("last trouble, 1m1s ago: ./api does not exist") || page.contains("61s ago"),
            "{page}"
        );
    }
}
