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
            if let Some(before) = self.members.open(pool) {
                self.probe_otherwise(&pool.name, &before, at);
            }
        }
        let there: BTreeSet<&Name> = plan.pools.iter().map(|pool| &pool.name).collect();
        let gone: Vec<Name> = self
            .members
            .pool_names()
            .into_iter()
            .filter(|name| !there.contains(name))
            .collect();
        for pool in &gone {
            self.members.shut(pool);
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

    /// At the start, before [`restore`](Self::restore): takes in which backends were drained.
    pub fn restore_drained(&mut self, drained: impl IntoIterator<Item = (Name, Arc<str>)>) {
        for named in drained {
            self.members.touch(&named.0);
            self.drained.insert(named);
        }
    }

    fn restore_one(&mut self, mut kept: Kept, at: Moment) {
        if !self.fits(&kept) {
            self.journal.change(Change::Delete(kept.announcement.key));
            return;
        }
        let (pool, id) = (&kept.announcement.key.pool, &kept.announcement.key.id);
        match kept.is_drained {
            true => drop(self.set_drained(pool, id, true)), // kept by a version that did not remember it apart
            false => kept.is_drained = self.is_drained(pool, id),
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

#[cfg(test)]
mod tests {
    use super::super::samples::*;
    use super::*;
    use crate::standing::Standing;

    fn kept(name: &str, address: &str, place: u64) -> Kept {
        Kept {
            announcement: said(name, address),
            source: None,
            token: None,
            is_drained: false,
            is_leaving: false,
            since_unix_ms: 1,
            place,
        }
    }

    #[test]
    fn members_of_pools_that_close_or_go_are_removed() {
        let mut registry = registry();
        let one = registry.add_serving("api/a", "10.0.0.1:80", 0).backend;
        let other = registry.add_serving("web/b", "10.0.0.2:80", 0).backend;
        registry.take_events();
        let mut next = plan();
        next.pools[0].members = None;
        next.pools.remove(1);
        registry.follow(&next, at(1));
        assert_eq!(
            (one.standing(), other.standing()),
            (Standing::Gone, Standing::Gone)
        );
        assert!(registry.is_empty());
        assert!(
            registry
                .take_events()
                .iter()
                .all(|event| event.kind == EventKind::Removed)
        );
        let code =
            |registry: &mut Registry, name| registry.refuse(said(name, "10.0.0.9:80"), &local(), 2).code();
        assert_eq!(code(&mut registry, "api/a"), "pool_not_joinable");
        assert_eq!(code(&mut registry, "web/b"), "unknown_pool");
    }

    #[test]
    fn a_reload_leaves_members_as_they_are() {
        let mut registry = registry();
        let backend = registry.add_serving("api/a", "10.0.0.1:80", 0).backend;
        let mut next = plan();
        next.registration.networks = vec![network("10.0.0.0", 8)];
        registry.follow(&next, at(1));
        assert!(std::sync::Arc::ptr_eq(
            &backend,
            &registry.member("api/a").backend
        ));
        assert_eq!(backend.standing(), Standing::Serving);
        let renewed = registry.renew(
            &key("api/a"),
            crate::registration::Beat::default(),
            &local(),
            at(2),
        );
        assert_eq!(renewed.unwrap_err().code(), "source_not_allowed");
    }

    #[test]
    fn what_was_kept_comes_back_unproved_in_its_old_order_with_its_drains() {
        let mut registry = registry();
        registry.restore_drained([("api".into(), "b".into())]);
        let drained = Kept {
            is_drained: true,
            ..kept("api/b", "10.0.0.2:80", 3)
        };
        registry.restore(vec![kept("api/a", "10.0.0.1:80", 7), drained], at(1_000));
        assert_eq!(registry.ids("api"), ["b", "a"]);
        assert_eq!(registry.standing("api/a"), Standing::Unproved);
        assert_eq!(registry.standing("api/b"), Standing::Draining);
        assert_eq!(registry.member("api/a").since_unix_ms, 1);
        assert_eq!(registry.next_due().unwrap().as_millis(), 11_000);
        assert_eq!(registry.take_probes(at(1_000), 9).len(), 2);
        assert!(registry.take_changes().is_empty());
        registry.add("api/c", "10.0.0.3:80", 1_001);
        assert_eq!(registry.ids("api"), ["b", "a", "c"]);
    }

    #[test]
    fn what_does_not_fit_any_more_is_not_restored_nor_kept() {
        let mut registry = registry();
        let misfits = [
            kept("none/a", "10.0.0.1:80", 2),
            kept("fixed/a", "10.0.0.1:80", 3),
            kept("api/other", "10.0.0.1:80", 4),
            kept("api/a", "10.0.0.4:80", 5),
            kept("api/meta", "169.254.169.254:80", 6),
        ];
        let mut all = misfits.to_vec();
        all.insert(0, kept("api/a", "10.0.0.1:80", 1));
        registry.restore(all, at(0));
        assert_eq!(registry.len(), 1);
        let deletes: Vec<Change> = misfits
            .into_iter()
            .map(|kept| Change::Delete(kept.announcement.key))
            .collect();
        assert_eq!(registry.take_changes(), deletes);
    }

    #[test]
    fn two_that_were_kept_at_one_place_both_come_back() {
        let mut registry = registry();
        registry.restore(
            vec![kept("api/a", "10.0.0.1:80", 1), kept("api/b", "10.0.0.2:80", 1)],
            at(0),
        );
        assert_eq!(registry.ids("api"), ["a", "b"]);
        assert_eq!(registry.take_changes().len(), 1);
    }

    #[test]
    fn a_drain_that_was_kept_only_with_its_member_is_remembered_from_now_on() {
        let mut registry = registry();
        let drained = Kept {
            is_drained: true,
            ..kept("api/a", "10.0.0.1:80", 1)
        };
        registry.restore(vec![drained], at(0));
        let put = Change::DrainPut("api".into(), "a".into());
        assert_eq!(registry.take_changes(), [put]);
        registry.deregister(&key("api/a"), &local(), at(1)).unwrap();
        registry.add("api/a", "10.0.0.1:80", 2);
        assert_eq!(registry.standing("api/a"), Standing::Draining);
    }

    #[test]
    fn drains_of_the_file_come_back_and_make_no_change() {
        let mut registry = registry();
        registry.restore_drained([("fixed".into(), "10.0.0.1:80".into())]);
        assert!(registry.is_drained("fixed", "10.0.0.1:80"));
        assert!(registry.take_changes().is_empty());
    }
}
