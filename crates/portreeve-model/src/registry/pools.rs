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
    /// By how many each policy is upheld, remembered ones included.
    known: BTreeMap<Policy, u32>,
}

impl MemberPool {
    pub(super) fn known(&self) -> impl Iterator<Item = &Policy> {
        self.known.keys()
    }

    pub(super) fn know(&mut self, policies: &Policies) {
        for policy in policies {
            *self.known.entry(policy.clone()).or_default() += 1;
        }
    }

    pub(super) fn unknow(&mut self, policies: &Policies) {
        for policy in policies {
            if let Some(count) = self.known.get_mut(policy) {
                *count -= 1;
                if *count == 0 {
                    self.known.remove(policy);
                }
            }
        }
    }
}
