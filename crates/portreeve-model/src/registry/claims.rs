//! Whether what a sender asks for is another's.

use std::net::SocketAddr;

use super::Registry;
use super::address_fault::canonical_source;
use super::fault::{Bound, RegistrationFault};
use super::member::Member;
use super::members::Slot;
use super::rules::is_local;
use crate::registration::{MemberKey, Sender, TokenId};

impl Registry {
    /// Whether a key is free for this sender, and by whom it is known now.
    ///
    /// What was registered by a token is its own while the lease is not over. What was registered without one is
    /// anybody's who may register at all: another host that starts the same server takes its place.
    pub(super) fn claim_key(&self, key: &MemberKey, by: &Sender) -> Result<Option<Slot>, RegistrationFault> {
        let slot = self.members.known(key);
        let held = slot
            .map(|slot| self.members.get(slot))
            .filter(|member| !member.is_expired);
        match held.and_then(|member| member.token.as_ref()) {
            Some(token) if token_of(by) != Some(token) => {
                Err(RegistrationFault::HeldByAnother { key: key.clone() })
            }
            _ => Ok(slot),
        }
    }

    /// Who has to go if `key` is registered at `address`: other servers there.
    pub(super) fn claim_address(
        &self,
        address: SocketAddr,
        key: &MemberKey,
        by: &Sender,
    ) -> Result<Vec<Slot>, RegistrationFault> {
        let mut leaving = Vec::new();
        for slot in self.members.at(&address) {
            let holder = self.members.get(slot);
            if holder.key() != key && !may_share(holder, address, by) {
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
        let is_own = match &member.token {
            Some(token) => token_of(by) == Some(token),
            None => is_local(by) || member.source == by.source.map(canonical_source),
        };
        if is_own {
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
