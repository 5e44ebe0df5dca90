//! Rules that ask for nothing, and bounds that no rule reaches.

use portreeve_model::plan::{DriverPlan, FleetPlan, InFlightPlan, PoolPlan, RulePlan};

use super::key;
use crate::pool::room::may_hold;
use crate::pool::scale::fleet::MAX;

/// A sentence each.
pub(super) fn warnings(pool: &PoolPlan, fleet: &FleetPlan) -> Vec<String> {
    let key = key(pool, fleet);
    let of_rules = fleet.rules.iter().filter_map(|rule| needless(pool, fleet, rule));
    let all = none(fleet).into_iter().chain(of_rules);
    all.map(|sentence| format!("{key}{sentence}")).collect()
}

/// No rule at all. Who says `min = 0` and no more wants it on or off.
fn none(fleet: &FleetPlan) -> Option<String> {
    let most = fleet.min.max(1);
    let is_meant = fleet.min == 0 && fleet.max == MAX;
    (fleet.rules.is_empty() && fleet.max > most && !is_meant).then(|| {
        format!(
            ".max: is never reached, as without target, steps or schedule nothing asks for more than {most}"
        )
    })
}

fn needless(pool: &PoolPlan, fleet: &FleetPlan, rule: &RulePlan) -> Option<String> {
    match rule {
        RulePlan::Steps { max, .. } => (*max <= fleet.min)
            .then(|| format!(".steps: has no effect, as its max of {max} is no more than min")),
        RulePlan::Schedule(plan) => (plan.min <= fleet.min).then(|| {
            format!(
                ".schedule: has no effect, as its min of {} is no more than min of the fleet",
                plan.min
            )
        }),
        RulePlan::Cpu { .. } => unknown(fleet, "cpu"),
        RulePlan::Memory { .. } => unknown(fleet, "memory"),
        RulePlan::HoldAge { .. } => (!may_hold(pool.in_flight, pool.fail_mode, &pool.hold))
            .then(|| ".target.hold_age: has no effect, as the pool holds no requests".to_owned()),
        RulePlan::InFlight { per_backend } => in_flight(pool, *per_backend),
        RulePlan::Requests { .. } | RulePlan::Latency { .. } | RulePlan::Load { .. } => None,
    }
}

/// What the driver cannot tell.
fn unknown(fleet: &FleetPlan, target: &str) -> Option<String> {
    let is_unknown = matches!(fleet.driver, DriverPlan::Exec(_) | DriverPlan::Ec2(_));
    is_unknown.then(|| {
        format!(
            ".target.{target}: has no effect, as the {} driver does not know it; backends may report their load",
            fleet.driver.code()
        )
    })
}

/// More than a backend is ever given.
fn in_flight(pool: &PoolPlan, per_backend: u32) -> Option<String> {
    let InFlightPlan::AtMost(most) = pool.in_flight else {
        return None;
    };
    (per_backend > most).then(|| {
        format!(
            ".target.in_flight_per_backend: {per_backend} is more than in_flight = {most} of the pool, so requests wait \
             before it asks for another backend"
        )
    })
}
