//! Members join, renew and leave by their own word.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Registry;
use super::address_fault::canonical_source;
use super::claims::token_of;
use super::event::EventKind;
use super::fault::RegistrationFault;
use super::kept::Kept;
use super::member::{Health, Member, Probe};
use super::members::Slot;
use super::rules::{Allowed, ttl};
use crate::backend::Backend;
use crate::plan::{MembersPlan, Name};
use crate::registration::{Announcement, Beat, MemberKey, Moment, Sender, TokenId};
use crate::standing::Standing;

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
        let leaving = self.claim_address(said.address, &said.key, by)?;
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
        if let Some(load) = beat.load.filter(|load| load.is_finite()) {
            self.members.get_mut(slot).load = Some(load.clamp(0.0, 1.0));
        }
        if let Some(is_leaving) = beat.is_draining {
            self.leave(slot, is_leaving, at);
        }
        Ok(ttl)
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

    fn enter(&mut self, allowed: Allowed, known: Option<Slot>, by: &Sender, at: Moment) -> Registered {
        let Allowed { announcement, ttl } = allowed;
        let by = Owner::of(by);
        let Some(slot) = known else {
            let place = self.members.next_place();
            return self.join(Kept::joining(announcement, by, place, at), ttl, at);
        };
        let before = self.members.get(slot);
        if before.is_expired {
            let kept = Kept {
                is_drained: before.is_drained,
                ..Kept::joining(announcement, by, before.place, at)
            };
            self.members.take(slot);
            return self.join(kept, ttl, at);
        }
        if is_same(&before.announcement, &announcement) {
            return self.repeat(slot, announcement, by, ttl, at);
        }
        self.replace(slot, announcement, by, ttl, at)
    }

    /// One that was not there.
    fn join(&mut self, kept: Kept, ttl: Duration, at: Moment) -> Registered {
        let member = Member::unproved(kept, ttl, at);
        member.show();
        let backend = Arc::clone(&member.backend);
        self.journal.note(EventKind::Registered, &member, None, at);
        self.journal.put(&member);
        self.members.insert(member);
        Registered {
            backend,
            ttl,
            is_new: true,
            replaced: false,
        }
    }

    /// One that says again what it said; perhaps with another ttl or token, or from elsewhere.
    fn repeat(
        &mut self,
        slot: Slot,
        announcement: Announcement,
        by: Owner,
        ttl: Duration,
        at: Moment,
    ) -> Registered {
        let before = self.members.get(slot);
        let is_all_the_same = before.announcement.term == announcement.term && by.owns(before);
        let slot = if is_all_the_same {
            slot
        } else {
            self.amend(slot, announcement, by, at)
        };
        self.prolong(slot, ttl, at);
        Registered {
            backend: Arc::clone(&self.members.get(slot).backend),
            ttl,
            is_new: false,
            replaced: false,
        }
    }

    fn amend(&mut self, slot: Slot, announcement: Announcement, by: Owner, at: Moment) -> Slot {
        let mut member = self.members.take(slot);
        member.announcement = announcement;
        (member.source, member.token) = (by.source, by.token);
        if member.health == Health::Proved && member.probe != Probe::Out {
            member.probe = member.probe_after(at.since_start);
        }
        self.journal.put(&member);
        self.members.insert(member)
    }

    /// One that says something else: another backend takes its place. It need not prove an address that it has proved.
    fn replace(
        &mut self,
        slot: Slot,
        announcement: Announcement,
        by: Owner,
        ttl: Duration,
        at: Moment,
    ) -> Registered {
        self.note_suspicion(slot, at);
        let before = self.members.take(slot);
        before.backend.stand(Standing::Gone);
        let is_moved = before.announcement.address != announcement.address;
        let kept = Kept {
            is_drained: before.is_drained,
            is_leaving: before.is_leaving && !is_moved,
            since_unix_ms: before.since_unix_ms,
            ..Kept::joining(announcement, by, before.place, at)
        };
        let mut member = Member::unproved(kept, ttl, at);
        if !is_moved {
            member.stay(before, at);
        }
        member.show();
        let backend = Arc::clone(&member.backend);
        self.journal.note(EventKind::Replaced, &member, None, at);
        self.journal.put(&member);
        self.members.insert(member);
        Registered {
            backend,
            ttl,
            is_new: false,
            replaced: true,
        }
    }

    /// The word counts for `ttl` from now on; that of one kept by probes only while they do not pass.
    fn prolong(&mut self, slot: Slot, ttl: Duration, at: Moment) {
        let member = self.members.get(slot);
        let is_proved = member.health == Health::Proved;
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

impl Member {
    /// Takes over what is known of the address from the backend that was there.
    fn stay(&mut self, before: Self, at: Moment) {
        self.health = before.health;
        self.reason = before.reason;
        self.load = before.load;
        if self.health == Health::Proved {
            self.probe = self.probe_after(at.since_start);
            if self.is_kept_by_probes() {
                self.lease_until = None;
            }
        }
    }
}

impl Kept {
    fn joining(announcement: Announcement, by: Owner, place: u64, at: Moment) -> Self {
        Self {
            announcement,
            source: by.source,
            token: by.token,
            is_drained: false,
            is_leaving: false,
            since_unix_ms: at.unix_ms,
            place,
        }
    }
}

/// To whom a registration counts.
#[derive(Debug)]
struct Owner {
    source: Option<IpAddr>,
    token: Option<TokenId>,
}

impl Owner {
    fn of(by: &Sender) -> Self {
        Self {
            source: by.source.map(canonical_source),
            token: token_of(by).cloned(),
        }
    }

    fn owns(&self, member: &Member) -> bool {
        (&self.source, &self.token) == (&member.source, &member.token)
    }
}

/// Whether two announcements are served by the same backend.
fn is_same(before: &Announcement, after: &Announcement) -> bool {
    let what = |said: &Announcement| (said.address, said.weight, said.spells_types_as_text);
    what(before) == what(after) && before.policies == after.policies
}
