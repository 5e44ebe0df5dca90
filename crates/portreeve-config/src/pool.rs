//! `[pool.NAME]`.

pub(crate) mod backends;
pub(crate) mod ejection;
mod hedge;
pub(crate) mod probe;
mod retry;
pub(crate) mod room;
pub(crate) mod scale;
pub(crate) mod spoken;
pub(crate) mod sticky;

use std::time::Duration;

use portreeve_model::Policies;
use portreeve_model::plan::{BalancePlan, MembersPlan, Name, PoolPlan, ScaleMode};

use self::room::Room;
use crate::defaults::RESOLVE_EVERY;
use crate::listener::Placed;
use crate::place::{Place, quoted};
use crate::quantity::time;
use crate::section::Section;
use crate::word::Complaint;
use crate::{balance, duration, limits, members, policy};

/// One pool. Whether it names any backend at all is told apart from whether they could all be read.
#[derive(Debug)]
pub(crate) struct PoolDraft {
    pub(crate) placed: Placed<PoolPlan>,
    pub(crate) places: PoolPlaces,
    /// No backends were given.
    pub(crate) is_vacant: bool,
    /// Every backend that was given could be read.
    pub(crate) is_whole: bool,
}

/// Where the parts of a pool stand that not every use of it goes with.
#[derive(Debug)]
pub(crate) struct PoolPlaces {
    pub(crate) backends: Place,
    pub(crate) balance: Place,
    pub(crate) retry: Place,
    pub(crate) probe: Place,
    pub(crate) hedge: Place,
    pub(crate) sticky: Place,
    pub(crate) page: Place,
    pub(crate) scale: Place,
}

impl PoolPlaces {
    fn of(section: &Section<'_>) -> Self {
        Self {
            backends: section.place_of("backends"),
            balance: section.place_of("balance"),
            retry: section.place_of("retry"),
            probe: section.place_of("probe"),
            hedge: section.place_of("hedge"),
            sticky: section.place_of("sticky"),
            page: section
                .place_of("hold")
                .child("page", section.place_of("hold").line),
            scale: section.place_of("scale"),
        }
    }

    /// All in the same place.
    pub(crate) fn all(place: &Place) -> Self {
        Self {
            backends: place.clone(),
            balance: place.clone(),
            retry: place.clone(),
            probe: place.clone(),
            hedge: place.clone(),
            sticky: place.clone(),
            page: place.clone(),
            scale: place.clone(),
        }
    }
}

