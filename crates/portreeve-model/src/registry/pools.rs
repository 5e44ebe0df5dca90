//! The pools that the plan knows, and what the registry knows of each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::members::Slot;
use crate::digest::digest;
use crate::health::Rhythm;
use crate::plan::{Check, MembersPlan, PoolPlan, ProbePlan, Scheme};
use crate::policy::{Policies, Policy};
use crate::registration::Term;

/// One pool.
#[derive(Debug, Default)]
pub(super) struct MemberPool {
    /// Whether it may be joined, and how long that counts.
    pub(super) plan: Option<MembersPlan>,
    pub(super) probing: Probing,
    pub(super) generation: u64,
    /// The live ones by their place.
    pub(super) order: BTreeMap<u64, Slot>,
    policies: BTreeMap<Policy, Upheld>,
}

/// How the backends of a pool are probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Probing {
    pub(super) plan: Arc<ProbePlan>,
    /// Whether the operator asks for it; else it is done only when there is a reason.
    pub(super) is_asked: bool,
    /// What is spoken with those that register.
    pub(super) scheme: Scheme,
    /// By which version of the PROXY protocol each connection to them begins.
    pub(super) proxy_protocol: Option<u8>,
}

impl Default for Probing {
    fn default() -> Self {
        Self {
            plan: Arc::new(unasked()),
            is_asked: false,
            scheme: Scheme::default(),
            proxy_protocol: None,
        }
    }
}

impl Probing {
    pub(super) fn of(pool: &PoolPlan) -> Self {
        Self {
            plan: Arc::new(pool.probe.clone().unwrap_or_else(unasked)),
            is_asked: pool.probe.is_some(),
            scheme: pool.scheme,
            proxy_protocol: pool.proxy_protocol,
        }
    }

    /// Of a member that registered on these terms, or of a backend of the file.
    pub(super) fn rhythm(&self, term: Option<Term>, label: &str) -> Rhythm {
        let every = match term {
            _ if self.is_asked => Some(self.plan.every),
            Some(Term::Probes) => Some(WATCH_EVERY),
            Some(Term::Heartbeats(_)) | None => None,
        };
        Rhythm::of(&self.plan, every, digest(label.as_bytes()))
    }
}

/// When nobody asks for probes, one that fails is enough, as there was a reason for it. A packet server that serves one
/// connection at a time must not mind.
fn unasked() -> ProbePlan {
    ProbePlan {
        timeout: UNASKED_TIMEOUT,
        fall: 1,
        ..ProbePlan::new(Check::Packet)
    }
}

/// Who upholds a policy in a pool.
#[derive(Debug, Default)]
struct Upheld {
    /// How many do, remembered ones included; at least one.
    known: u32,
    /// Rises with each change of who does, and of their standing.
    generation: u64,
    /// The live ones by their place.
    order: BTreeMap<u64, Slot>,
}

impl MemberPool {
    /// Each policy that a member upholds, live or remembered, and the generation of who does.
    pub(super) fn known(&self) -> impl Iterator<Item = (&Policy, u64)> {
        self.policies
            .iter()
            .map(|(policy, upheld)| (policy, upheld.generation))
    }

    /// The live ones that uphold a policy, in order.
    pub(super) fn upholding(&self, policy: &Policy) -> impl Iterator<Item = Slot> {
        let upheld = self.policies.get(policy).into_iter();
        upheld.flat_map(|upheld| upheld.order.values().copied())
    }

    /// A live member's place and slot, or that it is only remembered.
    pub(super) fn know(&mut self, policies: &Policies, live: Option<(u64, Slot)>) {
        for policy in policies {
            let upheld = self.policies.entry(policy.clone()).or_default();
            upheld.known += 1;
            upheld.order.extend(live);
        }
        self.order.extend(live);
    }

    pub(super) fn unknow(&mut self, policies: &Policies, place: u64) {
        for policy in policies {
            let Some(upheld) = self.policies.get_mut(policy) else {
                continue;
            };
            upheld.known -= 1;
            upheld.order.remove(&place);
            if upheld.known == 0 {
                self.policies.remove(policy);
            }
        }
        self.order.remove(&place);
    }

    /// Something about who upholds these has changed.
    pub(super) fn touch(&mut self, policies: &Policies, generation: u64) {
        self.generation = generation;
        for policy in policies {
            if let Some(upheld) = self.policies.get_mut(policy) {
                upheld.generation = generation;
            }
        }
    }
}

/// How long a backend may take to accept if the plan says nothing.
const UNASKED_TIMEOUT: Duration = Duration::from_secs(2);
/// Between two probes of a member that is kept by them, if the plan says nothing.
const WATCH_EVERY: Duration = Duration::from_secs(5);
