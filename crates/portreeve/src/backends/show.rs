//! `portreeve backends show`

use std::process::ExitCode;

use portreeve_api::{BackendState, rfc3339};

use super::arguments::Named;
use super::list::{dashed, expiry};
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
    let mut facts = vec![
        ("standing", standing),
        ("address", state.address.clone()),
        ("policies", dashed(&state.policies.join(", "))),
        ("weight", state.weight.to_string()),
        ("in flight", state.in_flight.to_string()),
        ("requests", state.requests.to_string()),
    ];
    match state.registered {
        true => facts.extend(membership(state)),
        false => facts.push(("stands in", "the configuration".to_owned())),
    }
    facts
}

fn membership(state: &BackendState) -> Vec<(&'static str, String)> {
    let since = state.since_unix_ms.map(|ms| ("registered", rfc3339(ms)));
    let load = state.load.map(|load| ("load", format!("{:.0} %", load * 100.0)));
    let token = state.token.clone().map(|token| ("token", token));
    let expires = state
        .expires_in_ms
        .map(|_| ("expires", format!("in {}, without a heartbeat", expiry(state))));
    [since, expires, load, token].into_iter().flatten().collect()
}