/// Reads one pool. Where something is at fault the default stands in, for the reading to go on.
pub(crate) fn read(name: Name, mut section: Section<'_>) -> PoolDraft {
    let items = section
        .get("backends")
        .map(|item| item.each())
        .unwrap_or_default();
    let policies = policy::upheld(&mut section);
    let scales = section.has("scale");
    let scheme = spoken::scheme(&mut section);
    let targets = backends::read(&items, &policies, scheme.unwrap_or_default());
    let mut plan = PoolPlan {
        scheme: scheme.unwrap_or_else(|| spoken::shared(&targets)),
        targets,
        members: members::read(&mut section, items.is_empty() || scales),
        ..PoolPlan::empty(name)
    };
    if scales {
        joined(&section, &mut plan);
    }
    choosing(&mut section, &mut plan);
    let below = serving(&mut section, &mut plan, &policies);
    if items.is_empty() && !scales {
        upholds_nothing(&section, &policies);
    }
    backends::not_only_backups(&section, &plan.targets, plan.members.is_some());
    let (place, places) = (section.place_of("backends"), PoolPlaces::of(&section));
    let below: Vec<(&str, &[&'static str])> =
        below.iter().map(|(key, keys)| (*key, keys.as_slice())).collect();
    section.finish(&below);
    PoolDraft {
        is_whole: plan.targets.len() == items.len() && plan.scale.is_some() == scales,
        is_vacant: items.is_empty() && !(scales && may_start(&plan)),
        placed: Placed { place, plan },
        places,
    }
}

/// How a backend is found and chosen.
fn choosing(section: &mut Section<'_>, plan: &mut PoolPlan) {
    plan.balance = section
        .get("balance")
        .and_then(|item| balance::read(&item))
        .unwrap_or_default();
    plan.sticky = sticky::read(section, &plan.balance);
    section.quantity("slow_start", &time(Duration::ZERO..=HOUR), &mut plan.slow_start);
    if plan.slow_start > Duration::ZERO && ignores_shares(&plan.balance) {
        let allowed = format!(
            "no such key with balance = \"{}\": it gives no shares",
            family(&plan.balance)
        );
        section.misfit("slow_start", quoted(&duration::show(plan.slow_start)), allowed);
    }
    plan.resolve_every = RESOLVE_EVERY;
    section.quantity(
        "resolve_every",
        &time(RESOLVE_MIN..=RESOLVE_MAX),
        &mut plan.resolve_every,
    );
}

/// The keys of the sections below this one, by the section.
type Below = [(&'static str, Vec<&'static str>); 6];

/// How its backends are looked at and used.
fn serving(section: &mut Section<'_>, plan: &mut PoolPlan, policies: &Policies) -> Below {
    let tls_keys = spoken::read(section, plan);
    plan.probe = probe::read(section);
    let of = scale::Of {
        policies,
        probe: plan.probe.as_ref(),
    };
    let (scale, scale_keys) = scale::read(section, &of);
    plan.scale = scale;
    let (limits, limit_keys) = limits::backend(section.section("limits"));
    let (ejection, ejection_keys) = ejection::read(section);
    let (retry, retry_keys) = retry::read(section.section("retry"), &limits);
    plan.hedge = hedge::read(section, &limits, &retry);
    let of = room::Of {
        limits: &limits,
        scale: plan.scale.as_ref(),
    };
    let (room, hold_keys) = room::read(section, &of);
    (plan.limits, plan.ejection, plan.retry) = (limits, ejection, retry);
    let Room {
        in_flight,
        fail_mode,
        hold,
    } = room;
    (plan.in_flight, plan.fail_mode, plan.hold) = (in_flight, fail_mode, hold);
    [
        ("limits", limit_keys),
        ("ejection", ejection_keys),
        ("retry", retry_keys),
        ("hold", hold_keys),
        ("scale", scale_keys),
        ("tls", tls_keys),
    ]
}

/// Whether the backend follows from the request or the file, so that none can be given a smaller share.
fn ignores_shares(balance: &BalancePlan) -> bool {
    matches!(balance, BalancePlan::Hash(_) | BalancePlan::First)
}

fn family(balance: &BalancePlan) -> String {
    match balance {
        BalancePlan::Hash(_) => "hash:...".to_owned(),
        other => balance::show(other),
    }
}

/// Whether anything is started in it, as far as could be read.
fn may_start(plan: &PoolPlan) -> bool {
    let scale = plan.scale.as_ref();
    scale.is_none_or(|scale| scale.mode == ScaleMode::On)
}

/// A pool that scales is joined by what it starts.
fn joined(section: &Section<'_>, plan: &mut PoolPlan) {
    if plan.members.is_none() {
        let allowed = "true, a table, or no such key: what [scale] starts joins the pool by registering";
        section.misfit("register", "false", allowed);
        plan.members = Some(MembersPlan::default());
    }
}

/// Policies of a pool in which only those are that register.
fn upholds_nothing(section: &Section<'_>, policies: &Policies) {
    if !policies.is_empty() && !section.findings.is_torn {
        let complaint = Complaint::new("no such key in a pool without backends").hint(SAYS_ITSELF);
        section
            .findings
            .add(&section.place_of("policies"), policies.to_string(), complaint);
    }
}

const SAYS_ITSELF: &str = "whoever registers says which policies it upholds";
const RESOLVE_MIN: Duration = Duration::from_millis(100);
const RESOLVE_MAX: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);
