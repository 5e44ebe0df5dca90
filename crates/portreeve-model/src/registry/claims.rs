//! Whether what a sender asks for is another's.

use std::net::SocketAddr;

use super::Registry;
use super::address_fault::canonical_source;
use super::fault::{Bound, RegistrationFault};
use super::member::Member;
use super::members::Slot;
use super::rules::{is_local, reaches};
use crate::registration::{MemberKey, Sender, Token, TokenId};

impl Registry {
    /// Whether a key is free for this sender, and by whom it is known now: it is free once the lease is over, and
    /// before that for those to whom its holder yields.
    pub(super) fn claim_key(&self, key: &MemberKey, by: &Sender) -> Result<Option<Slot>, RegistrationFault> {
        let slot = self.members.known(key);
        let held = slot
            .map(|slot| self.members.get(slot))
            .filter(|member| !member.is_expired);
        if held.is_none_or(|member| yields(member, by)) {
            Ok(slot)
        } else {
            Err(RegistrationFault::HeldByAnother { key: key.clone() })
        }
    }

    /// Who has to go if `key`, known as `known`, is registered at `address`: other servers there. Nobody, if it is
    /// there already: whoever is there with it is the same server.
    pub(super) fn claim_address(
        &self,
        address: SocketAddr,
        key: &MemberKey,
        known: Option<Slot>,
        by: &Sender,
    ) -> Result<Vec<Slot>, RegistrationFault> {
        let known = known.map(|slot| self.members.get(slot));
        if known.is_some_and(|known| !known.is_expired && known.announcement.address == address) {
            return Ok(Vec::new());
        }
        let mut leaving = Vec::new();
        for slot in self.members.at(&address) {
            let holder = self.members.get(slot);
            if !may_share(holder, address, by) {
                let by = holder.key().clone();
                return Err(RegistrationFault::AddressHeld { address, by });
            }
            if server(&holder.key().id) != server(&key.id) {
                leaving.push(slot);
            }
        }
        Ok(leaving)
    }

    /// Whether there is room for a registration by this sender, once those who leave have left. One that is known
    /// counts already, for those who had it.
    pub(super) fn claim_room(
        &self,
        known: Option<Slot>,
        by: &Sender,
        leaving: &[Slot],
    ) -> Result<(), RegistrationFault> {
        let plan = &self.rules.plan;
        let known = known.map(|slot| self.members.get(slot));
        if known.is_none() {
            fits(self.members.len_without(leaving), plan.registrations_max, || {
                Bound::All
            })?;
        }
        let source = by.source.map(canonical_source);
        if known.is_none_or(|known| known.source != source) {
            let here = self.members.of_source_len(source, leaving);
            fits(here, plan.per_source_max, || Bound::Source(source))?;
        }
        match token_of(by) {
            Some(token) if known.is_none_or(|known| known.token.as_ref() != Some(token)) => {
                let here = self.members.of_token_len(token, leaving);
                fits(here, plan.per_token_max, || Bound::Token(token.clone()))
            }
            _ => Ok(()),
        }
    }

    /// The live member of that key, if this sender may speak for it.
    ///
    /// # Errors
    /// Nobody is registered, or by another token; or, where there is no token, from another host than this, and this
    /// is not the proxy's own.
    pub(super) fn own(&self, key: &MemberKey, by: &Sender) -> Result<Slot, RegistrationFault> {
        let slot = self.held(key)?;
        let member = self.members.get(slot);
        if is_own(member, by) {
            Ok(slot)
        } else {
            Err(RegistrationFault::HeldByAnother { key: key.clone() })
        }
    }
}

/// The server that an id names: what stands before `@` where it is a packet server's, which has one registration for
/// each of its policies.
pub(super) fn server(id: &str) -> &str {
    id.split('@').next().unwrap_or(id)
}

pub(super) fn token_of(by: &Sender) -> Option<&TokenId> {
    by.token.as_ref().map(|token| &token.id)
}

/// Whether a sender speaks for a member: it has the same token, or where there is none, it is the same host or the
/// proxy's own.
fn is_own(member: &Member, by: &Sender) -> bool {
    match &member.token {
        Some(token) => token_of(by) == Some(token),
        None => is_local(by) || member.source == by.source.map(canonical_source),
    }
}

/// Whether a live member gives its key up to a sender: to its own, and where it has no token, to one that could have
/// registered all that it said. Less than that would end what it has no right to, and lock it out.
fn yields(member: &Member, by: &Sender) -> bool {
    let is_covered = |token: &Token| reaches(token, &member.announcement, by).is_ok();
    is_own(member, by) || member.token.is_none() && by.token.as_deref().is_some_and(is_covered)
}

/// Whether a sender may register at an address where `holder` is: it is that host, or has as much right as the holder.
fn may_share(holder: &Member, address: SocketAddr, by: &Sender) -> bool {
    let is_there = by
        .source
        .is_some_and(|source| canonical_source(source) == canonical_source(address.ip()));
    is_there || holder.token.as_ref() == token_of(by)
}

