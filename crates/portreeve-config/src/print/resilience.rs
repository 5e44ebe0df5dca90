//! What a pool says of backends that fail, fill up or come back.

use std::time::Duration;

use portreeve_model::plan::{
    EjectionPlan, HedgePlan, HoldPlan, InFlightPlan, PoolPlan, RetryPlan, StickyPlan, WaitingPage,
};

use super::said::{Said, bytes, inline, number, or_off, percent, statuses, time};
use super::{Text, probe};
use crate::place::quoted;
use crate::pool::{ejection, room, sticky};

/// The lines of the pool's own section.
pub(super) fn lines(file: &mut Text, pool: &PoolPlan) {
    if let Some(plan) = &pool.sticky {
        file.value("sticky", sticky(plan));
    }
    if pool.slow_start > Duration::ZERO {
        file.value("slow_start", time(pool.slow_start));
    }
    if let Some(plan) = &pool.probe {
        file.value("probe", probe::probe(plan));
    }
    if is_nobody(&pool.ejection) {
        file.value("ejection", false);
    }
    if let Some(plan) = &pool.hedge {
        file.value("hedge", hedge(plan));
    }
    match pool.in_flight {
        InFlightPlan::Adaptive => {}
        InFlightPlan::AtMost(most) => file.value("in_flight", most),
        InFlightPlan::Unlimited => file.text("in_flight", "unlimited"),
    }
    if pool.fail_mode != room::by_default(pool.scale.is_some()) {
        file.text("fail_mode", room::show(pool.fail_mode));
    }
}

/// The sections below it.
pub(super) fn sections(file: &mut Text, pool: &PoolPlan) {
    if !is_nobody(&pool.ejection) {
        ejection(&pool.ejection).write(file, &["pool", &pool.name, "ejection"]);
    }
    retry(&pool.retry).write(file, &["pool", &pool.name, "retry"]);
    let plain = room::hold(
        pool.limits.total_timeout,
        pool.scale.is_some(),
        pool.in_flight,
        pool.fail_mode,
    );
    hold(&pool.hold, &plain).write(file, &["pool", &pool.name, "hold"]);
}

fn is_nobody(plan: &EjectionPlan) -> bool {
    *plan == ejection::nobody()
}

fn sticky(plan: &StickyPlan) -> String {
    let plain = sticky::plain();
    let mut said = Said::default();
    if plan.cookie != plain.cookie {
        said.value("cookie", quoted(&plan.cookie));
    }
    said.unless("max_age", plan.max_age, plain.max_age, |age| or_off(age, time));
    said.on("secure", plan.is_secure);
    match (said.len(), plan.cookie != plain.cookie) {
        (0, _) => "true".to_owned(),
        (1, true) => quoted(&plan.cookie),
        _ => said.table(),
    }
}

fn hedge(plan: &HedgePlan) -> String {
    let plain = HedgePlan::default();
    let mut said = Said::default();
    said.some("after", plan.after, time);
    let least = plain.after_min.min(plan.after.unwrap_or(plain.after_min));
    said.unless("after_min", plan.after_min, least, time);
    match said.len() {
        0 => "true".to_owned(),
        _ => said.table(),
    }
}

fn ejection(plan: &EjectionPlan) -> Said {
    let plain = EjectionPlan::default();
    let mut said = Said::default();
    said.unless(
        "failures_in_a_row",
        plan.failures_in_a_row,
        plain.failures_in_a_row,
        |count| or_off(count, number),
    );
    if plan.statuses != plain.statuses {
        said.value("status", statuses(&plan.statuses));
    }
    said.unless(
        "success_rate",
        plan.by_success_rate,
        plain.by_success_rate,
        |switch| switch.to_string(),
    );
    said.unless(
        "latency_factor",
        plan.latency_factor,
        plain.latency_factor,
        |factor| or_off(factor, number),
    );
    said.unless("time", plan.time, plain.time.min(plan.time_max), time);
    said.unless("time_max", plan.time_max, plain.time_max, time);
    said.unless(
        "share_max",
        plan.share_max_percent,
        plain.share_max_percent,
        percent,
    );
    said
}

fn retry(plan: &RetryPlan) -> Said {
    let plain = RetryPlan::default();
    let mut said = Said::default();
    if plan.statuses != plain.statuses {
        said.value("status", statuses(&plan.statuses));
    }
    said.some("marked_by", plan.marked_by.as_deref(), quoted);
    said.unless("body_bytes_max", plan.body_bytes_max, plain.body_bytes_max, bytes);
    said.some("attempt_timeout", plan.attempt_timeout, time);
    said.unless("budget", plan.budget_percent, plain.budget_percent, percent);
    said.unless("budget_min", plan.budget_min, plain.budget_min, number);
    said.unless(
        "retry_after_max",
        plan.retry_after_max,
        plain.retry_after_max,
        time,
    );
    said
}

fn hold(plan: &HoldPlan, plain: &HoldPlan) -> Said {
    let mut said = Said::default();
    said.unless("requests_max", plan.requests_max, plain.requests_max, number);
    said.unless("timeout", plan.timeout, plain.timeout, time);
    said.unless("bytes_max", plan.bytes_max, plain.bytes_max, bytes);
    said.some("page", plan.page.as_ref(), page);
    said
}

/// The page itself, since the file that it came from is not known any more.
fn page(page: &WaitingPage) -> String {
    match page {
        WaitingPage::Ours => "true".to_owned(),
        WaitingPage::Of(html) => inline(&[format!("html = {}", quoted(html))]),
    }
}
