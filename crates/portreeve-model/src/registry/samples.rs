//! Small registries, senders and moments for tests.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::{Event, EventKind, Member, Registered, RegistrationFault, Registry};
use crate::plan::{BalancePlan, MembersPlan, Network, Plan, PoolPlan, RegistrationPlan};
use crate::policy::{Policies, Policy};
use crate::registration::{Announcement, Beat, MemberKey, Moment, PolicyScope, Sender, Term, Token};
use crate::standing::Standing;

/// Pools `api` and `web`, which may be joined for 10 s with 20 s of grace, and `fixed`, which may not. From loopback
/// and 10.0.0.0/8.
pub(super) fn plan() -> Plan {
    let mut pools = vec![pool("api"), pool("web"), pool("fixed")];
    pools[2].members = None;
    let networks = vec![
        network("127.0.0.0", 8),
        network("::1", 128),
        network("10.0.0.0", 8),
    ];
    Plan {
        pools,
        registration: RegistrationPlan {
            networks,
            ..RegistrationPlan::default()
        },
        ..Plan::default()
    }
}

fn pool(name: &str) -> PoolPlan {
    PoolPlan {
        members: Some(MembersPlan {
            ttl: Duration::from_secs(10),
            ttl_max: Duration::from_secs(60),
            grace: Duration::from_secs(20),
        }),
        ..crate::samples::pool_plan(name, BalancePlan::RoundRobin, &[])
    }
}

pub(super) fn network(address: &str, prefix: u8) -> Network {
    Network {
        address: address.parse().unwrap(),
        prefix,
    }
}

pub(super) fn registry() -> Registry {
    following(&plan())
}

pub(super) fn following(plan: &Plan) -> Registry {
    let mut registry = Registry::default();
    registry.follow(plan, at(0));
    registry
}

/// So many milliseconds after the start.
pub(super) fn at(ms: u64) -> Moment {
    Moment {
        since_start: Duration::from_millis(ms),
        unix_ms: STARTED_UNIX_MS + ms,
    }
}

/// `pool/id`.
pub(super) fn key(text: &str) -> MemberKey {
    let (pool, id) = text.split_once('/').unwrap();
    MemberKey {
        pool: pool.into(),
        id: id.into(),
    }
}

pub(super) fn policies(names: &[&str]) -> Policies {
    names.iter().map(|name| Policy::new(name).unwrap()).collect()
}

/// `pool/id` with the policy `eu` and heartbeats as the pool has them.
pub(super) fn said(name: &str, address: &str) -> Announcement {
    Announcement {
        key: key(name),
        address: address.parse().unwrap(),
        policies: policies(&["eu"]),
        weight: 1,
        term: Term::Heartbeats(None),
        spells_types_as_text: false,
        zone: None,
        is_backup: false,
    }
}

pub(super) fn from(source: &str) -> Sender {
    Sender {
        source: Some(source.parse::<IpAddr>().unwrap()),
        token: None,
    }
}

pub(super) fn local() -> Sender {
    from("127.0.0.1")
}

pub(super) fn with(token: Token, source: &str) -> Sender {
    Sender {
        token: Some(Arc::new(token)),
        ..from(source)
    }
}

/// One that allows everything within 10.0.0.0/8.
pub(super) fn token(id: &str) -> Token {
    Token {
        id: id.into(),
        certificate: None,
        pools: Vec::new(),
        policies: PolicyScope::Any,
        networks: vec![network("10.0.0.0", 8)],
        weight_max: 1_000,
        ttl_max: None,
        expires_unix_ms: None,
    }
}

impl Registry {
    /// By the proxy's own host.
    pub(super) fn add(&mut self, name: &str, address: &str, ms: u64) -> Registered {
        self.register(said(name, address), &local(), at(ms)).unwrap()
    }

    /// By the proxy's own host, and proved.
    pub(super) fn add_serving(&mut self, name: &str, address: &str, ms: u64) -> Registered {
        let registered = self.add(name, address, ms);
        self.proved(registered.backend.id, Ok(()), at(ms));
        registered
    }

    pub(super) fn refuse(&mut self, said: Announcement, by: &Sender, ms: u64) -> RegistrationFault {
        self.register(said, by, at(ms)).unwrap_err()
    }

    pub(super) fn beat(&mut self, name: &str, ms: u64) {
        self.renew(&key(name), Beat::default(), &local(), at(ms)).unwrap();
    }

    pub(super) fn member(&self, name: &str) -> &Member {
        self.find(&key(name)).unwrap()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.find(&key(name)).is_some()
    }

    pub(super) fn standing(&self, name: &str) -> Standing {
        self.member(name).standing()
    }

    pub(super) fn fail(&mut self, name: &str, ms: u64) {
        let backend = self.member(name).backend.id;
        self.proved(backend, Err("refused".to_owned()), at(ms));
    }

    pub(super) fn pass(&mut self, name: &str, ms: u64) {
        let backend = self.member(name).backend.id;
        self.proved(backend, Ok(()), at(ms));
    }

    /// The ids of a pool's members, in order.
    pub(super) fn ids(&self, pool: &str) -> Vec<&str> {
        self.members(pool).map(|member| &*member.key().id).collect()
    }

    pub(super) fn known(&self, pool: &str) -> Vec<&str> {
        self.known_policies(pool).map(Policy::as_str).collect()
    }

    /// What happened to whom since the last time.
    pub(super) fn happened(&mut self) -> Vec<(EventKind, String)> {
        let what = |event: Event| (event.kind, event.key.to_string());
        self.take_events().into_iter().map(what).collect()
    }
}

pub(super) fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

const STARTED_UNIX_MS: u64 = 1_700_000_000_000;
