//! A driver, a registry and an operator, and a judge who knows what they do but not what the fleet thinks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::super::{Act, Fleet, FoundInstance, Look};
use crate::digest::mix;
use crate::plan::{FleetPlan, LeavesFirst, RegisteredBy};
use crate::samples::fleet_plan;
use crate::standing::Standing;
use crate::tick::Tick;

type Id = Arc<str>;

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
struct Thing {
    is_deaf: bool,
    serves: bool,
    dies_early: bool,
    began: Tick,
}

#[derive(Debug, Default)]
struct Entry {
    is_proved: bool,
    is_down: bool,
    drained_at: Option<Tick>,
    /// Since when it has not been given requests.
    rests_since: Option<Tick>,
    in_flight: u32,
}

#[derive(Debug)]
enum Happening {
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

pub(super) struct World {
    fleet: Fleet,
    plan: FleetPlan,
    pub(super) mood: Mood,
    now: Tick,
    size: u32,
    dice: u64,
    ordered: u32,
    agenda: BTreeMap<(Tick, u64), Happening>,
    planned: u64,
    things: BTreeMap<Id, Thing>,
    registry: BTreeMap<Id, Entry>,
    judge: Judge,
}

/// What the acts said so far.
#[derive(Debug, Default)]
struct Judge {
    /// Started or adopted, and not told to end.
    counted: BTreeSet<Id>,
    drained: BTreeMap<Id, Tick>,
    stopped: BTreeMap<Id, Tick>,
    told: Vec<(Tick, Id, &'static str)>,
    /// When something happened from outside.
    stirred: Vec<Tick>,
    max: u32,
}

/// 1 to 4, registered by the scaler, with short timeouts.
pub(super) fn plan() -> FleetPlan {
    let mut plan = fleet_plan("default");
    (plan.min, plan.max) = (1, 4);
    plan.lifecycle.start_timeout = Duration::from_secs(5);
    plan.lifecycle.drain_timeout = Duration::from_secs(3);
    plan.lifecycle.stop_timeout = Duration::from_secs(2);
    plan.lifecycle.registered_by = RegisteredBy::Scaler;
    plan
}

/// From outside.
impl World {
    pub(super) fn new(plan: FleetPlan, seed: u64) -> Self {
        let mut fleet = Fleet::new(&"pool".into(), plan.clone());
        fleet.found(&[], Tick::default(), Tick::default());
        Self {
            fleet,
            judge: Judge {
                max: plan.max,
                ..Judge::default()
            },
            plan,
            mood: Mood::Works,
            now: Tick::default(),
            size: 1,
            dice: seed,
            ordered: 0,
            agenda: BTreeMap::new(),
            planned: 0,
            things: BTreeMap::new(),
            registry: BTreeMap::new(),
        }
    }

    /// Everything that happens meanwhile does. The fleet is stepped when something happened, and when it says so.
    pub(super) fn wait(&mut self, ms: u64) {
        let end = self.now.plus(millis(ms));
        let mut steps = 0;
        while self.now < end {
            let next = self.agenda.first_key_value().map(|((at, _), _)| *at);
            let due = self.fleet.next_due();
            self.now = next
                .into_iter()
                .chain(due)
                .chain([end])
                .min()
                .unwrap()
                .max(self.now);
            while let Some(entry) = self
                .agenda
                .first_entry()
                .filter(|entry| entry.key().0 <= self.now)
            {
                let happening = entry.remove();
                self.happen(happening);
            }
            self.act();
            steps += 1;
            assert!(steps < 1_000 + ms / 20, "a hot loop: {:?}", self.fleet);
        }
    }

    pub(super) fn want(&mut self, size: u32) {
        self.stir();
        self.size = size;
    }

    pub(super) fn reload(&mut self, min: u32, max: u32, leaves_first: LeavesFirst) {
        self.stir();
        (self.plan.min, self.plan.max) = (min, max);
        self.plan.lifecycle.leaves_first = leaves_first;
        self.judge.max = self.judge.max.max(max);
        self.fleet.follow(self.plan.clone());
    }

    pub(super) fn die(&mut self, which: usize) {
        self.stir();
        if let Some(id) = self.running(which) {
            self.happen(Happening::Dies(id));
        }
    }

    /// Its probes fail or pass.
    pub(super) fn stand(&mut self, which: usize, is_down: bool) {
        self.stir();
        let id = self.running(which);
        if let Some(entry) = id.and_then(|id| self.registry.get_mut(&id)) {
            entry.is_down = is_down;
            entry.note_rest();
        }
    }

