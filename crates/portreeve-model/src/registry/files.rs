//! Backends of the file: whether they can be reached. All else of them stands in the plan.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::Registry;
use super::due::DueTimes;
use super::event::EventKind;
use crate::address::BackendAddress;
use crate::backend::{Backend, BackendId};
use crate::digest::Digests;
use crate::health::{Health, Rhythm, Turn};
use crate::plan::{Name, PoolPlan};
use crate::registration::{MemberKey, Moment};
use crate::snapshot::Snapshot;
use crate::standing::Standing;

/// The backends of the file that the last snapshot has, found by what is known of them.
#[derive(Debug, Default)]
pub(super) struct Files {
    all: BTreeMap<BackendId, OfFile>,
    /// By pool and address: one of them.
    places: BTreeMap<Name, HashMap<BackendAddress, BackendId, Digests>>,
    probes: DueTimes<BackendId>,
}

/// One backend of the file.
#[derive(Debug)]
pub(super) struct OfFile {
    pub(super) pool: Name,
    pub(super) backend: Arc<Backend>,
    health: Health,
}

impl OfFile {
    fn key(&self) -> MemberKey {
        MemberKey {
            pool: Name::clone(&self.pool),
            id: Arc::clone(&self.backend.label),
        }
    }

    fn is_suspected(&self) -> bool {
        self.health.is_suspected(self.backend.standing())
    }

    /// As what it stands if nobody drains it. A suspicion that nobody has noticed yet is not forgotten.
    fn standing(&self) -> Standing {
        match self.is_suspected() {
            true => Standing::Down,
            false => self.health.standing(),
        }
    }
}

impl Files {
    pub(super) fn get(&self, id: BackendId) -> Option<&OfFile> {
        self.all.get(&id)
    }

    fn at(&self, pool: &str, address: &BackendAddress) -> Option<&OfFile> {
        self.places.get(pool)?.get(address).and_then(|id| self.get(*id))
    }

    pub(super) fn next_probe(&self) -> Option<(Duration, BackendId)> {
        self.probes.first()
    }

    /// Changes what is known of its health, and so when it is probed; nothing if it is gone.
    pub(super) fn tend<R>(&mut self, id: BackendId, act: impl FnOnce(&mut Health) -> R) -> Option<R> {
        let one = self.all.get_mut(&id)?;
        let before = one.health.due();
        let done = act(&mut one.health);
        self.probes.drop(before, id);
        self.probes.add(one.health.due(), id);
        Some(done)
    }

    fn of_pool(&self, pool: &Name) -> Vec<BackendId> {
        let all = self.all.iter();
        let ids = all.filter(|(_, one)| one.pool == *pool);
        ids.map(|(id, _)| *id).collect()
    }

    fn insert(&mut self, pool: &Name, backend: &Arc<Backend>, health: Health) {
        self.probes.add(health.due(), backend.id);
        let one = OfFile {
            pool: Name::clone(pool),
            backend: Arc::clone(backend),
            health,
        };
        self.all.insert(backend.id, one);
    }

    fn remove(&mut self, id: BackendId) {
        if let Some(one) = self.all.remove(&id) {
            self.probes.drop(one.health.due(), id);
        }
    }

    /// Keeps only those of this snapshot, all of which are known.
    fn keep(&mut self, snapshot: &Snapshot) {
        let there: BTreeSet<BackendId> = of_file(snapshot).map(|(_, backend)| backend.id).collect();
        if there.len() == self.all.len() {
            return;
        }
        let gone: Vec<BackendId> = self
            .all
            .keys()
            .filter(|id| !there.contains(id))
            .copied()
            .collect();
        gone.into_iter().for_each(|id| self.remove(id));
        self.places.clear();
        for (id, one) in &self.all {
            let places = self.places.entry(Name::clone(&one.pool)).or_default();
            places.insert(one.backend.address.clone(), *id);
        }
    }
}

impl Registry {
    /// Takes notice of the backends of the file, after each snapshot that was made of this registry: they are probed as
    /// members are. One that another of the same pool and address replaces hands on what is known of the address.
    pub fn watch(&mut self, snapshot: &Snapshot, at: Moment) {
        for (pool, backend) in of_file(snapshot) {
            if self.files.get(backend.id).is_none() {
                let health = self.first_health(pool, backend, at);
                self.files.insert(pool, backend, health);
                let places = self.files.places.entry(Name::clone(pool)).or_default();
                places.entry(backend.address.clone()).or_insert(backend.id);
            }
        }
        self.files.keep(snapshot);
    }