fn fits(there: usize, max: u32, of: impl Fn() -> Bound) -> Result<(), RegistrationFault> {
    if there < max as usize {
        Ok(())
    } else {
        Err(RegistrationFault::TooMany { of: of(), max })
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::*;
    use super::*;
    use crate::plan::Plan;
    use crate::registration::{Beat, PolicyScope};
    use crate::standing::Standing;

    #[test]
    fn what_a_token_registered_is_its_own_while_the_lease_counts() {
        let mut registry = registry();
        let mine = with(token("mine"), "10.0.0.1");
        registry
            .register(said("api/a", "10.0.0.1:80"), &mine, at(0))
            .unwrap();
        let theirs = with(token("theirs"), "10.0.0.2");
        for other in [&theirs, &local()] {
            let fault = registry.refuse(said("api/a", "10.0.0.2:80"), other, 9_999);
            assert_eq!((fault.code(), fault.status()), ("held_by_another", 409));
            let fault = registry
                .renew(&key("api/a"), Beat::default(), other, at(1))
                .unwrap_err();
            assert_eq!(fault.code(), "held_by_another");
            let fault = registry.deregister(&key("api/a"), other, at(1)).unwrap_err();
            assert_eq!(fault.code(), "held_by_another");
        }
        assert!(
            registry
                .register(said("api/a", "10.0.0.2:80"), &theirs, at(10_000))
                .is_ok()
        );
    }

    #[test]
    fn what_was_registered_without_a_token_yields_only_to_its_host_or_a_token_for_all_of_it() {
        let narrow = |change: fn(&mut Token)| {
            let mut narrow = token("narrow");
            narrow.networks = vec![network("10.0.0.0", 8)];
            change(&mut narrow);
            with(narrow, "10.0.0.2")
        };
        let of_us = narrow(|token| token.policies = PolicyScope::These(policies(&["us"])));
        let of_web = narrow(|token| token.pools = vec!["web".into()]);
        let of_host = narrow(|token| token.networks = vec![network("10.0.0.2", 32)]);
        let mut registry = insecure();
        registry.add_serving("api/a", "10.0.0.1:80", 0);
        let mut us = said("api/a", "10.0.0.2:80");
        us.policies = policies(&["us"]);
        for (by, code) in [
            (&of_us, "held_by_another"),
            (&of_web, "pool_not_allowed"),
            (&of_host, "held_by_another"),
            (&from("10.0.0.2"), "held_by_another"),
        ] {
            assert_eq!(registry.refuse(us.clone(), by, 1).code(), code);
        }
        assert_eq!(registry.standing("api/a"), Standing::Serving);
        let of_all = narrow(|token| token.pools = vec!["api".into()]);
        assert!(registry.register(us, &of_all, at(2)).unwrap().replaced);
    }

    #[test]
    fn what_was_registered_without_a_token_yields_to_its_own_host_and_the_proxys() {
        let mut registry = insecure();
        registry
            .register(said("api/a", "10.0.0.1:80"), &from("10.0.0.1"), at(0))
            .unwrap();
        for (by, port) in [(from("10.0.0.1"), 81), (from("::1"), 82), (Sender::default(), 83)] {
            let moved = said("api/a", &format!("10.0.0.1:{port}"));
            assert!(registry.register(moved, &by, at(port)).unwrap().replaced);
        }
    }

    fn insecure() -> Registry {
        let mut open = plan();
        open.registration.is_insecure = true;
        following(&open)
    }

    #[test]
    fn the_same_token_moves_its_backend_to_another_host() {
        let mut registry = registry();
        let before = with(token("mine"), "10.0.0.1");
        registry
            .register(said("api/a", "10.0.0.1:80"), &before, at(0))
            .unwrap();
        let after = with(token("mine"), "10.0.0.2");
        let moved = registry
            .register(said("api/a", "10.0.0.2:80"), &after, at(1))
            .unwrap();
        assert!(moved.replaced);
    }

    #[test]
    fn without_tokens_only_the_same_host_renews_and_the_proxys_own_for_all() {
        let mut registry = insecure();
        registry
            .register(said("api/a", "10.0.0.1:80"), &from("10.0.0.1"), at(0))
            .unwrap();
        let mut renew = |by| registry.renew(&key("api/a"), Beat::default(), &from(by), at(1));
        assert_eq!(renew("10.0.0.2").unwrap_err().code(), "held_by_another");
        assert!(renew("10.0.0.1").is_ok());
        assert!(renew("::1").is_ok());
    }

    #[test]
    fn a_held_address_passes_on_to_the_host_itself_or_by_the_same_token() {
        let mut registry = registry();
        let mine = with(token("mine"), "10.0.0.9");
        registry
            .register(said("api/a", "10.0.0.1:80"), &mine, at(0))
            .unwrap();
        let theirs = with(token("theirs"), "10.0.0.8");
        let fault = registry.refuse(said("web/b", "10.0.0.1:80"), &theirs, 1);
        let expected = RegistrationFault::AddressHeld {
            address: address("10.0.0.1:80"),
            by: key("api/a"),
        };
        assert_eq!((fault.status(), fault), (409, expected));
        assert_eq!(
            registry.refuse(said("web/b", "10.0.0.1:80"), &local(), 1).code(),
            "address_held"
        );
        registry
            .register(said("web/c", "10.0.0.1:80"), &mine, at(2))
            .unwrap();
        assert!(!registry.has("api/a"));
        let there = with(token("theirs"), "10.0.0.1");
        registry
            .register(said("web/b", "10.0.0.1:80"), &there, at(3))
            .unwrap();
        assert_eq!(registry.ids("web"), ["b"]);
    }

    #[test]
    fn a_shared_address_too_needs_the_right_to_it() {
        let mut registry = registry();
        let mine = with(token("mine"), "10.0.0.9");
        registry
            .register(said("api/a@eu", "10.0.0.1:80"), &mine, at(0))
            .unwrap();
        let theirs = with(token("theirs"), "10.0.0.8");
        let fault = registry.refuse(said("api/a@us", "10.0.0.1:80"), &theirs, 1);
        assert_eq!(fault.code(), "address_held");
        registry
            .register(said("api/a@us", "10.0.0.1:80"), &mine, at(1))
            .unwrap();
        assert_eq!(registry.len(), 2);
    }

    #[test]
    fn the_same_port_on_two_hosts_is_two_addresses() {
        let mut registry = registry();
        registry.add("api/a", "10.0.0.1:80", 0);
        registry.add("api/b", "10.0.0.2:80", 0);
        assert_eq!(registry.len(), 2);
    }

    fn bounded(all: u32, per_source: u32, per_token: u32) -> Registry {
        let mut plan: Plan = plan();
        plan.registration.registrations_max = all;
        plan.registration.per_source_max = per_source;
        plan.registration.per_token_max = per_token;
        following(&plan)
    }

    fn too_many(fault: RegistrationFault) -> Bound {
        assert_eq!((fault.code(), fault.status()), ("too_many_registrations", 429));
        match fault {
            RegistrationFault::TooMany { of, .. } => of,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn registrations_are_bounded_in_all_by_source_and_by_token() {
        let mut registry = bounded(3, 2, 1);
        registry.add("api/a", "10.0.0.1:80", 0);
        registry.add("api/b", "10.0.0.2:80", 0);
        let fault = registry.refuse(said("api/c", "10.0.0.3:80"), &from("::1"), 0);
        assert_eq!(too_many(fault), Bound::Source(Some([127, 0, 0, 1].into())));
        let mine = with(token("mine"), "10.0.0.9");
        registry
            .register(said("api/c", "10.0.0.3:80"), &mine, at(0))
            .unwrap();
        let theirs = with(token("theirs"), "10.0.0.8");
        assert_eq!(
            too_many(registry.refuse(said("api/d", "10.0.0.4:80"), &theirs, 0)),
            Bound::All
        );
        registry.remove(&key("api/a"), at(0)).unwrap();
        let fault = registry.refuse(said("api/d", "10.0.0.4:80"), &mine, 0);
        assert_eq!(too_many(fault), Bound::Token("mine".into()));
        assert!(
            registry
                .register(said("api/d", "10.0.0.4:80"), &theirs, at(0))
                .is_ok()
        );
    }

    #[test]
    fn who_is_there_already_or_takes_anothers_address_needs_no_room() {
        let mut registry = bounded(1, 1, 1);
        registry.add("api/a", "10.0.0.1:80", 0);
        assert!(registry.add("api/a", "10.0.0.2:80", 0).replaced);
        assert!(registry.add("api/b", "10.0.0.2:80", 0).is_new);
        assert_eq!(registry.ids("api"), ["b"]);
    }

    #[test]
    fn who_is_remembered_takes_room_until_it_is_forgotten() {
        let mut registry = bounded(1, 1, 1);
        registry.add("api/a", "10.0.0.1:80", 0);
        assert_eq!(
            too_many(registry.refuse(said("api/b", "10.0.0.2:80"), &local(), 29_999)),
            Bound::All
        );
        assert!(
            registry
                .register(said("api/b", "10.0.0.2:80"), &local(), at(30_000))
                .is_ok()
        );
    }

    #[test]
    fn a_member_that_changes_hands_counts_for_the_new_ones() {
        let mut registry = bounded(9, 1, 9);
        registry.add("api/a", "10.0.0.1:80", 0);
        let mine = with(token("mine"), "10.0.0.9");
        registry
            .register(said("api/b", "10.0.0.2:80"), &mine, at(0))
            .unwrap();
        let fault = registry.refuse(said("api/a", "10.0.0.1:80"), &mine, 1);
        assert_eq!(fault.code(), "too_many_registrations");
        registry.deregister(&key("api/b"), &mine, at(2)).unwrap();
        registry
            .register(said("api/a", "10.0.0.1:80"), &mine, at(3))
            .unwrap();
        assert!(
            registry
                .register(said("api/c", "10.0.0.3:80"), &local(), at(4))
                .is_ok()
        );
    }

    #[test]
    fn the_server_of_a_packet_servers_id_stands_before_its_policy() {
        assert_eq!(
            (server("a1@eu"), server("a1"), server("a1@x@y")),
            ("a1", "a1", "a1")
        );
    }
}
