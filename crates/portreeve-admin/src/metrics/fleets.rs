//! How many instances there are of each fleet, how many there are to be, and what went wrong.

use std::collections::BTreeMap;
use std::fmt;

use portreeve_driver::DriverFault;
use portreeve_model::scale::{FleetEventKind, InstanceState, RuleKind};
use portreeve_scaler::{FleetState, Role, ScalerView};

use super::sheet::Sheet;

pub(super) fn write(sheet: &mut Sheet<'_>, scaler: Option<&ScalerView>) -> fmt::Result {
    let Some(fleets) = scaler.map(ScalerView::fleets) else {
        return Ok(());
    };
    // Of one name there may be two for a while: one that comes and one that leaves.
    let mut named: BTreeMap<(&str, &str), Vec<&FleetState>> = BTreeMap::new();
    for fleet in fleets.iter() {
        let name = (&*fleet.key.pool, &*fleet.key.fleet);
        named.entry(name).or_default().push(fleet);
    }
    sizes(sheet, &named)?;
    happened(sheet, &named)?;
    used(sheet, &named)
}

type Named<'a> = BTreeMap<(&'a str, &'a str), Vec<&'a FleetState>>;

fn sizes(sheet: &mut Sheet<'_>, named: &Named<'_>) -> fmt::Result {
    for (name, help, figure) in FIGURES {
        let each = named.iter().map(|(name, fleets)| {
            (
                labels(name),
                fleets.iter().map(|fleet| figure(fleet)).sum::<u64>(),
            )
        });
        sheet.gauges(name, help, each)?;
    }
    let states = named.iter().flat_map(|(name, fleets)| {
        InstanceState::ALL.map(|state| {
            let count: u32 = fleets.iter().map(|fleet| fleet.count(state)).sum();
            (with(name, ("state", state.code())), u64::from(count))
        })
    });
    sheet.gauges(
        "portreeve_fleet_instances",
        "Instances, by where they are between order and end.",
        states,
    )?;
    let wishes = named.iter().flat_map(|(name, fleets)| {
        let mut staying = fleets.iter().filter(|fleet| !fleet.is_leaving);
        let decision = staying.find_map(|fleet| fleet.decision.as_ref());
        let wishes = decision.map_or(&[][..], |(decision, _)| &decision.wishes);
        RuleKind::ALL.into_iter().filter_map(move |rule| {
            let wish = wishes.iter().find(|wish| wish.rule == rule)?;
            Some((with(name, ("rule", rule.code())), u64::from(wish.size)))
        })
    });
    sheet.gauges(
        "portreeve_fleet_wish",
        "How many instances each rule wanted at the last look.",
        wishes,
    )
}

fn happened(sheet: &mut Sheet<'_>, named: &Named<'_>) -> fmt::Result {
    let changes = named.iter().flat_map(|(name, fleets)| {
        let up: u64 = fleets.iter().map(|fleet| fleet.changes.0).sum();
        let down: u64 = fleets.iter().map(|fleet| fleet.changes.1).sum();
        [
            (with(name, ("direction", "up")), up),
            (with(name, ("direction", "down")), down),
        ]
    });
    sheet.counters("portreeve_fleet_changes", "Changes of the size.", changes)?;
    sheet.counters(
        "portreeve_fleet_events",
        "What happened to instances.",
        counted(named, "event", &FleetEventKind::CODES, |fleet| &fleet.events),
    )?;
    sheet.counters(
        "portreeve_fleet_faults",
        "What the driver, or the registry, could not do.",
        counted(named, "fault", &faults(), |fleet| &fleet.faults),
    )
}

fn used(sheet: &mut Sheet<'_>, named: &Named<'_>) -> fmt::Result {
    let each = |figure: fn(&portreeve_scaler::InstanceState) -> Option<f64>| {
        named.iter().flat_map(move |(name, fleets)| {
            let instances = fleets.iter().flat_map(|fleet| &fleet.instances);
            instances
                .filter_map(move |instance| Some((with(name, ("backend", &*instance.id)), figure(instance)?)))
        })
    };
    sheet.gauges(
        "portreeve_instance_cpu_percent",
        "CPU used lately, in percent of what the instance may use, or of one CPU if it may use all.",
        each(|instance| instance.cpu_percent),
    )?;
    sheet.gauges(
        "portreeve_instance_memory_bytes",
        "Memory in use.",
        each(|instance| Some(instance.usage.memory_bytes? as f64)),
    )?;
    sheet.gauges(
        "portreeve_instance_uptime_seconds",
        "Since its start.",
        each(|instance| Some(instance.usage.uptime?.as_secs_f64())),
    )?;
    sheet.gauges(
        "portreeve_instance_restarts",
        "How often what stood in its place had to be started again.",
        each(|instance| Some(f64::from(instance.restarts))),
    )
}

fn counted<'a>(
    named: &'a Named<'a>,
    label: &'static str,
    codes: &'a [&'static str],
    counts: fn(&FleetState) -> &BTreeMap<&'static str, u64>,
) -> impl Iterator<Item = ([(&'a str, &'a str); 3], u64)> {
    named.iter().flat_map(move |(name, fleets)| {
        codes.iter().filter_map(move |code| {
            let count: u64 = fleets.iter().filter_map(|fleet| counts(fleet).get(code)).sum();
            (count > 0).then_some((with(name, (label, *code)), count))
        })
    })
}

/// The door's no beside the driver's.
fn faults() -> Vec<&'static str> {
    DriverFault::CODES.into_iter().chain(["refused"]).collect()
}

fn labels<'a>((pool, fleet): &(&'a str, &'a str)) -> [(&'a str, &'a str); 2] {
    [("pool", pool), ("fleet", fleet)]
}

fn with<'a>((pool, fleet): &(&'a str, &'a str), label: (&'a str, &'a str)) -> [(&'a str, &'a str); 3] {
    [("pool", pool), ("fleet", fleet), label]
}

type Figure = fn(&FleetState) -> u64;

/// One that leaves is to have none.
const FIGURES: [(&str, &str, Figure); 4] = [
    (
        "portreeve_fleet_size",
        "Instances that the fleet is to have.",
        |fleet| u64::from(if fleet.is_leaving { 0 } else { fleet.size }),
    ),
    (
        "portreeve_fleet_min",
        "Never fewer, by the configuration.",
        |fleet| u64::from(if fleet.is_leaving { 0 } else { fleet.min }),
    ),
    (
        "portreeve_fleet_max",
        "Never more, by the configuration.",
        |fleet| u64::from(if fleet.is_leaving { 0 } else { fleet.max }),
    ),
    (
        "portreeve_fleet_leads",
        "Whether this proxy is the one that scales the fleet.",
        |fleet| u64::from(!fleet.is_leaving && fleet.role == Role::Leads),
    ),
];