    /// Who is not given requests gets no more than it has.
    pub(super) fn load(&mut self, which: usize, in_flight: u32) {
        let id = self.running(which);
        if let Some(entry) = id.and_then(|id| self.registry.get_mut(&id)) {
            let is_given = entry.look().standing == Standing::Serving;
            entry.in_flight = if is_given {
                in_flight
            } else {
                in_flight.min(entry.in_flight)
            };
        }
    }

    pub(super) fn operator_drains(&mut self, which: usize, drains: bool) {
        self.stir();
        if let Some(id) = self.running(which) {
            self.happen(Happening::Drains(id, drains));
        }
    }

    /// The driver is asked what there is, and answers a little later.
    pub(super) fn list(&mut self) {
        self.stir();
        let listed = self.listed();
        self.plan_in(150, Happening::Listed(self.now, listed));
    }

    /// Another proxy leads for so long.
    pub(super) fn lead_again(&mut self, after: u64) {
        self.stir();
        self.fleet.resign();
        self.judge.counted.clear();
        self.judge.stopped.clear();
        self.plan_in(after, Happening::Leads);
    }

    /// Whatever runs ends when it is asked to from now on.
    pub(super) fn calm(&mut self) {
        self.things.values_mut().for_each(|thing| thing.is_deaf = false);
    }

    pub(super) fn leave_all(&mut self) {
        self.fleet.leave_all();
        self.act();
    }

    pub(super) fn wanted(&self) -> usize {
        self.size.max(self.plan.min).min(self.plan.max) as usize
    }

    pub(super) fn serving(&self) -> usize {
        let looks = self.registry.values().map(Entry::look);
        looks.filter(|look| look.standing == Standing::Serving).count()
    }

    pub(super) fn acts_told(&self) -> usize {
        self.judge.told.len()
    }

    /// What runs is what is known and what is wanted, and serves.
    pub(super) fn assert_calm(&self) {
        let known: Vec<_> = self.fleet.instances().map(|one| &*one.id).collect();
        let running: Vec<_> = self.things.keys().map(|id| &**id).collect();
        assert_eq!(known, running, "{:?}", self.fleet);
        assert_eq!(known.len(), self.wanted(), "{:?}", self.fleet);
        assert_eq!(
            self.fleet.size_now().serving as usize,
            known.len(),
            "{:?}",
            self.fleet
        );
    }

    pub(super) fn assert_empty(&self) {
        assert_eq!(self.fleet.size_now().total(), 0, "{:?}", self.fleet);
        assert!(self.things.is_empty(), "{:?}", self.things);
    }

    /// A step, its acts judged and done, and another that must find nothing more to do.
    pub(super) fn act(&mut self) {
        let acts = self.step();
        self.judge_all(&acts);
        for act in acts {
            self.perform(act);
        }
        assert_eq!(self.step(), [], "told twice");
        let due = self.fleet.next_due();
        assert!(
            due.is_none_or(|due| due > self.now),
            "due at once: {:?}",
            self.fleet
        );
        self.fleet.take_events();
    }
}

/// The driver and the registry.
impl World {
    fn step(&mut self) -> Vec<Act> {
        let (registry, ordered) = (&self.registry, &mut self.ordered);
        let mut fresh_id = || {
            *ordered += 1;
            Id::from(format!("i{ordered}"))
        };
        let look = |id: &str| registry.get(id).map(Entry::look);
        self.fleet.step(self.size, &look, &mut fresh_id, self.now)
    }

