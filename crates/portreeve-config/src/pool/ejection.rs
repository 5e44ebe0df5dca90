//! `[pool.NAME.ejection]`: when a backend is left alone because of how it serves.

use std::time::Duration;

use portreeve_model::plan::EjectionPlan;

use crate::quantity::{count, time, whole_percent};
use crate::section::Section;
use crate::status;

/// Reads the section, or `ejection = false` in its place; and the keys of the section.
pub(super) fn read(pool: &mut Section<'_>) -> (EjectionPlan, Vec<&'static str>) {
    let (mut section, switch) = pool.section_or_switch("ejection");
    let mut plan = match switch {
        Some(false) => nobody(),
        _ => EjectionPlan::default(),
    };
    reasons(&mut section, &mut plan);
    section.quantity("time_max", &time(TIME_MIN..=DAY), &mut plan.time_max);
    plan.time = plan.time.min(plan.time_max);
    section.quantity("time", &time(TIME_MIN..=DAY), &mut plan.time);
    section.time_within("time", plan.time, "time_max", plan.time_max);
    section.quantity("share_max", &whole_percent(1..=100), &mut plan.share_max_percent);
    (plan, section.finish(&[]))
}

/// Nobody is ever ejected.
pub(crate) fn nobody() -> EjectionPlan {
    EjectionPlan {
        share_max_percent: 0,
        ..EjectionPlan::default()
    }
}

fn reasons(section: &mut Section<'_>, plan: &mut EjectionPlan) {
    section.quantity_or_off(
        "failures_in_a_row",
        &count(1..=1_000),
        &mut plan.failures_in_a_row,
    );
    status::read(section, 500..=599, &mut plan.statuses);
    section.switch("success_rate", &mut plan.by_success_rate);
    section.quantity_or_off("latency_factor", &count(2..=1_000), &mut plan.latency_factor);
    if plan.failures_in_a_row.is_some() || plan.by_success_rate {
        return;
    }
    if plan.latency_factor.is_none() {
        section.findings.add(
            &section.place,
            "no reason that ejects",
            crate::word::Complaint::new("one of failures_in_a_row, success_rate or latency_factor")
                .hint("for no ejection at all write ejection = false"),
        );
    } else if section.has("status") {
        section.misfit(
            "status",
            "statuses that count as failures",
            "no such key where neither failures_in_a_row nor success_rate counts failures",
        );
    }
}

const TIME_MIN: Duration = Duration::from_millis(100);
const DAY: Duration = Duration::from_secs(86_400);
