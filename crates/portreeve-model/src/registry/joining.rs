//! Members join, renew and leave by their own word.

use std::sync::Arc;
use std::time::Duration;

use super::Registry;
use super::event::EventKind;
use super::fault::RegistrationFault;
use super::member::Member;
use super::members::Slot;
use super::rules::ttl;
use crate::backend::Backend;
use crate::plan::{MembersPlan, Name};
use crate::registration::{Announcement, Beat, MemberKey, Moment, Sender};

/// What became of a registration.
#[derive(Debug, Clone)]
pub struct Registered {
    /// What requests are given to from now on, once it serves.
    pub backend: Arc<Backend>,
    /// How long it counts without another word; of one that is kept by probes, without one that passes.
    pub ttl: Duration,
    /// Whether nobody was registered under the key.
    pub is_new: bool,
    /// Whether somebody was, but otherwise, and that backend is gone.
    pub replaced: bool,
}

impl Registry {
    /// A backend says what it is. Said again, it renews the lease; said otherwise, it replaces the backend by another in
    /// the same place of the order. It serves after a probe has passed since it came to its address.
    ///
    /// Another server at the same address is superseded: it is gone, whatever its pool.
    ///
    /// # Errors
    /// The sender may not say this, or something of it is another's; nothing has changed then.
    pub fn register(
        &mut self,
        announcement: Announcement,
        by: &Sender,
        at: Moment,
    ) -> Result<Registered, RegistrationFault> {
        self.tick(at);
        self.rules.admit(by, at)?;
        let pool = self.joinable(&announcement.key.pool)?;
        let allowed = self.rules.allow(announcement, by, pool)?;
        let said = &allowed.announcement;
        let known = self.claim_key(&said.key, by)?;
        let leaving = self.claim_address(said.address, &said.key, known, by)?;
        self.claim_room(known, by, &leaving)?;
        for slot in leaving {
            let reason = format!("{} registered at its address", said.key);
            self.end(slot, EventKind::Superseded, Some(reason), at);
        }
        Ok(self.enter(allowed, known, by, at))
    }

    /// A heartbeat: the word counts for as long again.
    ///
    /// # Errors
    /// Nobody is registered under that key, the sender is not who registered it, or may not register any more.
    pub fn renew(
        &mut self,
        key: &MemberKey,
        beat: Beat,
        by: &Sender,
        at: Moment,
    ) -> Result<Duration, RegistrationFault> {
        self.tick(at);
        self.rules.admit(by, at)?;
        let slot = self.own(key, by)?;
        let plan = self.joinable(&key.pool)?;
        let ttl = ttl(
            self.members.get(slot).announcement.term,
            by.token.as_deref(),
            plan,
        );
        self.prolong(slot, ttl, at);
        let wish = beat.is_draining;
        self.members.get_mut(slot).hear(beat, at);
        if let Some(is_leaving) = wish {
            self.leave(slot, is_leaving, at);
        }
        Ok(ttl)
    }

    /// The member of that key, if the sender might renew it; looking does not.
    ///
    /// # Errors
    /// As [`renew`](Self::renew).
    pub fn look(&mut self, key: &MemberKey, by: &Sender, at: Moment) -> Result<&Member, RegistrationFault> {
        self.tick(at);
        self.rules.admit(by, at)?;
        let slot = self.own(key, by)?;
        Ok(self.members.get(slot))
    }

    /// A backend leaves: it gets no new requests from now on.
    ///
    /// # Errors
    /// Nobody is registered under that key, the sender is not who registered it, or may not register any more.
    pub fn deregister(&mut self, key: &MemberKey, by: &Sender, at: Moment) -> Result<(), RegistrationFault> {
        self.tick(at);
        self.rules.admit(by, at)?;
        let slot = self.own(key, by)?;
        self.end(slot, EventKind::Deregistered, None, at);
        Ok(())
    }

