//! What is shown of backends.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use portreeve_model::plan::Name;
use portreeve_model::{
    Backend, BackendAddress, BackendId, Member, MemberKey, Moment, Policies, Registry, Snapshot, Standing,
    Tick, TokenId,
};

use super::condition::Condition;

/// One backend, registered or of the file, as of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct BackendState {
    /// Its pool.
    pub pool: Name,
    /// By what it is known there: the id it registered by, or the label of one of the file.
    pub id: Arc<str>,
    /// Its number: another one after each change of address, policies or weight.
    pub number: BackendId,
    /// Whether it registered itself; else it stands in the file.
    pub is_registered: bool,
    /// Where it is.
    pub address: BackendAddress,
    /// What it upholds.
    pub policies: Policies,
    /// Its share under weighted balancing.
    pub weight: u16,
    /// Whether it may be given requests.
    pub standing: Standing,
    /// Requests that run now.
    pub in_flight: u32,
    /// Requests it was ever given.
    pub requests: u64,
    /// Attempts that failed by its fault.
    pub failures: u64,
    /// When it joined, in milliseconds since 1970; of registered ones.
    pub since_unix_ms: Option<u64>,
    /// Until its lease is over; of those that renew it by heartbeats.
    pub expires_in: Option<Duration>,
    /// The token by which it registered.
    pub token: Option<TokenId>,
    /// How it does, beside its standing.
    pub condition: Condition,
    /// How busy it said it is, 0 to 1.
    pub load: Option<f32>,
    /// How many requests it said it has in flight.
    pub reported_in_flight: Option<u32>,
    /// Which version of itself it said it is.
    pub version: Option<Arc<str>>,
    /// Where it is; `None`: anywhere.
    pub zone: Option<Name>,
    /// Whether it serves only while no other may.
    pub is_backup: bool,
    /// Whether the operator drains it; `standing` may be draining by its own word as well.
    pub is_drained: bool,
    /// Why it does not serve, or soon may not, in words for people.
    pub reason: Option<String>,
}

impl BackendState {
    pub(super) fn of_file(pool: &Name, backend: &Backend, reason: Option<String>, seen: &Seen<'_>) -> Self {
        let standing = backend.standing();
        let report = backend.reported(seen.now()).unwrap_or_default();
        Self {
            pool: Arc::clone(pool),
            id: Arc::clone(&backend.label),
            number: backend.id,
            is_registered: backend.is_registered,
            address: backend.address.clone(),
            policies: backend.policies.clone(),
            weight: backend.weight,
            standing,
            in_flight: backend.in_flight(),
            requests: backend.vitals.requests_total(),
            failures: backend.vitals.failures_total(),
            since_unix_ms: None,
            expires_in: None,
            token: None,
            condition: Condition::of(backend, pool, seen.snapshot, seen.now()),
            load: report.load,
            reported_in_flight: report.in_flight,
            version: None,
            zone: backend.zone.clone(),
            is_backup: backend.is_backup,
            is_drained: standing == Standing::Draining,
            reason,
        }
    }

    pub(super) fn of_member(member: &Member, seen: &Seen<'_>) -> Self {
        let reason = member.last_reason().map(str::to_owned);
        let backend = Self::of_file(&member.key().pool, &member.backend, reason, seen);
        Self {
            since_unix_ms: Some(member.since_unix_ms),
            expires_in: member.expires_in(seen.at),
            token: member.token.clone(),
            load: member.load.or(backend.load),
            reported_in_flight: member.in_flight.or(backend.reported_in_flight),
            version: member.version.clone(),
            is_drained: member.is_drained,
            ..backend
        }
    }
}

/// When and beside what backends are looked at.
pub(super) struct Seen<'a> {
    pub(super) at: Moment,
    pub(super) snapshot: &'a Snapshot,
}

impl Seen<'_> {
    /// The same moment as the data plane counts.
    fn now(&self) -> Tick {
        Tick::after_start(self.at.since_start)
    }
}

/// All members, pool by pool, in the order they joined.
pub(super) fn members(registry: &Registry, seen: &Seen<'_>) -> Vec<BackendState> {
    let states = registry.all().map(|member| BackendState::of_member(member, seen));
    states.collect()
}

pub(super) fn member(registry: &Registry, key: &MemberKey, seen: &Seen<'_>) -> Option<BackendState> {
    registry
        .find(key)
        .map(|member| BackendState::of_member(member, seen))
}

/// Why backends of the file do not serve: of those that have a reason.
pub(super) fn reasons(registry: &Registry) -> HashMap<BackendId, String> {
    let reasons = registry.reasons_of_file();
    reasons.map(|(id, reason)| (id, reason.to_owned())).collect()
}

/// Both kinds, in the order of the snapshot's pools, and of a pool first those of the file.
pub(super) fn all(
    seen: &Seen<'_>,
    members: Vec<BackendState>,
    mut reasons: HashMap<BackendId, String>,
) -> Vec<BackendState> {
    let snapshot = seen.snapshot;
    let of_file = snapshot.pools.iter().flat_map(|pool| {
        let of_file = pool.backends.iter().filter(|backend| !backend.is_registered);
        of_file.map(move |backend| (&pool.name, backend))
    });
    let of_file = of_file
        .map(|(pool, backend)| BackendState::of_file(pool, backend, reasons.remove(&backend.id), seen));
    let mut states: Vec<BackendState> = of_file.chain(members).collect();
    let pools = snapshot.pools.iter().enumerate();
    let places: HashMap<&Name, usize> = pools.map(|(place, pool)| (&pool.name, place)).collect();
    states.sort_by_key(|state| (places.get(&state.pool).copied(), state.is_registered));
    states
}
