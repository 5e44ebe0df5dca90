//! What happened, until somebody takes it.

use std::mem;

use super::event::{Event, EventKind};
use super::kept::Change;
use super::member::Member;
use crate::backend::Backend;
use crate::registration::{MemberKey, Moment};

/// Events and changes that nobody has taken yet, and the number of the last event.
#[derive(Debug, Default)]
pub(super) struct Journal {
    last: u64,
    events: Vec<Event>,
    changes: Vec<Change>,
}

impl Journal {
    pub(super) fn note(&mut self, kind: EventKind, member: &Member, reason: Option<String>, at: Moment) {
        self.note_of(kind, member.key().clone(), &member.backend, reason, at);
    }

    /// Of a member or of a backend of the file.
    pub(super) fn note_of(
        &mut self,
        kind: EventKind,
        key: MemberKey,
        backend: &Backend,
        reason: Option<String>,
        at: Moment,
    ) {
        self.last += 1;
        self.events.push(Event {
            sequence: self.last,
            unix_ms: at.unix_ms,
            key,
            kind,
            address: backend.address.clone(),
            policies: backend.policies.clone(),
            reason,
        });
    }

    pub(super) fn put(&mut self, member: &Member) {
        self.changes.push(Change::Put(member.kept()));
    }

    pub(super) fn delete(&mut self, member: &Member) {
        self.changes.push(Change::Delete(member.key().clone()));
    }

    pub(super) fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    pub(super) fn take_events(&mut self) -> Vec<Event> {
        mem::take(&mut self.events)
    }

    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        mem::take(&mut self.changes)
    }
}
