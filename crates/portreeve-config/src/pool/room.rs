//! `in_flight`, `fail_mode` and `[pool.NAME.hold]`: how many requests a backend has at once, and what becomes of those
//! that find no backend.

use std::time::Duration;

use portreeve_model::plan::{BackendLimits, FailMode, HoldPlan, InFlightPlan};

use crate::quantity::{count, time};
use crate::section::Section;
use crate::word::Complaint;

/// What the three say together.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) in_flight: InFlightPlan,
    pub(super) fail_mode: FailMode,
    pub(super) hold: HoldPlan,
}

/// Reads all three, given the pool's limits; and the keys of the section.
pub(super) fn read(pool: &mut Section<'_>, limits: &BackendLimits) -> (Room, Vec<&'static str>) {
    let in_flight = read_in_flight(pool).unwrap_or_default();
    let scales = pool.has("scale");
    let fail_mode = pool
        .word("fail_mode", fail_mode)
        .unwrap_or_else(|| by_default(scales));
    let plan = hold(limits.total_timeout, scales);
    let (hold, keys) = read_hold(
        pool.section("hold"),
        plan,
        in_flight,
        fail_mode,
        limits.total_timeout,
    );
    let room = Room {
        in_flight,
        fail_mode,
        hold,
    };
    (room, keys)
}

/// `auto`, `unlimited` or a number, as a flag.
pub(crate) fn in_flight(text: &str) -> Result<InFlightPlan, Complaint> {
    match text.parse() {
        Ok(most) if (1..=IN_FLIGHT_MAX).contains(&most) && !text.starts_with('+') => {
            Ok(InFlightPlan::AtMost(most))
        }
        _ => in_flight_word(text),
    }
}

/// What is held by default: nothing for longer than all may take.
pub(crate) fn hold(total: Option<Duration>, scales: bool) -> HoldPlan {
    let plan = HoldPlan::default();
    let timeout = if scales { WAKE_TIMEOUT } else { plan.timeout };
    HoldPlan {
        timeout: total.map_or(timeout, |total| total.min(timeout)),
        ..plan
    }
}

/// What becomes of a request that finds nobody: where the pool scales, somebody is started for it.
pub(crate) fn by_default(scales: bool) -> FailMode {
    match scales {
        true => FailMode::Hold,
        false => FailMode::default(),
    }
}

/// Whether any request is ever held.
pub(crate) fn may_hold(in_flight: InFlightPlan, fail_mode: FailMode, hold: &HoldPlan) -> bool {
    let has_reason = in_flight != InFlightPlan::Unlimited || fail_mode == FailMode::Hold;
    has_reason && hold.requests_max > 0
}

/// The word for a fail mode.
pub(crate) fn show(mode: FailMode) -> &'static str {
    match mode {
        FailMode::Refuse => "refuse",
        FailMode::Hold => "hold",
        FailMode::UseAll => "use-all",
    }
}

fn read_in_flight(pool: &mut Section<'_>) -> Option<InFlightPlan> {
    let item = pool.get("in_flight")?;
    if item.as_text().is_some() {
        return item.word(in_flight_word);
    }
    let most = item.integer().and_then(|most| u32::try_from(most).ok());
    let most = most.filter(|most| (1..=IN_FLIGHT_MAX).contains(most));
    if most.is_none() {
        item.refuse(Complaint::new(IN_FLIGHT));
    }
    most.map(InFlightPlan::AtMost)
}

fn in_flight_word(text: &str) -> Result<InFlightPlan, Complaint> {
    match text {
        "auto" => Ok(InFlightPlan::Adaptive),
        "unlimited" => Ok(InFlightPlan::Unlimited),
        "off" | "none" | "0" => Err(Complaint::new(IN_FLIGHT).hint("for no bound write \"unlimited\"")),
        digits if digits.parse::<u32>().is_ok() => Err(Complaint::new(IN_FLIGHT).hint("without the quotes")),
        _ => Err(Complaint::new(IN_FLIGHT)),
    }
}

fn fail_mode(text: &str) -> Result<FailMode, Complaint> {
    match text {
        "refuse" => Ok(FailMode::Refuse),
        "hold" => Ok(FailMode::Hold),
        "use-all" => Ok(FailMode::UseAll),
        _ => Err(Complaint::one_of(&["refuse", "hold", "use-all"], text)),
    }
}

fn read_hold(
    mut section: Section<'_>,
    mut plan: HoldPlan,
    in_flight: InFlightPlan,
    fail_mode: FailMode,
    total: Option<Duration>,
) -> (HoldPlan, Vec<&'static str>) {
    section.quantity("requests_max", &count(0..=100_000), &mut plan.requests_max);
    section.quantity("timeout", &time(MS..=TIMEOUT_MAX), &mut plan.timeout);
    if let Some(total) = total {
        section.time_within("timeout", plan.timeout, "total_timeout", total);
    }
    contradictions(&section, &plan, in_flight, fail_mode);
    (plan, section.finish(&[]))
}

fn contradictions(section: &Section<'_>, plan: &HoldPlan, in_flight: InFlightPlan, fail_mode: FailMode) {
    let is_never = in_flight == InFlightPlan::Unlimited && fail_mode != FailMode::Hold;
    if is_never && !section.is_absent() {
        let complaint =
            Complaint::new("no such section: with in_flight = \"unlimited\" no backend is ever full");
        section.findings.add(
            &section.place,
            "requests to be held",
            complaint.hint("where none is healthy they are held with fail_mode = \"hold\""),
        );
    } else if plan.requests_max == 0 && fail_mode == FailMode::Hold {
        section.misfit("requests_max", "0", "at least 1, since fail_mode is \"hold\"");
    } else if plan.requests_max == 0 && section.has("timeout") {
        section.misfit(
            "timeout",
            "a time to be held",
            "no such key with requests_max = 0: nothing is held",
        );
    }
}

const IN_FLIGHT: &str = "\"auto\", \"unlimited\", or a whole number from 1 to 1,000,000";
const IN_FLIGHT_MAX: u32 = 1_000_000;
/// How long a request is held by default where its backend may have to be started first.
const WAKE_TIMEOUT: Duration = Duration::from_secs(30);
const MS: Duration = Duration::from_millis(1);
const TIMEOUT_MAX: Duration = Duration::from_secs(600);
