//! All that the writer changes at the word of others: the registry and the tokens.

mod heard;

use std::sync::Arc;
use std::time::Duration;

use portreeve_model::plan::{Plan, SanPattern};
use portreeve_model::{
    Announcement, Beat, Kept, Member, MemberKey, Moment, NotRegistered, Registered, RegistrationFault,
    Registry, Token, TokenId,
};

use crate::credentials::Credentials;
use crate::own::Own;
use crate::refused::Refused;
use crate::store::{Entry, Write};
use crate::tokens::{TokenWish, Tokens};
use heard::Strangers;

/// The registry and the tokens, which belong together: a token that ends takes its registrations with it.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) registry: Registry,
    pub(crate) tokens: Tokens,
    strangers: Strangers,
}

impl World {
    /// As it was kept. A registration at an address that is ours by now is not taken in, nor one by a token that is
    /// gone or has run out.
    pub(crate) fn restored(plan: &Plan, kept: Vec<Entry>, own: &Own, at: Moment) -> Self {
        let mut world = Self::default();
        let (mut members, mut drained, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
        for entry in kept {
            match entry {
                Entry::Member(kept) => members.push(kept),
                Entry::Drained(pool, label) => drained.push((pool, label)),
                Entry::Token(kept) => tokens.push(kept),
            }
        }
        world.tokens.restore(tokens, at);
        world.registry.follow(plan, at);
        world.registry.restore_drained(drained);
        world.restore_members(members, own, at);
        world
    }

    fn restore_members(&mut self, members: Vec<Kept>, own: &Own, at: Moment) {
        let ours: Vec<MemberKey> = members
            .iter()
            .filter(|kept| own.has(kept.announcement.address))
            .map(|kept| kept.announcement.key.clone())
            .collect();
        let mut orphans: Vec<TokenId> = members.iter().filter_map(|kept| kept.token.clone()).collect();
        orphans.retain(|token| !self.tokens.has_valid(token, at));
        self.registry.restore(members, at);
        for key in ours {
            tracing::warn!(backend = %key, "its address is this proxy's own by now: it is removed");
            // What was not restored is gone already.
            let _ = self.registry.remove(&key, at);
        }
        for token in orphans {
            self.registry.revoke(&token, at);
        }
    }

    pub(crate) fn register(
        &mut self,
        announcement: &Announcement,
        by: &Credentials,
        at: Moment,
    ) -> Result<Registered, Refused> {
        self.heard(by, &announcement.key, at, |registry, sender| {
            registry.register(announcement.clone(), sender, at)
        })
    }

    pub(crate) fn renew(
        &mut self,
        key: &MemberKey,
        beat: &Beat,
        by: &Credentials,
        at: Moment,
    ) -> Result<Duration, Refused> {
        self.heard(by, key, at, |registry, sender| {
            registry.renew(key, beat.clone(), sender, at)
        })
    }

    pub(crate) fn look(&mut self, key: &MemberKey, by: &Credentials, at: Moment) -> Result<&Member, Refused> {
        self.heard(by, key, at, |registry, sender| {
            registry.look(key, sender, at).map(drop)
        })?;
        let seen = self.registry.find(key);
        seen.ok_or_else(|| RegistrationFault::from(NotRegistered(key.clone())).into())
    }

    pub(crate) fn deregister(
        &mut self,
        key: &MemberKey,
        by: &Credentials,
        at: Moment,
    ) -> Result<(), Refused> {
        self.heard(by, key, at, |registry, sender| {
            registry.deregister(key, sender, at)
        })
    }

    pub(crate) fn create_token(
        &mut self,
        wish: TokenWish,
        at: Moment,
    ) -> Result<(Arc<Token>, String), Refused> {
        let (token, shown) = self.tokens.create(wish, at)?;
        tracing::info!(token = &*token.id, "a token was made");
        Ok((token, shown))
    }

    pub(crate) fn create_token_for(
        &mut self,
        certificate: SanPattern,
        wish: TokenWish,
        at: Moment,
    ) -> Result<Arc<Token>, Refused> {
        let shown = certificate.to_string();
        let token = self.tokens.create_for(certificate, wish, at)?;
        tracing::info!(
            token = &*token.id,
            certificate = shown,
            "a token was made for a certificate"
        );
        Ok(token)
    }

    /// How many registrations ended with it.
    pub(crate) fn revoke_token(&mut self, id: &TokenId, at: Moment) -> Result<usize, Refused> {
        if !self.tokens.revoke(id) {
            return Err(Refused::NoSuchToken(Arc::clone(id)));
        }
        let ended = self.registry.revoke(id, at);
        tracing::info!(token = &**id, ended, "a token was revoked");
        Ok(ended)
    }

    /// Ends what has run out by now: leases, and tokens with what was registered by them.
    pub(crate) fn tick(&mut self, at: Moment) {
        for token in self.tokens.take_expired(at) {
            let ended = self.registry.revoke(&token, at);
            if ended > 0 {
                tracing::warn!(
                    token = &*token,
                    ended,
                    "a token has run out, and what was registered by it ends"
                );
            }
        }
        self.registry.tick(at);
    }

    /// What the store has to do since the last call, in order.
    pub(crate) fn take_writes(&mut self) -> Vec<Write> {
        let mut writes = self.tokens.take_writes();
        writes.extend(self.registry.take_changes().into_iter().map(Write::from));
        writes
    }
}
