//! `probe` of a pool.

use portreeve_model::plan::{Check, HttpCheck, ProbePlan};

use super::said::{Said, inline, number, statuses, time};
use crate::place::{quoted, written};

/// The word for what is done, or a table with it and what is not as by default.
pub(super) fn probe(plan: &ProbePlan) -> String {
    let mut said = check(&plan.check);
    let is_short = said.len() == 1;
    let plain = ProbePlan::new(plan.check.clone());
    said.unless("every", plan.every, plain.every, time);
    said.unless(
        "every_unhealthy",
        plan.every_unhealthy,
        plain.every_unhealthy.min(plan.every),
        time,
    );
    said.unless("timeout", plan.timeout, plain.timeout.min(plan.every), time);
    said.unless("rise", plan.rise, plain.rise, number);
    said.unless("fall", plan.fall, plain.fall, number);
    match word(&plan.check).filter(|_| is_short && said.len() == 1) {
        Some(word) => quoted(word),
        None => said.table(),
    }
}

/// What stands for a check that says no more than its kind, or its path.
fn word(check: &Check) -> Option<&str> {
    match check {
        Check::Connect => Some("connect"),
        Check::Packet => Some("packet"),
        Check::Http(check) => Some(&check.target),
        Check::Grpc { service } if service.is_empty() => Some("grpc"),
        Check::Grpc { .. } | Check::Exec { .. } => None,
    }
}

fn check(check: &Check) -> Said {
    let mut said = Said::default();
    match check {
        Check::Connect => said.on("connect", true),
        Check::Packet => said.on("packet", true),
        Check::Http(check) => http(&mut said, check),
        Check::Grpc { service } if service.is_empty() => said.on("grpc", true),
        Check::Grpc { service } => said.value("grpc", quoted(service)),
        Check::Exec { command } => {
            let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
            said.value("exec", format!("[{}]", words.join(", ")));
        }
    }
    said
}

fn http(said: &mut Said, check: &HttpCheck) {
    let plain = HttpCheck::default();
    said.value("path", quoted(&check.target));
    if check.method != plain.method {
        said.value("method", quoted(&check.method));
    }
    said.some("host", check.host.as_deref(), quoted);
    if !check.headers.is_empty() {
        let header = |(name, value): &(String, String)| format!("{} = {}", written(name), quoted(value));
        said.value(
            "header",
            inline(&check.headers.iter().map(header).collect::<Vec<_>>()),
        );
    }
    if check.statuses != plain.statuses {
        said.value("status", statuses(&check.statuses));
    }
    said.some("body_contains", check.body_contains.as_deref(), quoted);
}
