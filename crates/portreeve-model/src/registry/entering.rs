//! What a registration makes of a pool, once it is allowed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Registry;
use super::address_fault::canonical_source;
use super::claims::token_of;
use super::event::EventKind;
use super::joining::Registered;
use super::kept::Kept;
use super::member::Member;
use super::members::Slot;
use super::rules::Allowed;
use crate::health::Rhythm;
use crate::registration::{Announcement, Moment, Sender, TokenId};
use crate::standing::Standing;

impl Registry {
    pub(super) fn enter(
        &mut self,
        allowed: Allowed,
        known: Option<Slot>,
        by: &Sender,
        at: Moment,
    ) -> Registered {
        let Allowed { announcement, ttl } = allowed;
        let by = Owner::of(by);
        let Some(slot) = known else {
            let place = self.members.next_place();
            let kept = Kept {
                is_drained: self.is_drained(&announcement.key.pool, &announcement.key.id),
                ..Kept::joining(announcement, by, place, at)
            };
            return self.join(kept, ttl, at);
        };
        let before = self.members.get(slot);
        if before.is_expired {
            let kept = Kept {
                is_drained: self.is_drained(&announcement.key.pool, &announcement.key.id),
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
        let rhythm = self.rhythm_of(&announcement);
        let mut member = self.members.take(slot);
        member.announcement = announcement;
        (member.source, member.token) = (by.source, by.token);
        if member.health.is_proved() {
            member.health.follow(&rhythm, false, at.since_start);
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
            let rhythm = self.rhythm_of(&member.announcement);
            member.stay(before, &rhythm, at);
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
}

impl Member {
    /// Takes over what is known of the address from the backend that was there.
    fn stay(&mut self, before: Self, rhythm: &Rhythm, at: Moment) {
        self.health = before.health.handed_on(rhythm, at.since_start);
        (self.load, self.in_flight, self.version) = (before.load, before.in_flight, before.version);
        if self.health.is_proved() && self.is_kept_by_probes() {
            self.lease_until = None;
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
    let what = |said: &Announcement| {
        (
            said.address,
            said.weight,
            said.spells_types_as_text,
            said.is_backup,
        )
    };
    what(before) == what(after) && (&before.policies, &before.zone) == (&after.policies, &after.zone)
}
