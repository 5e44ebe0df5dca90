//! Fleets.

use std::collections::BTreeMap;

use portreeve_api as api;
use portreeve_model::plan::ScaleMode;
use portreeve_model::scale::{Bound, Decision, InstanceState as State, Wish};
use portreeve_scaler::{FleetState, InstanceState, Role};

use super::millis;

pub(crate) fn fleet(state: &FleetState) -> api::FleetState {
    let decision = state.decision.as_ref();
    let last_fault = state.last_fault.as_ref();
    let (raised, lowered) = state.changes;
    api::FleetState {
        pool: state.key.pool.to_string(),
        fleet: state.key.fleet.to_string(),
        driver: state.driver.to_owned(),
        mode: mode(state.mode).to_owned(),
        role: role(&state.role).to_owned(),
        leader: match &state.role {
            Role::Follows(leader) => Some(leader.clone()),
            Role::Leads | Role::Unknown => None,
        },
        min: state.min,
        max: state.max,
        size: state.size,
        instances_by_state: by_state(state),
        decision: decision.map(|(decision, ago)| self::decision(decision, millis(*ago))),
        instances: state.instances.iter().map(instance).collect(),
        events: owned(&state.events),
        faults: owned(&state.faults),
        last_fault: last_fault.map(|(text, ago)| api::FleetFault {
            text: text.clone(),
            age_ms: millis(*ago),
        }),
        raised,
        lowered,
        leaving: state.is_leaving,
    }
}

pub(crate) fn mode(mode: ScaleMode) -> &'static str {
    match mode {
        ScaleMode::On => "on",
        ScaleMode::Observe => "observe",
    }
}

pub(crate) fn role(role: &Role) -> &'static str {
    match role {
        Role::Unknown => "unknown",
        Role::Leads => "leads",
        Role::Follows(_) => "follows",
    }
}

fn by_state(state: &FleetState) -> BTreeMap<String, u32> {
    let counts = State::ALL.map(|of| (of.code().to_owned(), state.count(of)));
    counts.into()
}

fn decision(decision: &Decision, age_ms: u64) -> api::FleetDecision {
    api::FleetDecision {
        age_ms,
        from: decision.current,
        to: decision.size,
        rule: decision.rule.map(|rule| rule.code().to_owned()),
        wishes: decision.wishes.iter().map(wish).collect(),
        bounds: decision.bounds.iter().map(bound).collect(),
    }
}

fn wish(wish: &Wish) -> api::FleetWish {
    api::FleetWish {
        rule: wish.rule.code().to_owned(),
        size: wish.size,
        seen: finite(wish.seen),
        target: finite(wish.target),
        text: wish.to_string(),
    }
}

/// JSON has no other numbers. What never comes has 0, and its text says that it never does.
fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}

fn bound(bound: &Bound) -> api::FleetBound {
    api::FleetBound {
        by: bound.by.code().to_owned(),
        from: bound.from,
        to: bound.to,
        text: bound.to_string(),
    }
}

fn instance(state: &InstanceState) -> api::InstanceState {
    api::InstanceState {
        id: state.id.to_string(),
        handle: state.handle.clone(),
        address: state.address.map(|address| address.to_string()),
        state: state.state.code().to_owned(),
        state_for_ms: millis(state.state_for),
        standing: state.standing.map(|standing| standing.code().to_owned()),
        in_flight: state.in_flight,
        restarts: state.restarts,
        cpu_ms: state.usage.cpu_total.map(millis),
        cpu_percent: state.cpu_percent.map(finite),
        memory_bytes: state.usage.memory_bytes,
        memory_max_bytes: state.usage.memory_max,
        uptime_ms: state.usage.uptime.map(millis),
    }
}

fn owned(counts: &BTreeMap<&'static str, u64>) -> BTreeMap<String, u64> {
    counts
        .iter()
        .map(|(code, count)| ((*code).to_owned(), *count))
        .collect()
}

#[cfg(test)]
mod tests {
    use portreeve_model::scale::RuleKind;

    use super::*;

    #[test]
    fn a_wish_that_never_comes_reads_back() {
        let never = Wish {
            rule: RuleKind::Idle,
            size: 1,
            seen: 12.0,
            target: f64::INFINITY,
        };
        let text = serde_json::to_string(&wish(&never)).unwrap();
        let back: api::FleetWish = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (back.target, &*back.text),
            (0.0, "idle: the last one never stops: wants 1")
        );
    }
}
