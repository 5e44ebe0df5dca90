//! Members end: for now, and for good.

use std::sync::Arc;
use std::time::Duration;

use super::Registry;
use super::event::EventKind;
use super::fault::NotRegistered;
use super::member::Member;
use super::members::Slot;
use crate::backend::Backend;
use crate::registration::{MemberKey, Moment, TokenId};
use crate::standing::Standing;

impl Registry {
    /// A token counts no more: what was registered by it ends at once. How many members that were.
    pub fn revoke(&mut self, token: &TokenId, at: Moment) -> usize {
        self.tick(at);
        let live = self.members.live_len();
        let reason = format!("the token {token} was revoked");
        for slot in self.members.of_token(token) {
            self.end(slot, EventKind::Revoked, Some(reason.clone()), at);
        }
        live - self.members.live_len()
    }

    /// The live member of that key.
    pub(super) fn held(&self, key: &MemberKey) -> Result<Slot, NotRegistered> {
        self.members.live(key).ok_or_else(|| NotRegistered(key.clone()))
    }

    /// It ends at once, and nothing of it is remembered.
    pub(super) fn end(
        &mut self,
        slot: Slot,
        kind: EventKind,
        reason: Option<String>,
        at: Moment,
    ) -> Arc<Backend> {
        let member = self.members.take(slot);
        member.backend.stand(Standing::Gone);
        if member.is_expired {
            self.journal.note(EventKind::Forgotten, &member, reason, at);
        } else {
            self.journal.note(kind, &member, reason, at);
            self.journal.delete(&member);
        }
        member.backend
    }

    /// The lease was over at `due`, or if it was before, the grace.
    pub(super) fn run_out(&mut self, slot: Slot, due: Duration, at: Moment) {
        if self.members.get(slot).is_expired {
            self.end(slot, EventKind::Forgotten, None, at);
            return;
        }
        let mut member = self.members.take(slot);
        member.backend.stand(Standing::Gone);
        let reason = why_expired(&member);
        self.journal.note(EventKind::Expired, &member, Some(reason), at);
        self.journal.delete(&member);
        let grace = self
            .joinable(&member.key().pool)
            .map_or(Duration::ZERO, |plan| plan.grace);
        member.is_expired = true;
        member.health.end();
        member.lease_until = Some(due.saturating_add(grace));
        self.members.insert(member);
    }
}