    /// Whether there is a backend, of the file or registered.
    #[must_use]
    pub fn watches_nobody(&self) -> bool {
        self.is_empty() && self.files.all.is_empty()
    }

    /// Why backends of the file do not serve, or soon may not, in words for people: of those whose last probe failed, or
    /// that a request could not reach.
    pub fn reasons_of_file(&self) -> impl Iterator<Item = (BackendId, &str)> {
        let all = self.files.all.iter();
        all.filter_map(|(id, one)| Some((*id, one.health.reason()?)))
    }

    /// As what a backend of the file stands in a snapshot that is being made.
    pub(crate) fn standing_of_file(&self, pool: &PoolPlan, backend: &Backend) -> Standing {
        if self.is_drained(&pool.name, &backend.label) {
            return Standing::Draining;
        }
        let known = self.files.get(backend.id);
        match known.or_else(|| self.files.at(&pool.name, &backend.address)) {
            Some(known) => known.standing(),
            None if pool.probe.is_some() => Standing::Unproved,
            None => Standing::Serving,
        }
    }

    fn first_health(&self, pool: &Name, backend: &Backend, at: Moment) -> Health {
        let probing = self.members.probing(pool);
        match self.files.at(pool, &backend.address) {
            Some(before) => {
                let rhythm = probing.rhythm(None, &backend.label);
                before.health.handed_on(&rhythm, at.since_start)
            }
            None if probing.is_asked => Health::unproved(at.since_start),
            None => Health::trusted(),
        }
    }

    pub(super) fn proved_of_file(&mut self, id: BackendId, outcome: Result<(), String>, at: Moment) {
        self.note_suspicion_of_file(id, at);
        let Some(rhythm) = self.rhythm_of_file(id) else {
            return;
        };
        let answer = |health: &mut Health| health.answer(outcome, &rhythm, at.since_start);
        if let Some(turn) = self.files.tend(id, answer).flatten() {
            self.turn_of_file(id, turn, at);
        }
    }

    pub(super) fn take_suspects_of_file(&mut self, at: Moment) {
        let all = self.files.all.iter();
        let suspected: Vec<BackendId> = all
            .filter(|(_, one)| one.is_suspected())
            .map(|(id, _)| *id)
            .collect();
        for id in suspected {
            self.note_suspicion_of_file(id, at);
        }
    }

    pub(super) fn probe_files_otherwise(&mut self, pool: &Name, is_other_check: bool, at: Moment) {
        let is_asked = self.members.probing(pool).is_asked;
        for id in self.files.of_pool(pool) {
            let Some(rhythm) = self.rhythm_of_file(id) else {
                continue;
            };
            let follow = |health: &mut Health| {
                let turn = if is_asked { None } else { health.trust() };
                health.follow(&rhythm, is_other_check, at.since_start);
                turn
            };
            if let Some(turn) = self.files.tend(id, follow).flatten() {
                self.turn_of_file(id, turn, at);
            }
        }
    }

    fn note_suspicion_of_file(&mut self, id: BackendId, at: Moment) {
        if self.files.get(id).is_some_and(OfFile::is_suspected) {
            self.files.tend(id, |health| health.suspect(at.since_start));
            self.turn_of_file(id, Turn::Down, at);
        }
    }

    fn rhythm_of_file(&self, id: BackendId) -> Option<Rhythm> {
        let one = self.files.get(id)?;
        let probing = self.members.probing(&one.pool);
        Some(probing.rhythm(None, &one.backend.label))
    }

    /// Lets all threads see it, and tells of it.
    fn turn_of_file(&mut self, id: BackendId, turn: Turn, at: Moment) {
        let Some(one) = self.files.get(id) else {
            return;
        };
        if !self.is_drained(&one.pool, &one.backend.label) {
            one.backend.stand(one.health.standing());
        }
        let (kind, reason) = match turn {
            Turn::Up => (EventKind::Up, None),
            Turn::Down => (EventKind::Down, one.health.reason().map(str::to_owned)),
        };
        self.journal.note_of(kind, one.key(), &one.backend, reason, at);
        self.members.touch_upheld(&one.pool, &one.backend.policies);
    }
}

/// The backends of the file, with their pools.
fn of_file(snapshot: &Snapshot) -> impl Iterator<Item = (&Name, &Arc<Backend>)> {
    snapshot.pools.iter().flat_map(|pool| {
        let of_file = pool.backends.iter().take_while(|backend| !backend.is_registered);
        of_file.map(|backend| (&pool.name, backend))
    })
}

#[cfg(test)]
mod tests;
