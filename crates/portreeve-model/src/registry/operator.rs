//! The operator's word.

use std::sync::Arc;

use super::Registry;
use super::event::EventKind;
use super::fault::NotRegistered;
use super::kept::Change;
use super::member::Member;
use super::members::Slot;
use crate::backend::Backend;
use crate::plan::Name;
use crate::registration::{MemberKey, Moment};

impl Registry {
    /// A member gets no new requests until it is undrained, whatever its heartbeats say, and whether it leaves and
    /// comes again: that is remembered under its key until the operator undrains or removes it.
    ///
    /// # Errors
    /// Nobody is registered under that key.
    pub fn drain(&mut self, key: &MemberKey, at: Moment) -> Result<Arc<Backend>, NotRegistered> {
        self.order_drain(key, true, at)
    }

    /// A member gets requests again, if it serves and does not drain by its own word.
    ///
    /// # Errors
    /// Nobody is registered under that key.
    pub fn undrain(&mut self, key: &MemberKey, at: Moment) -> Result<Arc<Backend>, NotRegistered> {
        self.order_drain(key, false, at)
    }

    /// A member is no more; it may register again.
    ///
    /// # Errors
    /// Nobody is registered under that key.
    pub fn remove(&mut self, key: &MemberKey, at: Moment) -> Result<Arc<Backend>, NotRegistered> {
        self.tick(at);
        let slot = self.held(key)?;
        self.set_drained(&key.pool, &key.id, false);
        Ok(self.end(slot, EventKind::Removed, Some(OPERATOR.to_owned()), at))
    }

    /// Whether the backend of that name is drained: one of the file, or a member, be it registered now or not.
    #[must_use]
    pub fn is_drained(&self, pool: &str, label: &str) -> bool {
        // The names come from the operator and are few: a tuple of Arcs cannot be looked up by a tuple of texts.
        !self.drained.is_empty() && self.drained.contains(&(pool.into(), label.into()))
    }

    /// Drains the backend of that name, which need not be there, or lifts that; a member that is there is as before.
    /// Whether this changed anything.
    pub fn set_drained(&mut self, pool: &Name, label: &Arc<str>, is_drained: bool) -> bool {
        let named = (Name::clone(pool), Arc::clone(label));
        let is_change = match is_drained {
            true => self.drained.insert(named),
            false => self.drained.remove(&named),
        };
        if is_change {
            let (pool, label) = (Name::clone(pool), Arc::clone(label));
            self.members.touch(&pool);
            self.journal.change(match is_drained {
                true => Change::DrainPut(pool, label),
                false => Change::DrainDelete(pool, label),
            });
        }
        is_change
    }

    /// The backends that are drained, by pool and label or id.
    pub fn drained(&self) -> impl Iterator<Item = (&Name, &Arc<str>)> {
        self.drained.iter().map(|(pool, label)| (pool, label))
    }

    fn order_drain(
        &mut self,
        key: &MemberKey,
        is_drained: bool,
        at: Moment,
    ) -> Result<Arc<Backend>, NotRegistered> {
        self.tick(at);
        let slot = self.held(key)?;
        self.set_drained(&key.pool, &key.id, is_drained);
        if self.members.get(slot).is_drained != is_drained {
            self.redrain(slot, |member| member.is_drained = is_drained, OPERATOR, at);
        }
        Ok(Arc::clone(&self.members.get(slot).backend))
    }

    /// Changes who wants a member to drain, and what follows.
    pub(super) fn redrain(&mut self, slot: Slot, change: impl FnOnce(&mut Member), why: &str, at: Moment) {
        self.note_suspicion(slot, at);
        let member = self.members.get_mut(slot);
        let was_draining = member.is_draining();
        change(member);
        self.journal.put(member);
        if member.is_draining() == was_draining {
            return;
        }
        member.show();
        let kind = match was_draining {
            true => EventKind::Undrained,
            false => EventKind::Draining,
        };
        self.journal.note(kind, member, Some(why.to_owned()), at);
        self.members.touch_of(slot);
    }
}

const OPERATOR: &str = "by the operator's word";

#[cfg(test)]
mod tests {
    use super::super::samples::*;
    use super::*;
    use crate::registration::Beat;
    use crate::standing::Standing;

    fn leaving(is_draining: bool) -> Beat {
        Beat {
            is_draining: Some(is_draining),
            ..Beat::default()
        }
    }

    #[test]
    fn a_drained_member_serves_again_when_it_is_undrained() {
        let mut registry = registry();
        registry.add_serving("api/a", "10.0.0.1:80", 0);
        let backend = registry.drain(&key("api/a"), at(1)).unwrap();
        assert_eq!(backend.standing(), Standing::Draining);
        registry.drain(&key("api/a"), at(1)).unwrap();
        registry.undrain(&key("api/a"), at(2)).unwrap();
        assert_eq!(backend.standing(), Standing::Serving);
        let kinds: Vec<EventKind> = registry.take_events().iter().map(|event| event.kind).collect();
        assert_eq!(kinds[2..], [EventKind::Draining, EventKind::Undrained]);
    }