fn why_expired(member: &Member) -> String {
    let silence = match member.is_kept_by_probes() {
        true => "no probe has passed for too long",
        false => "no heartbeat came in time",
    };
    match member.last_reason() {
        Some(reason) => format!("{silence}; the last probe: {reason}"),
        None => silence.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::EventKind::{Expired, Forgotten, Registered, Revoked};
    use super::super::samples::*;
    use super::*;
    use crate::registration::Term;

    #[test]
    fn an_expired_member_is_gone_at_once_and_forgotten_after_its_grace() {
        let mut registry = registry();
        let backend = registry.add_serving("api/a", "10.0.0.1:80", 0).backend;
        registry.tick(at(9_999));
        assert_eq!(backend.standing(), Standing::Serving);
        registry.tick(at(10_000));
        assert_eq!(backend.standing(), Standing::Gone);
        assert!(registry.is_empty());
        assert_eq!(registry.known("api"), ["eu"]);
        assert_eq!(registry.next_due(), Some(Duration::from_secs(30)));
        registry.tick(at(30_000));
        assert!(registry.known("api").is_empty());
        assert_eq!(registry.next_due(), None);
    }

    #[test]
    fn one_late_tick_does_what_many_would_have_done() {
        let mut registry = registry();
        registry.add("api/a", "10.0.0.1:80", 0);
        registry.take_events();
        registry.tick(at(60_000));
        let name = "api/a".to_owned();
        assert_eq!(registry.happened(), [(Expired, name.clone()), (Forgotten, name)]);
    }

    #[test]
    fn a_lease_that_is_over_is_over_though_nobody_ticked() {
        let mut registry = registry();
        registry.add("api/a", "10.0.0.1:80", 0);
        let fault = registry.renew(
            &key("api/a"),
            crate::registration::Beat::default(),
            &local(),
            at(10_000),
        );
        assert_eq!(fault.unwrap_err().code(), "not_registered");
    }

    #[test]
    fn who_comes_back_within_the_grace_has_its_old_place_and_proves_itself_again() {
        let mut registry = registry();
        registry.add_serving("api/a", "10.0.0.1:80", 0);
        registry.add("api/b", "10.0.0.2:80", 0);
        registry.beat("api/b", 9_000);
        registry.tick(at(12_000));
        assert_eq!(registry.ids("api"), ["b"]);
        let back = registry.add("api/a", "10.0.0.1:80", 12_000);
        assert!(back.is_new);
        assert_eq!(registry.ids("api"), ["a", "b"]);
        assert_eq!(registry.standing("api/a"), Standing::Unproved);
        assert_eq!(
            registry.happened().last().unwrap(),
            &(Registered, "api/a".to_owned())
        );
        assert_eq!(registry.known("api"), ["eu"]);
    }

    #[test]
    fn the_operators_drain_outlives_the_lease_and_the_grace() {
        let mut registry = registry();
        registry.add("api/a", "10.0.0.1:80", 0);
        registry.drain(&key("api/a"), at(0)).unwrap();
        registry.add("api/a", "10.0.0.1:80", 12_000);
        assert_eq!(registry.standing("api/a"), Standing::Draining);
        registry.add("api/a", "10.0.0.1:80", 60_000);
        assert_eq!(registry.standing("api/a"), Standing::Draining);
    }

    #[test]
    fn the_address_of_an_expired_member_is_free() {
        let mut registry = registry();
        let mine = with(token("mine"), "10.0.0.9");
        registry
            .register(said("api/a", "10.0.0.1:80"), &mine, at(0))
            .unwrap();
        let other = with(token("other"), "10.0.0.8");
        let fault = registry.refuse(said("api/b", "10.0.0.1:80"), &other, 9_999);
        assert_eq!(fault.code(), "address_held");
        registry
            .register(said("api/b", "10.0.0.1:80"), &other, at(10_000))
            .unwrap();
        assert_eq!(registry.ids("api"), ["b"]);
    }

    #[test]
    fn a_revoked_token_takes_its_members_with_it_and_no_others() {
        let mut registry = registry();
        let mine = with(token("mine"), "10.0.0.9");
        let one = registry
            .register(said("api/a", "10.0.0.1:80"), &mine, at(0))
            .unwrap()
            .backend;
        registry
            .register(said("web/a", "10.0.0.2:80"), &mine, at(0))
            .unwrap();
        registry.add("api/b", "10.0.0.3:80", 0);
        registry.take_events();
        assert_eq!(registry.revoke(&"mine".into(), at(1)), 2);
        assert_eq!(one.standing(), Standing::Gone);
        assert_eq!(registry.len(), 1);
        assert!(registry.take_events().iter().all(|event| event.kind == Revoked));
        assert_eq!(registry.revoke(&"mine".into(), at(2)), 0);
    }

    #[test]
    fn what_probes_keep_lives_while_they_pass_and_its_grace_beyond() {
        let mut registry = registry();
        let mut quiet = said("api/a", "10.0.0.1:80");
        quiet.term = Term::Probes;
        let registered = registry.register(quiet, &local(), at(0)).unwrap();
        assert_eq!(registered.ttl, Duration::from_secs(20));
        registry.pass("api/a", 1_000);
        assert_eq!(registry.next_due(), None);
        assert_eq!(registry.member("api/a").expires_in(at(2_000)), None);
        registry.fail("api/a", 100_000);
        registry.fail("api/a", 110_000);
        registry.tick(at(119_999));
        assert_eq!(registry.standing("api/a"), Standing::Down);
        registry.tick(at(120_000));
        assert!(!registry.has("api/a"));
        let reason = registry.take_events().pop().unwrap().reason.unwrap();
        assert_eq!(
            reason,
            "no probe has passed for too long; the last probe: refused"
        );
    }

    #[test]
    fn what_is_down_but_sends_heartbeats_stays() {
        let mut registry = registry();
        registry.add_serving("api/a", "10.0.0.1:80", 0);
        for second in 1..100 {
            registry.fail("api/a", second * 1_000);
            registry.beat("api/a", second * 1_000);
        }
        assert_eq!(registry.standing("api/a"), Standing::Down);
    }
}
