//! `target`, `steps` and `schedule` of a fleet.

use portreeve_model::plan::{FleetPlan, RulePlan, SchedulePlan};

use crate::place::quoted;
use crate::pool::scale::rules::{START, STEPS_WITHIN, WITHIN};
use crate::pool::scale::schedule::{DAY_MINUTES, EVERY_DAY, show_days, show_offset, show_time};
use crate::print::said::{Said, number, one_or_list, percent, time};

/// All rules of a fleet.
pub(super) fn rules(said: &mut Said, fleet: &FleetPlan) {
    let (mut targets, mut schedule) = (Said::default(), Vec::new());
    let mut steps = None;
    for rule in &fleet.rules {
        match rule {
            RulePlan::Steps { .. } => steps = Some(steps_table(rule, fleet.max)),
            RulePlan::Schedule(plan) => schedule.push(hours(plan)),
            other => target(&mut targets, other),
        }
    }
    if targets.len() > 0 {
        said.value("target", targets.table());
    }
    said.some("steps", steps, |table| table);
    if !schedule.is_empty() {
        said.value("schedule", one_or_list(&schedule));
    }
}

fn target(said: &mut Said, rule: &RulePlan) {
    match rule {
        RulePlan::InFlight { per_backend } => said.value("in_flight_per_backend", number(*per_backend)),
        RulePlan::Requests { per_backend, within } => {
            said.value("requests_per_backend", number(*per_backend));
            said.unless("within", *within, WITHIN, time);
        }
        RulePlan::Latency { p95 } => said.value("p95", time(*p95)),
        RulePlan::HoldAge { at_most } => said.value("hold_age", time(*at_most)),
        RulePlan::Cpu { percent: share } => said.value("cpu", percent(*share)),
        RulePlan::Memory { percent: share } => said.value("memory", percent(*share)),
        RulePlan::Load { percent: share } => said.value("load", percent(*share)),
        RulePlan::Steps { .. } | RulePlan::Schedule(_) => {}
    }
}

fn steps_table(rule: &RulePlan, most: u32) -> String {
    let mut said = Said::default();
    if let RulePlan::Steps {
        requests,
        within,
        start,
        max,
    } = rule
    {
        said.value("requests", number(*requests));
        said.unless("within", *within, STEPS_WITHIN, time);
        said.unless("start", *start, START, number);
        said.unless("max", *max, most, number);
    }
    said.table()
}

fn hours(plan: &SchedulePlan) -> String {
    let mut said = Said::default();
    if plan.days != EVERY_DAY {
        let days: Vec<String> = show_days(&plan.days).iter().map(|run| quoted(run)).collect();
        said.value("days", one_or_list(&days));
    }
    said.unless("from", plan.from, 0, |at| quoted(&show_time(at)));
    said.unless("to", plan.to, DAY_MINUTES, |at| quoted(&show_time(at)));
    said.unless("utc_offset", plan.utc_offset, 0, |offset| {
        quoted(&show_offset(offset))
    });
    said.value("min", number(plan.min));
    said.table()
}
