//! `in_flight`, `fail_mode` and `[pool.NAME.hold]`: how many requests a backend has at once, and what becomes of those
//! that find no backend.

mod page;

use std::time::Duration;

use portreeve_model::plan::{BackendLimits, FailMode, HoldPlan, InFlightPlan, ScalePlan};

use crate::quantity::{bytes, count, time};
use crate::section::Section;
use crate::word::Complaint;

/// What the three say together.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) in_flight: InFlightPlan,
    pub(super) fail_mode: FailMode,
    pub(super) hold: HoldPlan,
}

/// What the pool says that these three follow.
#[derive(Debug)]
pub(super) struct Of<'a> {
    pub(super) limits: &'a BackendLimits,
    pub(super) scale: Option<&'a ScalePlan>,
}

/// Reads all three; and the keys of the section.
pub(super) fn read(pool: &mut Section<'_>, of: &Of<'_>) -> (Room, Vec<&'static str>) {
    let in_flight = read_in_flight(pool).unwrap_or_default();
    let scales = pool.has("scale");
    let fail_mode = pool.word("fail_mode", fail_mode);
    let fail_mode = fail_mode.unwrap_or_else(|| by_default(scales));
    let mut room = Room {
        in_flight,
        fail_mode,
        hold: hold(of.limits.total_timeout, scales, in_flight, fail_mode),
    };
    let keys = read_hold(pool.section("hold"), of, &mut room);
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

/// What is held by default: nothing for longer than all may take. Long where a backend may have to be started first, or
/// where the limit is one that nobody set: without it the request would wait at the backend.
pub(crate) fn hold(
    total: Option<Duration>,
    scales: bool,
    in_flight: InFlightPlan,
    fail_mode: FailMode,
) -> HoldPlan {
    let plan = HoldPlan::default();
    let is_long = scales || in_flight == InFlightPlan::Adaptive && fail_mode != FailMode::Hold;
    let timeout = if is_long { plan.timeout } else { SHORT_TIMEOUT };
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

fn read_hold(mut section: Section<'_>, of: &Of<'_>, room: &mut Room) -> Vec<&'static str> {
    let plan = &mut room.hold;
    section.quantity("requests_max", &count(0..=100_000), &mut plan.requests_max);
    section.quantity("timeout", &time(MS..=TIMEOUT_MAX), &mut plan.timeout);
    section.quantity("bytes_max", &bytes(BYTES_MIN..=BYTES_MAX), &mut plan.bytes_max);
    plan.page = section.get("page").and_then(|item| page::read(&item));
    if let Some(total) = of.limits.total_timeout {
        section.time_within("timeout", plan.timeout, "total_timeout", total);
    }
    contradictions(&section, of, room);
    section.finish(&[])
}

fn contradictions(section: &Section<'_>, of: &Of<'_>, room: &Room) {
    let is_never = room.in_flight == InFlightPlan::Unlimited && room.fail_mode != FailMode::Hold;
    let shows_page = of.scale.is_some() && room.hold.page.is_some();
    if is_never && !section.is_absent() && !shows_page {
        let complaint =
            Complaint::new("no such section: with in_flight = \"unlimited\" no backend is ever full");
        section.findings.add(
            &section.place,
            "requests to be held",
            complaint.hint("where none is healthy they are held with fail_mode = \"hold\""),
        );
    } else if room.hold.requests_max == 0 && room.fail_mode == FailMode::Hold {
        section.misfit("requests_max", "0", format!("at least 1, since {}", why_held(of)));
    } else if room.hold.requests_max == 0 {
        for (key, found) in OF_HELD.into_iter().filter(|(key, _)| section.has(key)) {
            section.misfit(key, found, "no such key with requests_max = 0: nothing is held");
        }
    }
}

fn why_held(of: &Of<'_>) -> String {
    let sleepy = of
        .scale
        .and_then(|scale| scale.fleets.iter().find(|fleet| fleet.min == 0));
    match sleepy {
        Some(fleet) => format!(
            "fleet {} has min = 0: requests wait until its first backend has started",
            fleet.name
        ),
        None if of.scale.is_some() => {
            "fail_mode is \"hold\", as it is in a pool that scales and does not say otherwise".to_owned()
        }
        None => "fail_mode is \"hold\"".to_owned(),
    }
}

/// What has no meaning where nothing is held.
const OF_HELD: [(&str, &str); 2] = [
    ("timeout", "a time to be held"),
    ("bytes_max", "bytes to be held"),
];
/// At least one request's head.
const BYTES_MIN: u64 = 64 << 10;
const BYTES_MAX: u64 = 1 << 40;
const IN_FLIGHT: &str = "\"auto\", \"unlimited\", or a whole number from 1 to 1,000,000";
const IN_FLIGHT_MAX: u32 = 1_000_000;
/// How long a request is held by default where somebody has said when a backend is full, or wants requests to be held.
const SHORT_TIMEOUT: Duration = Duration::from_secs(5);
const MS: Duration = Duration::from_millis(1);
const TIMEOUT_MAX: Duration = Duration::from_secs(600);
