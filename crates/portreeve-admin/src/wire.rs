//! From what the control plane says to what the API says.

mod fleet;

use portreeve_api as api;
use portreeve_control::{BackendState, Condition, NewCertificateToken, NewToken, Refused, TokenState};
use portreeve_model::plan::Network;
use portreeve_model::{Event, Policies, PolicyScope};

pub(crate) use self::fleet::fleet;

pub(crate) fn policies(policies: &Policies) -> Vec<String> {
    policies.iter().map(|policy| policy.as_str().to_owned()).collect()
}

pub(crate) fn backend(state: BackendState) -> api::BackendState {
    api::BackendState {
        pool: state.pool.to_string(),
        id: state.id.to_string(),
        address: state.address.to_string(),
        policies: policies(&state.policies),
        weight: state.weight,
        standing: state.standing.code().to_owned(),
        registered: state.is_registered,
        in_flight: state.in_flight,
        requests: state.requests,
        failures: state.failures,
        since_unix_ms: state.since_unix_ms,
        expires_in_ms: state.expires_in.map(millis),
        token: state.token.map(|token| token.to_string()),
        load: state.load,
        reported_in_flight: state.reported_in_flight,
        version: state.version.map(|version| version.to_string()),
        zone: state.zone.map(|zone| zone.to_string()),
        backup: state.is_backup,
        condition: condition(&state.condition),
        reason: state.reason,
    }
}

fn condition(condition: &Condition) -> api::Condition {
    let ejected = condition.ejection.map(|ejected| api::Ejection {
        by: ejected.by.code().to_owned(),
        times: ejected.times,
        trial_in_ms: millis(condition.trial_in),
        on_trial: ejected.is_on_trial,
    });
    api::Condition {
        ejected,
        in_flight_limit: condition.limit,
        expected_latency_ms: condition.latency.map(|latency| latency.as_secs_f64() * 1e3),
        warmth: Some(condition.warmth).filter(|warmth| *warmth < 1.0),
        stalled: condition.is_stalled,
    }
}

pub(crate) fn event(event: &Event) -> api::EventLine {
    api::EventLine {
        at: api::rfc3339(event.unix_ms),
        event: event.kind.code().to_owned(),
        sequence: event.sequence,
        pool: event.key.pool.to_string(),
        backend: event.key.id.to_string(),
        address: event.address.to_string(),
        policies: policies(&event.policies),
        reason: event.reason.clone(),
    }
}

pub(crate) fn token(state: &TokenState) -> api::TokenState {
    of_token(&state.token)
}

pub(crate) fn made(made: NewToken) -> api::MadeToken {
    api::MadeToken {
        state: of_token(&made.token),
        token: Some(made.shown),
        stored: made.is_stored,
    }
}

pub(crate) fn made_for_certificate(made: &NewCertificateToken) -> api::MadeToken {
    api::MadeToken {
        state: of_token(&made.token),
        token: None,
        stored: made.is_stored,
    }
}

fn of_token(token: &portreeve_model::Token) -> api::TokenState {
    let pools = token.pools.iter().map(|pool| pool.to_string());
    let networks = token.networks.iter().map(network);
    api::TokenState {
        id: token.id.to_string(),
        certificate: token.certificate.as_ref().map(ToString::to_string),
        pools: some(pools),
        policies: match &token.policies {
            PolicyScope::Any => None,
            PolicyScope::These(these) => Some(policies(these)),
        },
        networks: some(networks),
        weight_max: token.weight_max,
        ttl_max_ms: token.ttl_max.map(millis),
        expires_unix_ms: token.expires_unix_ms,
    }
}

/// An empty list there means no limit, which a missing one means here.
fn some(texts: impl Iterator<Item = String>) -> Option<Vec<String>> {
    let texts: Vec<String> = texts.collect();
    (!texts.is_empty()).then_some(texts)
}

fn network(network: &Network) -> String {
    format!("{}/{}", network.address, network.prefix)
}

pub(crate) fn problem(refused: &Refused) -> api::Problem {
    api::Problem::new(refused.status(), refused.code(), refused.to_string()).in_field(refused.field())
}

pub(crate) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