    #[test]
    fn a_drained_member_that_never_passed_is_unproved_when_undrained() {
        let mut registry = registry();
        registry.add("api/a", "10.0.0.1:80", 0);
        registry.drain(&key("api/a"), at(1)).unwrap();
        registry.undrain(&key("api/a"), at(2)).unwrap();
        assert_eq!(registry.standing("api/a"), Standing::Unproved);
    }

    #[test]
    fn the_operators_drain_is_not_lifted_by_a_heartbeat_nor_the_other_way_round() {
        let mut registry = registry();
        registry.add_serving("api/a", "10.0.0.1:80", 0);
        let name = key("api/a");
        registry.drain(&name, at(1)).unwrap();
        registry.renew(&name, leaving(true), &local(), at(2)).unwrap();
        registry.renew(&name, leaving(false), &local(), at(3)).unwrap();
        assert_eq!(registry.standing("api/a"), Standing::Draining);
        registry.renew(&name, leaving(true), &local(), at(4)).unwrap();
        registry.undrain(&name, at(5)).unwrap();
        assert_eq!(registry.standing("api/a"), Standing::Draining);
        registry.renew(&name, Beat::default(), &local(), at(6)).unwrap();
        assert_eq!(registry.standing("api/a"), Standing::Draining);
        registry.renew(&name, leaving(false), &local(), at(7)).unwrap();
        assert_eq!(registry.standing("api/a"), Standing::Serving);
    }

    #[test]
    fn who_moves_has_not_asked_to_drain_there_but_the_operator_has() {
        let mut registry = registry();
        registry.add("api/a", "10.0.0.1:80", 0);
        registry
            .renew(&key("api/a"), leaving(true), &local(), at(1))
            .unwrap();
        registry.add("api/a", "10.0.0.2:80", 2);
        assert_eq!(registry.standing("api/a"), Standing::Unproved);
        registry.drain(&key("api/a"), at(3)).unwrap();
        registry.add("api/a", "10.0.0.3:80", 4);
        assert_eq!(registry.standing("api/a"), Standing::Draining);
    }

    #[test]
    fn a_drained_member_that_leaves_and_comes_again_is_drained() {
        let mut registry = registry();
        let name = key("api/a");
        registry.add_serving("api/a", "10.0.0.1:80", 0);
        registry.drain(&name, at(1)).unwrap();
        registry.deregister(&name, &local(), at(2)).unwrap();
        registry.add_serving("api/a", "10.0.0.2:80", 3);
        assert_eq!(registry.standing("api/a"), Standing::Draining);
        registry.tick(at(100_000));
        registry.add_serving("api/a", "10.0.0.2:80", 100_000);
        assert_eq!(
            registry.standing("api/a"),
            Standing::Draining,
            "forgotten, but not by us"
        );
        registry.add_serving("web/a", "10.0.0.2:80", 100_000);
        assert_eq!(registry.standing("web/a"), Standing::Serving, "another pool");
        registry.undrain(&name, at(100_001)).unwrap();
        registry.deregister(&name, &local(), at(100_002)).unwrap();
        registry.add_serving("api/a", "10.0.0.2:80", 100_003);
        assert_eq!(registry.standing("api/a"), Standing::Serving);
    }

    #[test]
    fn the_operator_lifts_a_drain_of_one_that_is_away_and_by_removing_it() {
        let mut registry = registry();
        let name = key("api/a");
        registry.add("api/a", "10.0.0.1:80", 0);
        registry.drain(&name, at(1)).unwrap();
        registry.deregister(&name, &local(), at(2)).unwrap();
        assert!(registry.set_drained(&name.pool, &name.id, false));
        registry.add_serving("api/a", "10.0.0.1:80", 3);
        assert_eq!(registry.standing("api/a"), Standing::Serving);
        registry.drain(&name, at(4)).unwrap();
        registry.remove(&name, at(5)).unwrap();
        registry.add_serving("api/a", "10.0.0.1:80", 6);
        assert_eq!(registry.standing("api/a"), Standing::Serving);
    }

    #[test]
    fn a_removed_member_is_gone_and_may_come_again() {
        let mut registry = registry();
        registry.add_serving("api/a", "10.0.0.1:80", 0);
        let backend = registry.remove(&key("api/a"), at(1)).unwrap();
        assert_eq!(backend.standing(), Standing::Gone);
        assert_eq!(registry.remove(&key("api/a"), at(1)).unwrap_err().0, key("api/a"));
        assert!(registry.add("api/a", "10.0.0.1:80", 2).is_new);
    }

    #[test]
    fn drains_of_the_file_are_kept_changed_once_and_seen() {
        let mut registry = registry();
        let (pool, label) = ("fixed".into(), "10.0.0.1:80".into());
        let generation = registry.generation("fixed");
        assert!(registry.set_drained(&pool, &label, true));
        assert!(!registry.set_drained(&pool, &label, true));
        assert!(registry.is_drained("fixed", "10.0.0.1:80"));
        assert!(!registry.is_drained("fixed", "10.0.0.2:80"));
        assert!(registry.generation("fixed") > generation);
        assert!(registry.set_drained(&pool, &label, false));
        assert!(!registry.is_drained("fixed", "10.0.0.1:80"));
        let (put, delete) = (
            Change::DrainPut(pool.clone(), label.clone()),
            Change::DrainDelete(pool, label),
        );
        assert_eq!(registry.take_changes(), [put, delete]);
    }
}
