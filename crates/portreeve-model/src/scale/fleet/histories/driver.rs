//! The driver, what it starts, and the registry that this comes to.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::{Act, FleetEventKind, FoundInstance};
use super::registry::Entry;
use super::world::{Id, World, millis};
use crate::digest::mix;
use crate::tick::Tick;

/// How the driver behaves, and what it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Works,
    /// Starts fail.
    Refuses,
    /// Starts are never answered, and nothing runs.
    Hangs,
    /// Starts are never answered, and something runs.
    HangsButStarts,
    /// Starts are answered after they were given up.
    Late,
    /// Starts succeed, but nothing runs, and no end is told.
    Lies,
    DiesAtOnce,
    /// Soon after the first pass.
    DiesEarly,
    NeverServes,
    /// What it starts does not end when it is asked to.
    Deaf,
    /// Nothing ends at all.
    Immortal,
    CannotStop,
    CannotRegister,
    /// Ends are not told.
    EndsUnseen,
    ListsNothing,
}

impl Mood {
    pub(super) const ALL: [Self; 15] = [
        Self::Works,
        Self::Refuses,
        Self::Hangs,
        Self::HangsButStarts,
        Self::Late,
        Self::Lies,
        Self::DiesAtOnce,
        Self::DiesEarly,
        Self::NeverServes,
        Self::Deaf,
        Self::Immortal,
        Self::CannotStop,
        Self::CannotRegister,
        Self::EndsUnseen,
        Self::ListsNothing,
    ];
}

/// What really runs.
#[derive(Debug)]
pub(super) struct Thing {
    pub(super) is_deaf: bool,
    pub(super) serves: bool,
    pub(super) dies_early: bool,
    pub(super) began: Tick,
}

/// What comes about later.
#[derive(Debug)]
pub(super) enum Happening {
    Begins(Id, Thing),
    Started(Id),
    StartFailed(Id),
    Registers(Id),
    Passes(Id),
    Dies(Id),
    EndIsTold(Id),
    DeathIsNoticed(Id),
    Drains(Id, bool),
    Deregisters(Id),
    StopFailed(Id),
    Listed(Tick, Vec<FoundInstance>),
    Leads,
}

/// The driver and the registry.
impl World {
    pub(super) fn perform(&mut self, act: Act) {
        match act {
            Act::Start { id, .. } => self.start(&id),
            Act::Register { id } => self.plan_in(40, Happening::Registers(id)),
            Act::Drain { id } => self.plan_in(20, Happening::Drains(id, true)),
            Act::Undrain { id } => self.plan_in(20, Happening::Drains(id, false)),
            Act::Deregister { id } => self.plan_in(20, Happening::Deregisters(id)),
            Act::Forget { id } => drop(self.registry.remove(&id)),
            Act::Stop { id } => self.end(id, false),
            Act::Kill { id } => self.end(id, true),
        }
    }

    fn start(&mut self, id: &Id) {
        let answer = 20 + self.roll(200);
        match self.mood {
            Mood::Refuses => return self.plan_in(answer, Happening::StartFailed(Arc::clone(id))),
            Mood::Hangs => return,
            Mood::Lies => return self.plan_in(answer, Happening::Started(Arc::clone(id))),
            Mood::HangsButStarts => {}
            Mood::Late => self.plan_in(12_000 + answer, Happening::Started(Arc::clone(id))),
            _ => self.plan_in(answer, Happening::Started(Arc::clone(id))),
        }
        let thing = Thing {
            is_deaf: self.mood == Mood::Deaf,
            serves: self.mood != Mood::NeverServes,
            dies_early: self.mood == Mood::DiesEarly,
            began: self.now,
        };
        let begins = if self.mood == Mood::Late { 12_000 } else { 0 };
        let name = self.name(id);
        self.plan_in(begins + 10, Happening::Begins(Arc::clone(&name), thing));
        if self.mood == Mood::DiesAtOnce {
            self.plan_in(answer + 10, Happening::Dies(name));
        }
    }

    fn name(&mut self, order: &Id) -> Id {
        if !self.is_named_by_others() {
            return Arc::clone(order);
        }
        self.named += 1;
        Id::from(format!("n{}", self.named))
    }

    fn begin(&mut self, id: Id, thing: Thing) {
        if self.is_named_by_others() {
            self.plan_in(40, Happening::Registers(Arc::clone(&id)));
        }
        self.things.insert(id, thing);
    }

