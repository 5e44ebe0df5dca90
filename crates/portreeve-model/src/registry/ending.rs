//! Members end: for now, and for good.

use std::sync::Arc;
use std::time::Duration;

use super::Registry;
use super::event::EventKind;
use super::fault::NotRegistered;
use super::member::{Member, Probe};
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
        member.probe = Probe::Idle;
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
