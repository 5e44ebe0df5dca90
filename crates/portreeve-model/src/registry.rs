//! The backends that registered themselves, and all that is decided about them; and whether those of the file pass.

mod address_fault;
mod claims;
mod due;
mod ending;
mod entering;
mod event;
mod fault;
mod files;
mod following;
mod groups;
mod joining;
mod journal;
mod kept;
mod member;
mod members;
mod operator;
mod pools;
mod probing;
mod rules;

#[cfg(test)]
mod histories;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod steps;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub use address_fault::AddressFault;
pub use event::{Event, EventKind};
pub use fault::{Bound, NotRegistered, RegistrationFault};
pub use joining::Registered;
pub use kept::{Change, Kept};
pub use member::Member;
pub use probing::ProbeOrder;

use crate::plan::Name;
use crate::policy::Policy;
use crate::registration::{MemberKey, Moment};
use files::Files;
use journal::Journal;
use members::Members;
use rules::Rules;

/// The backends that registered themselves, the *members* of their pools: who may join, how long each word counts, who
/// is to be probed, and what became of whom. Of the backends of the file it knows only who passes: see
/// [`watch`](Self::watch).
///
/// One writer calls it, and passes in the moment of each call; moments never go back. Each call first ends what has run
/// out by then. What threads see of a member at once is the [`Standing`](crate::Standing) of its backend: it says
/// `Gone` before the call that ends or replaces the member returns, and snapshots follow. The default knows no pool:
/// [`follow`](Self::follow) a plan first.
///
/// ```text
///             register                    pass                     own or operator's word
///  (nobody) ------------> Unproved --------------------> Serving ------------------------> Draining
///     ^                      |            fail,            |  ^  <------------------------    |
///     |                      |            suspected        v  |  pass (see `health.rs`)       |
///     | forgotten            |                            Down                                |
///     |                      |  lease over, left, revoked   |                                 |
///     +---------------------Gone<-----------------------------------------------------------+
/// ```
/// Draining hides whether probes pass, which is kept beside it. After a lease is over, key, place and policies are
/// remembered for the pool's grace: who comes back takes the old place in the order.
///
/// Registering, renewing and probing cost O(log n) of the members.
#[derive(Debug, Default)]
pub struct Registry {
    rules: Rules,
    members: Members,
    files: Files,
    /// Backends that take no new requests by the operator's word: of the file, by pool and label, and members, by pool
    /// and id, also while they are not registered.
    drained: BTreeSet<(Name, Arc<str>)>,
    journal: Journal,
}

impl Registry {
    /// The members of a pool in the order of their registration, whatever their standing; none of an unknown pool.
    pub fn members(&self, pool: &str) -> impl Iterator<Item = &Member> {
        self.members.of_pool(pool)
    }

    /// The members of all pools, pool by pool.
    pub fn all(&self) -> impl Iterator<Item = &Member> {
        self.members.all()
    }

    /// The policies of members, and of those whose lease is over but who are not forgotten yet, each once.
    pub fn known_policies(&self, pool: &str) -> impl Iterator<Item = &Policy> {
        self.members.known_policies(pool).map(|(policy, _)| policy)
    }

    /// The same, each with a number that rises whenever the members that uphold it, or the standing of one of them,
    /// change. No two policies ever have the same.
    pub(crate) fn policy_generations(&self, pool: &str) -> impl Iterator<Item = (&Policy, u64)> {
        self.members.known_policies(pool)
    }

    /// The members of a pool that uphold a policy, in the order of their registration, whatever their standing.
    pub(crate) fn upholding(&self, pool: &str, policy: &Policy) -> impl Iterator<Item = &Member> {
        self.members.upholding(pool, policy)
    }

    /// The member of that key.
    #[must_use]
    pub fn find(&self, key: &MemberKey) -> Option<&Member> {
        self.members.live(key).map(|slot| self.members.get(slot))
    }

    /// A number that rises whenever the members, known policies or drained backends of a pool, or the standing of one
    /// of its members, change; 0 of an unknown pool. No two pools ever have the same but 0.
    #[must_use]
    pub fn generation(&self, pool: &str) -> u64 {
        self.members.generation(pool)
    }

    /// How many members there are, in all pools.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.live_len()
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends the leases that are over by now, and forgets those whose grace is.
    pub fn tick(&mut self, at: Moment) {
        while let Some((due, slot)) = self.members.lease_over(at.since_start) {
            self.run_out(slot, due, at);
        }
    }

    /// When [`tick`](Self::tick) has something to do next, in time since the start.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        self.members.next_lease()
    }

    /// What happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.journal.take_events()
    }

    /// What a store has to write down since the last call, in order.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.journal.take_changes()
    }
}