    fn tell_started(&mut self, id: &Id) {
        let (handle, address) = match self.is_named_by_others() {
            true => (String::new(), None),
            false => (format!("h-{id}"), address(id)),
        };
        self.fleet.started(id, handle, address, self.now);
    }

    fn end(&mut self, id: Id, is_kill: bool) {
        let is_deaf = self.things.get(&id).is_some_and(|thing| thing.is_deaf);
        match self.mood {
            Mood::CannotStop => self.plan_in(30, Happening::StopFailed(id)),
            Mood::Immortal => {}
            _ if is_deaf && !is_kill => {}
            _ => self.plan_in(60, Happening::Dies(id)),
        }
    }

    pub(super) fn happen(&mut self, happening: Happening) {
        let now = self.now;
        match happening {
            Happening::Begins(id, thing) => self.begin(id, thing),
            Happening::Started(id) => self.tell_started(&id),
            Happening::StartFailed(id) => self.fleet.start_failed(&id, now),
            Happening::Registers(id) => self.register(id),
            Happening::Passes(id) => self.pass(&id),
            Happening::Dies(id) => self.dies(id),
            Happening::EndIsTold(id) => self.fleet.ended(&id, now),
            Happening::DeathIsNoticed(id) => self.with_entry(&id, |entry| entry.is_down = true),
            Happening::Drains(id, drains) => {
                self.with_entry(&id, |entry| entry.drain(drains, now));
            }
            Happening::Deregisters(id) => drop(self.registry.remove(&id)),
            Happening::StopFailed(id) => self.fleet.stop_failed(&id, now),
            Happening::Listed(asked, listed) => self.tell_list(&listed, asked),
            Happening::Leads => {
                let listed = self.listed();
                self.tell_list(&listed, now);
            }
        }
    }

    fn register(&mut self, id: Id) {
        if self.mood == Mood::CannotRegister || !self.things.contains_key(&id) {
            self.fleet.register_failed(&id, self.now);
            return;
        }
        if self.things[&id].serves {
            let start = 50 + self.roll(200);
            self.plan_in(start, Happening::Passes(Arc::clone(&id)));
        }
        self.registry.insert(id, Entry::default());
    }

    fn pass(&mut self, id: &Id) {
        let Some(thing) = self.things.get(id) else {
            return;
        };
        if thing.dies_early {
            self.plan_in(30, Happening::Dies(Arc::clone(id)));
        }
        self.with_entry(id, |entry| {
            entry.is_proved = true;
            entry.note_rest();
        });
    }

    fn dies(&mut self, id: Id) {
        if self.things.remove(&id).is_none() {
            return;
        }
        if self.mood != Mood::EndsUnseen {
            self.plan_in(5, Happening::EndIsTold(Arc::clone(&id)));
        }
        self.plan_in(500, Happening::DeathIsNoticed(id));
    }

    pub(super) fn listed(&self) -> Vec<FoundInstance> {
        let found = self.things.iter().map(|(id, thing)| FoundInstance {
            id: Arc::clone(id),
            handle: format!("h-{id}"),
            address: address(id),
            is_ending: false,
            age: Some(self.now.since(thing.began)),
        });
        found.filter(|_| self.mood != Mood::ListsNothing).collect()
    }

    fn tell_list(&mut self, listed: &[FoundInstance], asked: Tick) {
        let before: BTreeSet<_> = self.fleet.instances().map(|one| Arc::clone(&one.id)).collect();
        self.fleet.take_events();
        self.fleet.found(listed, asked, self.now);
        let events = self.fleet.take_events();
        for one in self.fleet.instances().filter(|one| !before.contains(&one.id)) {
            let order = events.iter().find_map(|event| match &event.kind {
                FleetEventKind::Claimed { order } if event.id.as_ref() == Some(&one.id) => Some(order),
                _ => None,
            });
            self.judge.adopt(Arc::clone(&one.id), order);
        }
        self.lead();
    }

    fn with_entry(&mut self, id: &str, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.registry.get_mut(id) {
            change(entry);
        }
    }

    pub(super) fn plan_in(&mut self, ms: u64, happening: Happening) {
        self.planned += 1;
        self.agenda
            .insert((self.now.plus(millis(ms)), self.planned), happening);
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = mix(self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15));
        self.dice % sides
    }
}

/// `i7` listens at 8007.
fn address(id: &str) -> Option<std::net::SocketAddr> {
    let port = 8_000 + id[1..].parse::<u16>().unwrap() % 1_000;
    Some(([127, 0, 0, 1], port).into())
}
