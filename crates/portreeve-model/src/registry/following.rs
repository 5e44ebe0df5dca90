//! What the registry takes from elsewhere: the plan, and what was kept over a restart.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Registry;
use super::address_fault::AddressFault;
use super::claims::server;
use super::event::EventKind;
use super::kept::{Change, Kept};
use super::member::Member;
use super::rules::{Rules, ttl};
use crate::plan::{Name, Plan};
use crate::registration::Moment;

impl Registry {
    /// Takes in what a plan says of pools and of who may register; first of all, and after each reload.
    ///
    /// Members of pools that are gone, or that may not be joined any more, are removed. All others stay as they are,
    /// though they might not be let in again: what they are refused is their next renewal.
    pub fn follow(&mut self, plan: &Plan, at: Moment) {
        self.rules = Rules::new(plan.registration.clone());
        for pool in &plan.pools {
            self.members.open(&pool.name, pool.members.clone());
        }
        let there: BTreeSet<&Name> = plan.pools.iter().map(|pool| &pool.name).collect();
        let gone: Vec<Name> = self
            .members
            .pool_names()
            .into_iter()
            .filter(|name| !there.contains(name))
            .collect();
        for pool in &gone {
            self.members.open(pool, None);
        }
        let homeless = |member: &Member| self.joinable(&member.key().pool).is_err();
        for slot in self.members.slots_where(homeless) {
            self.end(slot, EventKind::Removed, Some(HOMELESS.to_owned()), at);
        }
        for pool in &gone {
            self.members.close(pool);
        }
        self.tick(at);
    }

    /// At the start, after [`follow`](Self::follow): takes in what was kept, in the order it had. Nobody has proved
    /// anything yet, and each lease counts from now on.
    ///
    /// What no longer fits, as its pool may not be joined any more, its address not be registered, or another member
    /// is there, is not taken in, and a change says that it need not be kept.
    pub fn restore(&mut self, mut kept: Vec<Kept>, at: Moment) {
        kept.sort_by_key(|kept| kept.place);
        for one in kept {
            self.restore_one(one, at);
        }
    }

    /// At the start: takes in which backends of the file were drained.
    pub fn restore_drained(&mut self, drained: impl IntoIterator<Item = (Name, Arc<str>)>) {
        for named in drained {
            self.members.touch(&named.0);
            self.drained.insert(named);
        }
    }

    fn restore_one(&mut self, kept: Kept, at: Moment) {
        if !self.fits(&kept) {
            self.journal.change(Change::Delete(kept.announcement.key));
            return;
        }
        let plan = self.joinable(&kept.announcement.key.pool).expect("it fits");
        let lease = ttl(kept.announcement.term, None, plan);
        let place = kept.place.max(self.members.next_place());
        let is_moved = place != kept.place;
        let member = Member::unproved(Kept { place, ..kept }, lease, at);
        member.show();
        self.journal.note(EventKind::Restored, &member, None, at);
        if is_moved {
            self.journal.put(&member);
        }
        self.members.insert(member);
    }

    fn fits(&self, kept: &Kept) -> bool {
        let said = &kept.announcement;
        let is_free = self.members.known(&said.key).is_none()
            && self.members.at(&said.address).all(|slot| {
                let holder = self.members.get(slot);
                server(&holder.key().id) == server(&said.key.id)
            });
        is_free
            && self.joinable(&said.key.pool).is_ok()
            && AddressFault::of(said.address, self.rules.plan.allows_link_local).is_none()
            && self.members.len_without(&[]) < self.rules.plan.registrations_max as usize
    }
}

const HOMELESS: &str = "its pool may not be joined any more";
