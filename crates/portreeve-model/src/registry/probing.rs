//! Whether backends can be reached, members and those of the file.

use std::sync::Arc;
use std::time::Duration;

use super::Registry;
use super::event::EventKind;
use super::members::Slot;
use super::pools::Probing;
use super::rules::ttl;
use crate::backend::{Backend, BackendId};
use crate::health::{Rhythm, Turn};
use crate::plan::{Name, ProbePlan, Scheme};
use crate::registration::{Announcement, Moment};

/// A probe that is to be made now.
#[derive(Debug, Clone)]
pub struct ProbeOrder {
    /// The pool that it is in.
    pub pool: Name,
    /// Of whom.
    pub backend: Arc<Backend>,
    /// Of the pool; one by default if that has none.
    pub plan: Arc<ProbePlan>,
    /// Whether the pool has one.
    pub is_asked: bool,
    /// What is spoken with it.
    pub scheme: Scheme,
    /// By which version of the PROXY protocol, 1 or 2, each connection to it begins, if it does.
    pub proxy_protocol: Option<u8>,
}

impl Registry {
    /// Whom to probe now, at most `room` of them, who waited longest first; each is out until [`proved`](Self::proved)
    /// says what came of it.
    ///
    /// In a pool with a probe plan that is everybody, time and again. In others these are members that never passed,
    /// all that were found down, and members that are kept by probes, every 5 s, give or take a tenth.
    pub fn take_probes(&mut self, at: Moment, room: usize) -> Vec<ProbeOrder> {
        let mut taken = Vec::new();
        while taken.len() < room
            && let Some(order) = self.take_probe(at.since_start)
        {
            taken.push(order);
        }
        taken
    }

    /// When [`take_probes`](Self::take_probes) has something to give next, in time since the start.
    #[must_use]
    pub fn next_probe_due(&self) -> Option<Duration> {
        let member = self.members.next_probe().map(|(due, _)| due);
        let of_file = self.files.next_probe().map(|(due, _)| due);
        [member, of_file].into_iter().flatten().min()
    }

    fn take_probe(&mut self, now: Duration) -> Option<ProbeOrder> {
        let is_due = |(due, _): &(Duration, _)| *due <= now;
        let member = self.members.next_probe().filter(is_due);
        let of_file = self.files.next_probe().filter(|(due, _)| *due <= now);
        let (pool, backend) = match (member, of_file) {
            (Some((due, slot)), other) if other.is_none_or(|(earlier, _)| due <= earlier) => {
                self.members.tend(slot, |health| health.set_out(now));
                let member = self.members.get(slot);
                (&member.key().pool, &member.backend)
            }
            (_, Some((_, id))) => {
                self.files.tend(id, |health| health.set_out(now));
                let one = self.files.get(id)?;
                (&one.pool, &one.backend)
            }
            (_, None) => return None,
        };
        let probing = self.members.probing(pool);
        let scheme = match backend.is_registered {
            true => probing.scheme,
            false => backend.scheme,
        };
        Some(ProbeOrder {
            scheme,
            pool: Name::clone(pool),
            backend: Arc::clone(backend),
            plan: Arc::clone(&probing.plan),
            is_asked: probing.is_asked,
            proxy_protocol: probing.proxy_protocol,
        })
    }

    /// What came of a probe: passed, or why not, in words for people. Of a backend that is gone it says nothing, and
    /// neither if a request could not reach the backend while it was on its way.
    pub fn proved(&mut self, backend: BackendId, outcome: Result<(), String>, at: Moment) {
        self.tick(at);
        match self.members.of_backend(backend) {
            Some(slot) => self.proved_member(slot, outcome, at),
            None => self.proved_of_file(backend, outcome, at),
        }
    }

    fn proved_member(&mut self, slot: Slot, outcome: Result<(), String>, at: Moment) {
        self.note_suspicion(slot, at);
        let rhythm = self.rhythm_of(&self.members.get(slot).announcement);
        let turn = self
            .members
            .tend(slot, |health| health.answer(outcome, &rhythm, at.since_start));
        match turn {
            Some(Turn::Up) => self.up(slot, at),
            Some(Turn::Down) => self.down(slot, at),
            None => {}
        }
    }

    /// Takes notice of backends that requests could not reach. Looks at all of them: call it when there is a suspicion.
    pub fn take_suspects(&mut self, at: Moment) {
        self.tick(at);
        for slot in self
            .members
            .slots_where(|member| !member.is_expired && member.is_suspected())
        {
            self.note_suspicion(slot, at);
        }
        self.take_suspects_of_file(at);
    }

    /// Takes notice if requests could not reach this member.
    pub(super) fn note_suspicion(&mut self, slot: Slot, at: Moment) {
        if self.members.get(slot).is_suspected() {
            self.members.tend(slot, |health| health.suspect(at.since_start));
            self.down(slot, at);
        }
    }

    /// Members and backends of the file of a pool are probed otherwise than `before`.
    pub(super) fn probe_otherwise(&mut self, pool: &Name, before: &Probing, at: Moment) {
        let now = self.members.probing(pool);
        let is_other = (&now.plan.check, now.is_asked) != (&before.plan.check, before.is_asked);
        for slot in self.members.slots_of_pool(pool) {
            let rhythm = self.rhythm_of(&self.members.get(slot).announcement);
            let follow =
                |health: &mut crate::health::Health| health.follow(&rhythm, is_other, at.since_start);
            self.members.tend(slot, follow);
        }
        self.probe_files_otherwise(pool, is_other, at);
    }

    /// How a member is probed that says this of itself.
    pub(super) fn rhythm_of(&self, said: &Announcement) -> Rhythm {
        let probing = self.members.probing(&said.key.pool);
        probing.rhythm(Some(said.term), &said.key.id)
    }

    fn up(&mut self, slot: Slot, at: Moment) {
        let member = self.members.get(slot);
        member.show();
        self.journal.note(EventKind::Up, member, None, at);
        if member.is_kept_by_probes() {
            self.members.set_lease(slot, None);
        }
        self.members.touch_of(slot);
    }

    fn down(&mut self, slot: Slot, at: Moment) {
        let member = self.members.get(slot);
        let reason = member.last_reason().map(str::to_owned);
        member.show();
        self.journal.note(EventKind::Down, member, reason, at);
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

#[cfg(test)]
mod tests;
