//! The pools that the plan knows, and what the registry knows of each.

use std::collections::BTreeMap;

use super::members::Slot;
use crate::plan::MembersPlan;
use crate::policy::{Policies, Policy};

/// One pool.
#[derive(Debug, Default)]
pub(super) struct MemberPool {
    /// Whether it may be joined, and how long that counts.
    pub(super) plan: Option<MembersPlan>,
    pub(super) generation: u64,
    /// The live ones by their place.
    pub(super) order: BTreeMap<u64, Slot>,
    policies: BTreeMap<Policy, Upheld>,
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
