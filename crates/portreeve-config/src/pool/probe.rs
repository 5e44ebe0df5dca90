//! `probe` of `[pool.NAME]`: how its backends are looked at without a request.

mod exec;
mod http;

use std::time::Duration;

use portreeve_model::plan::{Check, HttpCheck, ProbePlan};

use crate::item::Item;
use crate::quantity::{count, time};
use crate::section::Section;
use crate::word::Complaint;

/// Reads a word or a table; `None` where backends are looked at only when there is a reason.
pub(super) fn read(section: &mut Section<'_>) -> Option<ProbePlan> {
    let item = section.get("probe")?;
    match item.is_table() {
        true => table(&item),
        false => item.word(probe).flatten(),
    }
}

/// `/healthz`, `connect`, `packet`, `grpc` or `off`.
pub(crate) fn probe(text: &str) -> Result<Option<ProbePlan>, Complaint> {
    let check = match text {
        "off" => return Ok(None),
        "connect" => Check::Connect,
        "packet" => Check::Packet,
        "grpc" => Check::Grpc {
            service: String::new(),
        },
        path if path.starts_with('/') => Check::Http(HttpCheck {
            target: http::target(path)?,
            ..HttpCheck::default()
        }),
        _ => return Err(complaint(text)),
    };
    Ok(Some(ProbePlan::new(check)))
}

fn table(item: &Item<'_>) -> Option<ProbePlan> {
    let mut section = item.section(Complaint::new(""));
    let check = check(&mut section);
    let mut plan = ProbePlan::new(Check::Connect);
    times(&mut section, &mut plan);
    section.quantity("rise", &count(1..=10), &mut plan.rise);
    section.quantity("fall", &count(1..=10), &mut plan.fall);
    section.finish(&[]);
    Some(ProbePlan {
        check: check?,
        ..plan
    })
}

/// The one thing that this table says is to be done.
fn check(section: &mut Section<'_>) -> Option<Check> {
    let checks = [
        http::read(section).map(Check::Http),
        grpc(section),
        exec::read(section).map(|command| Check::Exec { command }),
        plain(section, "connect").then_some(Check::Connect),
        plain(section, "packet").then_some(Check::Packet),
    ];
    section.exactly_one(&KINDS, "kind of probe", "a pool has one probe");
    http::not_beside(section, &KINDS[1..]);
    checks.into_iter().flatten().next()
}

/// `true`, or a service.
fn grpc(section: &mut Section<'_>) -> Option<Check> {
    let item = section.get("grpc")?;
    let service = match item.as_bool() {
        Some(true) => Some(String::new()),
        _ => item.word(service),
    };
    service.map(|service| Check::Grpc { service })
}

fn service(text: &str) -> Result<String, Complaint> {
    let is_good = text.len() <= SERVICE_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    match is_good && !text.is_empty() {
        true => Ok(text.to_owned()),
        false => Err(Complaint::new(
            "true for the server as a whole, or a service such as \"shop.Cart\"",
        )),
    }
}

/// A kind that has nothing to say beside that it is meant.
fn plain(section: &mut Section<'_>, key: &'static str) -> bool {
    let Some(item) = section.get(key) else {
        return false;
    };
    let is_on = item.as_bool() == Some(true);
    if !is_on {
        item.refuse(Complaint::new("true, or no such key"));
    }
    is_on
}

/// The two that lie within `every` follow it where nothing is said of them.
fn times(section: &mut Section<'_>, plan: &mut ProbePlan) {
    section.quantity("every", &time(EVERY_MIN..=HOUR), &mut plan.every);
    plan.every_unhealthy = plan.every_unhealthy.min(plan.every);
    plan.timeout = plan.timeout.min(plan.every);
    section.quantity(
        "every_unhealthy",
        &time(EVERY_MIN..=HOUR),
        &mut plan.every_unhealthy,
    );
    section.quantity("timeout", &time(MS..=HOUR), &mut plan.timeout);
    section.time_within("every_unhealthy", plan.every_unhealthy, "every", plan.every);
    section.time_within("timeout", plan.timeout, "every", plan.every);
}

fn complaint(text: &str) -> Complaint {
    let complaint = Complaint::new(PROBE);
    match text {
        "tcp" => complaint.hint("here it is called \"connect\""),
        "http" => complaint.hint("write the path, such as \"/healthz\""),
        "exec" => complaint.hint("write { exec = [\"./check\", \"{address}\"] }"),
        "none" | "no" | "never" => complaint.hint("for no probe write \"off\""),
        _ => complaint,
    }
}

const PROBE: &str = "a path such as \"/healthz\", \"connect\", \"packet\", \"grpc\", \"off\", or a table such as \
                     { path = \"/healthz\", every = \"1s\" }";
const KINDS: [&str; 5] = ["path", "grpc", "exec", "connect", "packet"];
const SERVICE_BYTES_MAX: usize = 256;
/// More often, and probing would be a load of its own.
const EVERY_MIN: Duration = Duration::from_millis(100);
const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);
