//! `portreeve backends show`

use std::process::ExitCode;
use std::time::Duration;

use portreeve_api::{BackendState, Ejection, rfc3339, show as shown};

use super::arguments::Named;
use super::list::{dashed, expiry, latency};
use crate::caller::Call;
use crate::failure::Failure;
use crate::operator::Operator;
use crate::output;

pub(super) fn show(operator: &Operator, backend: &Named, json: bool) -> Result<ExitCode, Failure> {
    let answer = operator.ask(&Call::new("GET", backend.path().to_string()))?;
    if json {
        return output::print(&answer.text());
    }
    let state: BackendState = answer.read().map_err(|error| operator.failure(&error))?;
    output::print(&page(&state))
}

fn page(state: &BackendState) -> String {
    let facts = facts(state);
    let lines = facts.iter().map(|(name, fact)| format!("{name:<10} {fact}\n"));
    format!("{}/{}\n{}", state.pool, state.id, lines.collect::<String>())
}

fn facts(state: &BackendState) -> Vec<(&'static str, String)> {
    let standing = match &state.reason {
        Some(reason) => format!("{}: {reason}", state.standing),
        None => state.standing.clone(),
    };
    let mut facts = vec![("standing", standing)];
    facts.extend(condition(state));
    facts.extend([
        ("address", state.address.clone()),
        ("policies", dashed(&state.policies.join(", "))),
        ("weight", weight(state)),
        ("in flight", in_flight(state)),
        (
            "requests",
            format!("{}, of which {} failed", state.requests, state.failures),
        ),
        ("latency", latency(state)),
    ]);
    facts.extend(said(state));
    match state.registered {
        true => facts.extend(membership(state)),
        false => facts.push(("stands in", "the configuration".to_owned())),
    }
    facts
}

/// What keeps requests away although it serves.
fn condition(state: &BackendState) -> Vec<(&'static str, String)> {
    let condition = &state.condition;
    let ejected = condition
        .ejected
        .as_ref()
        .map(|ejected| ("ejected", told(ejected)));
    let stalled = "it has requests in flight and answers none of them".to_owned();
    let stalled = condition.stalled.then_some(("stalled", stalled));
    let warmth = condition
        .warmth
        .map(|warmth| ("warmth", format!("{:.0} % of its share", warmth * 100.0)));
    [ejected, stalled, warmth].into_iter().flatten().collect()
}

fn told(ejected: &Ejection) -> String {
    let trial = match (ejected.on_trial, ejected.trial_in_ms) {
        (true, _) => "one request is its trial".to_owned(),
        (false, 0) => "the next request is its trial".to_owned(),
        (false, ms) => {
            let time = Duration::from_secs(ms.div_ceil(1_000));
            format!("one request may be its trial in {}", shown(time))
        }
    };
    let times = match ejected.times {
        1 => "once".to_owned(),
        times => format!("{times} times in a row"),
    };
    format!("{times}, by {}; {trial}", ejected.by)
}

fn weight(state: &BackendState) -> String {
    match state.backup {
        true => format!("{}, a backup", state.weight),
        false => state.weight.to_string(),
    }
}

fn in_flight(state: &BackendState) -> String {
    match state.condition.in_flight_limit {
        Some(limit) => format!("{} of at most {limit}", state.in_flight),
        None => state.in_flight.to_string(),
    }
}

/// What it says of itself.
fn said(state: &BackendState) -> Vec<(&'static str, String)> {
    let load = state.load.map(|load| ("load", format!("{:.0} %", load * 100.0)));
    let busy = state
        .reported_in_flight
        .map(|count| ("says", format!("{count} requests are in flight there")));
    let version = state.version.clone().map(|version| ("version", version));
    let zone = state.zone.clone().map(|zone| ("zone", zone));
    [load, busy, version, zone].into_iter().flatten().collect()
}

fn membership(state: &BackendState) -> Vec<(&'static str, String)> {
    let since = state.since_unix_ms.map(|ms| ("registered", rfc3339(ms)));
    let token = state.token.clone().map(|token| ("token", token));
    let expires = state
        .expires_in_ms
        .map(|_| ("expires", format!("in {}, without a heartbeat", expiry(state))));
    [since, expires, token].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(more: &str) -> BackendState {
        let json = format!(
            r#"{{"pool":"api","id":"a1","address":"10.0.0.7:80","policies":[],"weight":1,"standing":"serving",
            "registered":false,"in_flight":3,"requests":9{more}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn fact(state: &BackendState, wanted: &str) -> Option<String> {
        let mut facts = facts(state).into_iter();
        facts.find_map(|(name, fact)| (name == wanted).then_some(fact))
    }

    #[test]
    fn whoever_is_ejected_is_shown_with_the_reason_and_the_time() {
        let state = state(r#","ejected":{"by":"latency","times":2,"trial_in_ms":3001}"#);
        assert_eq!(
            fact(&state, "ejected").unwrap(),
            "2 times in a row, by latency; one request may be its trial in 4s"
        );
    }

    #[test]
    fn what_is_not_said_is_not_shown() {
        let state = state("");
        for name in ["ejected", "stalled", "warmth", "load", "says", "version", "zone"] {
            assert_eq!(fact(&state, name), None, "{name}");
        }
        assert_eq!(fact(&state, "in flight").unwrap(), "3");
        assert_eq!(fact(&state, "weight").unwrap(), "1");
    }

    #[test]
    fn limits_backups_and_what_it_says_are_shown() {
        let state = state(
            r#","in_flight_limit":16,"backup":true,"load":0.4,"reported_in_flight":7,"version":"v2","zone":"eu-1","warmth":0.55"#,
        );
        for (name, expected) in [
            ("in flight", "3 of at most 16"),
            ("weight", "1, a backup"),
            ("load", "40 %"),
            ("says", "7 requests are in flight there"),
            ("version", "v2"),
            ("zone", "eu-1"),
            ("warmth", "55 % of its share"),
        ] {
            assert_eq!(fact(&state, name).unwrap(), expected, "{name}");
        }
    }
}
