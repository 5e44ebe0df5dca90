//! Whether members can be reached.

use std::sync::Arc;
use std::time::Duration;

use super::Registry;
use super::event::EventKind;
use super::member::{Health, Probe};
use super::members::Slot;
use super::rules::ttl;
use crate::backend::{Backend, BackendId};
use crate::registration::Moment;

impl Registry {
    /// Whom to probe now, at most `room` of them, who waited longest first; each is out until [`proved`](Self::proved)
    /// says what came of it.
    ///
    /// Due are: who never passed, at once and 1 s after each try; who is down, the same; who passed and is kept by
    /// probes, 5 s after each.
    pub fn take_probes(&mut self, at: Moment, room: usize) -> Vec<Arc<Backend>> {
        let mut taken = Vec::new();
        while taken.len() < room
            && let Some(slot) = self.members.probe_due(at.since_start)
        {
            self.members.set_probe(slot, Probe::Out);
            taken.push(Arc::clone(&self.members.get(slot).backend));
        }
        taken
    }

    /// What came of a probe: passed, or why not. Of a backend that is gone it says nothing.
    pub fn proved(&mut self, backend: BackendId, outcome: Result<(), String>, at: Moment) {
        self.tick(at);
        let Some(slot) = self.members.of_backend(backend) else {
            return;
        };
        self.note_suspicion(slot, at);
        match outcome {
            Ok(()) => self.passed(slot, at),
            Err(reason) => self.failed(slot, reason, at),
        }
        let probe = self.members.get(slot).probe_after(at.since_start);
        self.members.set_probe(slot, probe);
    }

    /// Takes notice of members that requests could not reach. Looks at all of them: call it when there is a suspicion.
    pub fn take_suspects(&mut self, at: Moment) {
        self.tick(at);
        for slot in self
            .members
            .slots_where(|member| !member.is_expired && member.is_suspected())
        {
            self.note_suspicion(slot, at);
        }
    }

    /// Takes notice if requests could not reach this member.
    pub(super) fn note_suspicion(&mut self, slot: Slot, at: Moment) {
        let member = self.members.get(slot);
        if !member.is_suspected() {
            return;
        }
        let is_out = member.probe == Probe::Out;
        self.failed(slot, SUSPECTED.to_owned(), at);
        if !is_out {
            self.members.set_probe(slot, Probe::Due(at.since_start));
        }
    }

    fn passed(&mut self, slot: Slot, at: Moment) {
        let member = self.members.get_mut(slot);
        member.reason = None;
        if member.health == Health::Proved {
            return;
        }
        member.health = Health::Proved;
        member.show();
        self.journal.note(EventKind::Up, member, None, at);
        if member.is_kept_by_probes() {
            self.members.set_lease(slot, None);
        }
        self.members.touch_of(slot);
    }

    fn failed(&mut self, slot: Slot, reason: String, at: Moment) {
        let member = self.members.get_mut(slot);
        member.reason = Some(reason.clone());
        if member.health != Health::Proved {
            return;
        }
        member.health = Health::Down;
        member.show();
        self.journal.note(EventKind::Down, member, Some(reason), at);
        if member.is_kept_by_probes() {
            let lease = self.probes_lease(slot);
            self.members
                .set_lease(slot, Some(at.since_start.saturating_add(lease)));
        }
        self.members.touch_of(slot);
    }

    /// How long one that is kept by probes counts while they fail.
    fn probes_lease(&self, slot: Slot) -> Duration {
        let member = self.members.get(slot);
        let plan = self.joinable(&member.key().pool);
        plan.map_or(Duration::ZERO, |plan| ttl(member.announcement.term, None, plan))
    }
}

const SUSPECTED: &str = "a request could not reach it";