    fn perform(&mut self, act: Act) {
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
        self.plan_in(begins + 10, Happening::Begins(Arc::clone(id), thing));
        if self.mood == Mood::DiesAtOnce {
            self.plan_in(answer + 10, Happening::Dies(Arc::clone(id)));
        }
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

    fn happen(&mut self, happening: Happening) {
        let now = self.now;
        match happening {
            Happening::Begins(id, thing) => drop(self.things.insert(id, thing)),
            Happening::Started(id) => self.fleet.started(&id, format!("h-{id}"), address(&id), now),
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

    fn listed(&self) -> Vec<FoundInstance> {
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
        self.fleet.found(listed, asked, self.now);
        let adopted = self.fleet.instances().filter(|one| !before.contains(&one.id));
        self.judge.counted.extend(adopted.map(|one| Arc::clone(&one.id)));
    }

    fn with_entry(&mut self, id: &str, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.registry.get_mut(id) {
            change(entry);
        }
    }

    fn plan_in(&mut self, ms: u64, happening: Happening) {
        self.planned += 1;
        self.agenda
            .insert((self.now.plus(millis(ms)), self.planned), happening);
    }

    fn running(&self, which: usize) -> Option<Id> {
        self.things.keys().nth(which).map(Arc::clone)
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = mix(self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15));
        self.dice % sides
    }

    fn stir(&mut self) {
        self.judge.stirred.push(self.now);
    }
}

/// The judge.
impl World {
    fn judge_all(&mut self, acts: &[Act]) {
        for act in acts {
            self.judge_one(act);
            let told = (self.now, Arc::clone(act.id()), act.code());
            self.judge.told.push(told);
        }
        if acts.iter().any(|act| act.code() == "start") {
            let counted = &self.judge.counted;
            assert!(
                counted.len() <= self.plan.max as usize,
                "beyond max: {counted:?} {:?}",
                self.fleet
            );
            let total = self.fleet.size_now().total();
            assert!(total <= 2 * self.plan.max, "far too many: {:?}", self.fleet);
        }
        self.judge_rates(acts);
    }

    fn judge_one(&mut self, act: &Act) {
        let id = act.id();
        match act {
            Act::Start { .. } => assert!(self.judge.counted.insert(Arc::clone(id)), "{id} again"),
            Act::Drain { .. } => {
                self.judge.drained.entry(Arc::clone(id)).or_insert(self.now);
            }
            Act::Undrain { .. } => drop(self.judge.drained.remove(id)),
            Act::Stop { .. } => {
                self.judge_stop(id);
                self.judge.counted.remove(id);
                self.judge.stopped.entry(Arc::clone(id)).or_insert(self.now);
            }
            Act::Kill { .. } => {
                let stopped = self.judge.stopped[id];
                assert!(
                    self.now.since(stopped) >= self.plan.lifecycle.stop_timeout,
                    "{id} in haste"
                );
            }
            Act::Forget { .. } => {
                self.judge.counted.remove(id);
                self.judge.stopped.remove(id);
            }
            Act::Register { .. } | Act::Deregister { .. } => {}
        }
    }

    /// Who serves is not stopped, nor who has something to finish, unless it had its time to do so.
    fn judge_stop(&self, id: &Id) {
        let Some(entry) = self.registry.get(id) else {
            return;
        };
        let look = entry.look();
        let is_busy = look.standing == Standing::Draining && look.in_flight > 0;
        if look.standing == Standing::Serving || is_busy {
            let told = self.judge.drained.get(id).copied();
            let since = told.into_iter().chain(entry.rests_since).min();
            let drained = since.map(|since| self.now.since(since));
            let has_had_time = drained.is_some_and(|time| time >= self.plan.lifecycle.drain_timeout);
            assert!(has_had_time, "{id} stopped at work: {look:?} {:?}", self.fleet);
        }
    }

    /// In a second each act of an instance at most twice, and as many starts as there may be instances twice: and once more
    /// for each thing that happened from outside.
    fn judge_rates(&self, acts: &[Act]) {
        let is_lately = |at: Tick| self.now.since(at) < Duration::from_secs(1);
        let told = self.judge.told.iter().rev();
        let lately: Vec<_> = told.take_while(|(at, ..)| is_lately(*at)).collect();
        let stirred = self.judge.stirred.iter().rev();
        let times = 2 + stirred.take_while(|at| is_lately(**at)).count();
        for act in acts {
            let same = |(_, id, code): &&&(Tick, Id, &str)| id == act.id() && *code == act.code();
            assert!(
                lately.iter().filter(same).count() <= times,
                "{act:?} again and again"
            );
        }
        let starts = lately.iter().filter(|(.., code)| *code == "start").count();
        assert!(
            starts <= times * self.judge.max as usize,
            "{starts} starts in a second"
        );
    }
}

impl Entry {
    fn drain(&mut self, drains: bool, now: Tick) {
        self.drained_at = drains.then_some(now);
        self.rests_since = self.rests_since.or(self.drained_at);
        self.note_rest();
    }

    fn note_rest(&mut self) {
        if self.look().standing == Standing::Serving {
            self.rests_since = None;
        }
    }

    fn look(&self) -> Look {
        let standing = match self {
            Self {
                drained_at: Some(_), ..
            } => Standing::Draining,
            Self { is_down: true, .. } => Standing::Down,
            Self { is_proved: true, .. } => Standing::Serving,
            _ => Standing::Unproved,
        };
        Look {
            standing,
            in_flight: self.in_flight,
        }
    }
}

/// `i7` listens at 8007.
fn address(id: &str) -> Option<std::net::SocketAddr> {
    let port = 8_000 + id[1..].parse::<u16>().unwrap() % 1_000;
    Some(([127, 0, 0, 1], port).into())
}

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
