//! `[pool.NAME.retry]`: when a request is sent to another backend.

use std::time::Duration;

use portreeve_model::plan::{BackendLimits, RetryPlan};

use crate::quantity::{bytes, count, time, whole_percent};
use crate::section::Section;
use crate::{matching, status};

/// Reads the section, given the pool's limits; and its keys.
pub(super) fn read(mut section: Section<'_>, limits: &BackendLimits) -> (RetryPlan, Vec<&'static str>) {
    let mut plan = RetryPlan::default();
    status::read(&mut section, 400..=599, &mut plan.statuses);
    plan.marked_by = section.word("marked_by", matching::plain_header_name);
    section.quantity("body_bytes_max", &bytes(0..=1 << 20), &mut plan.body_bytes_max);
    attempts(&mut section, limits, &mut plan);
    section.quantity("budget", &whole_percent(0..=100), &mut plan.budget_percent);
    section.quantity("budget_min", &count(0..=10_000), &mut plan.budget_min);
    section.quantity(
        "retry_after_max",
        &time(Duration::ZERO..=HOUR),
        &mut plan.retry_after_max,
    );
    never(&section, limits, &plan);
    (plan, section.finish(&[]))
}

/// Whether nothing is ever sent a second time.
pub(super) fn is_never(limits: &BackendLimits, plan: &RetryPlan) -> Option<&'static str> {
    match (limits.attempts_max, plan.budget_percent, plan.budget_min) {
        (1, ..) => Some("attempts_max = 1"),
        (_, 0, 0) => Some("a budget of \"0%\" and a budget_min of 0"),
        _ => None,
    }
}

/// An attempt lies within what is allowed for the request.
fn attempts(section: &mut Section<'_>, limits: &BackendLimits, plan: &mut RetryPlan) {
    section.quantity_or_off("attempt_timeout", &time(MS..=DAY), &mut plan.attempt_timeout);
    let Some(own) = plan.attempt_timeout else { return };
    match limits.total_timeout.filter(|total| own > *total) {
        Some(total) => section.time_within("attempt_timeout", own, "total_timeout", total),
        None => section.time_within(
            "attempt_timeout",
            own,
            "first_byte_timeout",
            limits.first_byte_timeout,
        ),
    }
}

/// Says what can have no effect where nothing is ever sent a second time.
fn never(section: &Section<'_>, limits: &BackendLimits, plan: &RetryPlan) {
    let Some(why) = is_never(limits, plan) else { return };
    let wishes = [
        ("status", !plan.statuses.is_empty()),
        ("marked_by", plan.marked_by.is_some()),
    ];
    for (key, _) in wishes.into_iter().filter(|(_, is_wanted)| *is_wanted) {
        let allowed = format!("no such key with {why}: nothing is sent a second time");
        section.misfit(key, "a wish for retries", allowed);
    }
}

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
