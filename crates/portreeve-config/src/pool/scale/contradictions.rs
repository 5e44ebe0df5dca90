//! What contradicts itself within a fleet.

use std::fmt::Display;
use std::time::Duration;

use portreeve_model::Policies;
use portreeve_model::plan::{DriverPlan, ProbePlan, RegisteredBy};

use super::driver::DRIVER;
use super::fleet::FleetDraft;
use super::schedule;
use crate::duration;
use crate::findings::Findings;
use crate::place::{Place, quoted};
use crate::quantity::grouped;
use crate::section::Section;
use crate::word::Complaint;

/// Notes all of it, but nothing of a torn document, of which a part may only have been unreadable. `section` is the
/// fleet's own.
pub(super) fn note(fleet: &FleetDraft, section: &Section<'_>, probe: Option<&ProbePlan>) {
    let findings = section.findings;
    if findings.is_torn {
        return;
    }
    bounds(fleet, findings);
    never_idle(fleet, findings);
    too_soon(fleet, findings, probe);
    too_many_policies(fleet, section);
    if let Some(steps) = &fleet.steps {
        steps.within(findings, fleet.max);
    }
    schedule::within(&fleet.schedule, findings, fleet.max);
    if fleet.places.nearest(&["driver"]).is_none() {
        findings.missing(&section.place_of("driver"), Complaint::new(DRIVER));
    }
    few_ports(fleet, findings);
    no_port_to_keep(fleet, findings);
    registers_itself(fleet, findings);
    slow_hooks(fleet, findings);
}

fn bounds(fleet: &FleetDraft, findings: &Findings) {
    if fleet.min <= fleet.max {
        return;
    }
    let (min, max) = (grouped(fleet.min.into()), grouped(fleet.max.into()));
    match fleet.places.nearest(&["max", "min"]) {
        Some(("max", place)) => {
            told(
                findings,
                place,
                fleet.max,
                format!("at least min, which is {min}"),
            );
        }
        Some((_, place)) => told(findings, place, fleet.min, format!("at most max, which is {max}")),
        None => {}
    }
}

/// What is inherited may be meant for another fleet.
fn never_idle(fleet: &FleetDraft, findings: &Findings) {
    let own = fleet.places.at("idle", fleet.depth).filter(|_| fleet.min > 0);
    if let Some(place) = own {
        let found = match fleet.idle {
            Some(idle) => shown(idle),
            None => quoted("off"),
        };
        let allowed = format!(
            "no such key with min = {}: the last ones are never stopped",
            fleet.min
        );
        told(findings, place, found, allowed);
    }
}

/// Nobody serves before a probe passed.
fn too_soon(fleet: &FleetDraft, findings: &Findings, probe: Option<&ProbePlan>) {
    let own = fleet.lifecycle.start_timeout();
    let place = fleet.places.nearest(&["start_timeout"]);
    let probe = probe.filter(|probe| own < probe.timeout);
    if let (Some((_, place)), Some(probe)) = (place, probe) {
        let allowed = format!(
            "at least timeout of the pool's probe, which is {}: nothing serves before it has passed one",
            shown(probe.timeout)
        );
        told(findings, place, shown(own), allowed);
    }
}

fn too_many_policies(fleet: &FleetDraft, section: &Section<'_>) {
    let count = fleet.policies().len();
    if count > Policies::UPHELD_MAX {
        let allowed = format!(
            "at most {}, those of the whole pool included",
            Policies::UPHELD_MAX
        );
        let place = fleet.places.nearest(&["policies"]);
        let place = place.map_or(&section.place, |(_, place)| place);
        told(section.findings, place, format!("{count} policies"), allowed);
    }
}

fn few_ports(fleet: &FleetDraft, findings: &Findings) {
    let Some(draft) = &fleet.driver else { return };
    let DriverPlan::Process(process) = &draft.plan else {
        return;
    };
    let Some((first, last)) = process.ports else {
        return;
    };
    let count = u32::from(last - first) + 1;
    if count < fleet.max {
        let found = format!("{count} {}", if count == 1 { "port" } else { "ports" });
        let allowed = format!(
            "at least {}, since there may be as many as max",
            grouped(fleet.max.into())
        );
        told(findings, &draft.ports, found, allowed);
    }
}

fn no_port_to_keep(fleet: &FleetDraft, findings: &Findings) {
    let Some(driver) = fleet.driver.as_ref().map(|driver| &driver.plan) else {
        return;
    };
    let Some((_, place)) = fleet.places.nearest(&["keep_port"]) else {
        return;
    };
    if fleet.lifecycle.keeps_port() && !matches!(driver, DriverPlan::Process(_)) {
        let allowed = format!(
            "false, or no such key: the {} driver gives no ports",
            driver.code()
        );
        told(findings, place, true, allowed);
    }
}

fn registers_itself(fleet: &FleetDraft, findings: &Findings) {
    let is_group = matches!(
        fleet.driver.as_ref().map(|driver| &driver.plan),
        Some(DriverPlan::Ec2(_))
    );
    let Some((_, place)) = fleet.places.nearest(&["registered_by"]) else {
        return;
    };
    if is_group && fleet.lifecycle.registered_by == Some(RegisteredBy::Scaler) {
        let allowed = "\"backend\", or no such key: instances of an Auto Scaling group register themselves";
        told(findings, place, quoted("scaler"), allowed.to_owned());
    }
}

/// A command that starts one may take no longer than all of its start.
fn slow_hooks(fleet: &FleetDraft, findings: &Findings) {
    let Some(draft) = &fleet.driver else { return };
    let (DriverPlan::Exec(exec), Some(place)) = (&draft.plan, &draft.timeout) else {
        return;
    };
    let most = fleet.lifecycle.start_timeout();
    if exec.timeout > most {
        let allowed = format!("at most start_timeout, which is {}", shown(most));
        told(findings, place, shown(exec.timeout), allowed);
    }
}

/// What several fleets inherit is told once.
fn told(findings: &Findings, place: &Place, found: impl Display, allowed: String) {
    findings.add_once(place, format!("{found}"), Complaint::new(allowed));
}

fn shown(time: Duration) -> String {
    quoted(&duration::show(time))
}