    pub(super) fn joinable(&self, pool: &Name) -> Result<&MembersPlan, RegistrationFault> {
        match self.members.plan(pool) {
            Some(Some(plan)) => Ok(plan),
            Some(None) => Err(RegistrationFault::PoolNotJoinable { pool: pool.clone() }),
            None => Err(RegistrationFault::UnknownPool { pool: pool.clone() }),
        }
    }

    /// The word counts for `ttl` from now on; that of one kept by probes only while they do not pass.
    pub(super) fn prolong(&mut self, slot: Slot, ttl: Duration, at: Moment) {
        let member = self.members.get(slot);
        let is_proved = member.health.is_proved();
        let until = at.since_start.saturating_add(ttl);
        let is_bounded = !(member.is_kept_by_probes() && is_proved);
        self.members.set_lease(slot, is_bounded.then_some(until));
    }

    fn leave(&mut self, slot: Slot, is_leaving: bool, at: Moment) {
        if self.members.get(slot).is_leaving == is_leaving {
            return;
        }
        self.redrain(
            slot,
            |member| member.is_leaving = is_leaving,
            "by its own word",
            at,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::EventKind::{Registered as Joined, Replaced, Superseded, Up};
    use super::super::samples::*;
    use super::*;
    use crate::policy::Policies;
    use crate::registration::Term;
    use crate::standing::Standing;

    #[test]
    fn a_new_member_is_unproved_until_a_probe_passes() {
        let mut registry = registry();
        let registered = registry.add("api/a", "10.0.0.1:80", 0);
        assert!(registered.is_new && !registered.replaced);
        assert_eq!(registered.ttl, Duration::from_secs(10));
        assert_eq!(registered.backend.standing(), Standing::Unproved);
        registry.pass("api/a", 5);
        assert_eq!(registered.backend.standing(), Standing::Serving);
        let expected = [(Joined, "api/a".to_owned()), (Up, "api/a".to_owned())];
        assert_eq!(registry.happened(), expected);
    }

    #[test]
    fn the_same_word_again_renews_the_same_backend() {
        let mut registry = registry();
        let first = registry.add_serving("api/a", "10.0.0.1:80", 0);
        registry.take_changes();
        let again = registry.add("api/a", "10.0.0.1:80", 9_000);
        assert!(Arc::ptr_eq(&first.backend, &again.backend));
        assert!(!again.is_new && !again.replaced);
        registry.tick(at(18_999));
        assert_eq!(registry.standing("api/a"), Standing::Serving);
        assert!(registry.take_changes().is_empty());
    }

    #[test]
    fn another_address_makes_another_backend_that_has_to_prove_itself() {
        let mut registry = registry();
        let old = registry.add_serving("api/a", "10.0.0.1:80", 0).backend;
        registry.add("api/b", "10.0.0.2:80", 0);
        let new = registry.add("api/a", "10.0.0.3:80", 1);
        assert!(new.replaced && !new.is_new);
        assert_eq!(old.standing(), Standing::Gone);
        assert_eq!(new.backend.standing(), Standing::Unproved);
        assert_eq!(registry.ids("api"), ["a", "b"]);
        assert_eq!(registry.happened().last().unwrap().0, Replaced);
    }

    #[test]
    fn other_policies_at_the_same_address_serve_at_once() {
        let mut registry = registry();
        let old = registry.add_serving("api/a", "10.0.0.1:80", 0).backend;
        let mut other = said("api/a", "10.0.0.1:80");
        other.policies = policies(&["us"]);
        let new = registry.register(other, &local(), at(1)).unwrap().backend;
        assert_eq!(
            (old.standing(), new.standing()),
            (Standing::Gone, Standing::Serving)
        );
        assert!(!new.may_serve(&policies(&["eu"])));
        assert_eq!(registry.known("api"), ["us"]);
    }

    #[test]
    fn a_backend_that_was_suspected_does_not_serve_by_saying_something_else() {
        let mut registry = registry();
        let old = registry.add_serving("api/a", "10.0.0.1:80", 0).backend;
        assert!(old.suspect());
        let mut heavier = said("api/a", "10.0.0.1:80");
        heavier.weight = 2;
        let new = registry.register(heavier, &local(), at(1)).unwrap().backend;
        assert_eq!(new.standing(), Standing::Down);
        assert_eq!(registry.take_probes(at(1), 9).len(), 1);
    }

    #[test]
    fn weight_and_spelling_make_another_backend_too() {
        let mut registry = registry();
        registry.add("api/a", "10.0.0.1:80", 0);
        let mut heavier = said("api/a", "10.0.0.1:80");
        heavier.weight = 7;
        assert!(
            registry
                .register(heavier.clone(), &local(), at(1))
                .unwrap()
                .replaced
        );
        let textual = Announcement {
            spells_types_as_text: true,
            ..heavier
        };
        assert!(registry.register(textual, &local(), at(2)).unwrap().replaced);
        let member = registry.member("api/a");
        assert_eq!(
            (member.backend.weight, member.backend.spells_types_as_text),
            (7, true)
        );
    }

    #[test]
    fn another_ttl_is_kept_but_makes_no_other_backend() {
        let mut registry = registry();
        let old = registry.add("api/a", "10.0.0.1:80", 0).backend;
        registry.take_changes();
        let mut longer = said("api/a", "10.0.0.1:80");
        longer.term = Term::Heartbeats(Some(Duration::from_secs(30)));
        let new = registry.register(longer, &local(), at(0)).unwrap();
        assert!(Arc::ptr_eq(&old, &new.backend));
        assert_eq!(registry.next_due(), Some(Duration::from_secs(30)));
        assert_eq!(registry.take_changes().len(), 1);
    }

    #[test]
    fn another_server_at_the_address_supersedes_in_every_pool() {
        let mut registry = registry();
        let old = registry.add_serving("api/a", "10.0.0.1:80", 0).backend;
        let elsewhere = registry.add("web/a", "10.0.0.1:80", 0).backend;
        registry.add("web/b", "10.0.0.1:80", 1);
        assert_eq!(old.standing(), Standing::Gone);
        assert_eq!(elsewhere.standing(), Standing::Gone);
        assert_eq!(registry.len(), 1);
        let superseded = |event: &(EventKind, String)| event.0 == Superseded;
        assert_eq!(
            registry
                .happened()
                .iter()
                .filter(|event| superseded(event))
                .count(),
            2
        );
    }

    #[test]
    fn one_server_may_be_in_several_policies_and_pools_at_one_address() {
        let mut registry = registry();
        for name in ["api/a@eu", "api/a@us", "web/a", "web/a@eu"] {
            registry.add(name, "10.0.0.1:80", 0);
        }
        assert_eq!(registry.len(), 4);
    }

    #[test]
    fn a_heartbeat_prolongs_says_the_load_and_is_not_written_down() {
        let mut registry = registry();
        registry.add("api/a", "10.0.0.1:80", 0);
        registry.take_changes();
        let generation = registry.generation("api");
        let beat = Beat {
            load: Some(1.5),
            in_flight: Some(7),
            version: Some("1.2".into()),
            is_draining: None,
        };
        let ttl = registry.renew(&key("api/a"), beat, &local(), at(9_000)).unwrap();
        assert_eq!(ttl, Duration::from_secs(10));
        let member = registry.member("api/a");
        assert_eq!((member.load, member.in_flight), (Some(1.0), Some(7)));
        assert_eq!(member.version.as_deref(), Some("1.2"));
        assert_eq!(
            registry.member("api/a").expires_in(at(10_000)),
            Some(Duration::from_secs(9))
        );
        assert!(registry.take_changes().is_empty());
        assert_eq!(registry.generation("api"), generation);
    }

    #[test]
    fn looking_needs_the_right_to_renew_and_does_not() {
        let mut registry = registry();
        let mine = with(token("mine"), "10.0.0.1");
        registry
            .register(said("api/a", "10.0.0.1:80"), &mine, at(0))
            .unwrap();
        registry.take_events();
        let name = key("api/a");
        let seen = registry.look(&name, &mine, at(9_999)).unwrap();
        assert_eq!(seen.expires_in(at(9_999)), Some(Duration::from_millis(1)));
        for (by, code) in [
            (with(token("theirs"), "10.0.0.1"), "held_by_another"),
            (local(), "held_by_another"),
            (from("192.168.0.1"), "source_not_allowed"),
            (from("10.0.0.1"), "token_needed"),
        ] {
            assert_eq!(registry.look(&name, &by, at(9_999)).unwrap_err().code(), code);
        }
        let fault = registry.look(&name, &mine, at(10_000)).unwrap_err();
        assert_eq!(fault.code(), "not_registered");
    }

    #[test]
    fn renewing_lifts_neither_down_nor_draining() {
        let mut registry = registry();
        registry.add_serving("api/a", "10.0.0.1:80", 0);
        registry.fail("api/a", 1);
        registry.beat("api/a", 2);
        registry.add("api/a", "10.0.0.1:80", 3);
        assert_eq!(registry.standing("api/a"), Standing::Down);
        registry.pass("api/a", 4);
        registry.drain(&key("api/a"), at(5)).unwrap();
        registry.beat("api/a", 6);
        registry.add("api/a", "10.0.0.1:80", 7);
        assert_eq!(registry.standing("api/a"), Standing::Draining);
    }

    #[test]
    fn who_leaves_is_gone_and_not_known_any_more() {
        let mut registry = registry();
        let backend = registry.add_serving("api/a", "10.0.0.1:80", 0).backend;
        registry.deregister(&key("api/a"), &local(), at(1)).unwrap();
        assert_eq!(backend.standing(), Standing::Gone);
        assert!(registry.known("api").is_empty());
        let fault = registry
            .renew(&key("api/a"), Beat::default(), &local(), at(2))
            .unwrap_err();
        assert_eq!((fault.code(), fault.status()), ("not_registered", 404));
        assert_eq!(registry.next_due(), None);
    }

    #[test]
    fn the_order_is_that_of_registration_whatever_comes_after() {
        let mut registry = registry();
        for (id, port) in [("api/c", 1), ("api/a", 2), ("api/b", 3)] {
            registry.add(id, &format!("10.0.0.1:{port}"), 0);
        }
        registry.add("api/c", "10.0.0.1:9", 1);
        assert_eq!(registry.ids("api"), ["c", "a", "b"]);
        registry.deregister(&key("api/a"), &local(), at(2)).unwrap();
        registry.add("api/a", "10.0.0.1:2", 3);
        assert_eq!(registry.ids("api"), ["c", "b", "a"]);
    }

    #[test]
    fn no_pool_that_is_not_there_or_open_is_joined() {
        let mut registry = registry();
        let fault = registry.refuse(said("none/a", "10.0.0.1:80"), &local(), 0);
        assert_eq!((fault.code(), fault.status()), ("unknown_pool", 404));
        let fault = registry.refuse(said("fixed/a", "10.0.0.1:80"), &local(), 0);
        assert_eq!((fault.code(), fault.status()), ("pool_not_joinable", 403));
        assert!(registry.is_empty() && registry.take_events().is_empty());
    }

    #[test]
    fn the_address_is_kept_in_its_one_form() {
        let mut registry = registry();
        registry.add("api/a", "[::ffff:10.0.0.1]:80", 0);
        assert_eq!(
            registry.member("api/a").announcement.address,
            address("10.0.0.1:80")
        );
        registry.add("api/b", "10.0.0.1:80", 1);
        assert_eq!(registry.ids("api"), ["b"]);
    }

    #[test]
    fn a_member_that_upholds_nothing_is_welcome() {
        let mut registry = registry();
        let mut plain = said("api/a", "10.0.0.1:80");
        plain.policies = Policies::none();
        assert!(registry.register(plain, &local(), at(0)).is_ok());
        assert!(registry.known("api").is_empty());
    }
}
