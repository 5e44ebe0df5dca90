//! A fleet, and what happens to it from outside.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::{Act, Fleet};
use super::driver::{Happening, Mood, Thing};
use super::judge::Judge;
use super::registry::Entry;
use crate::plan::{DriverPlan, Ec2Plan, FleetPlan, LeavesFirst, RegisteredBy};
use crate::samples::fleet_plan;
use crate::standing::Standing;
use crate::tick::Tick;

pub(super) type Id = Arc<str>;

/// A driver, a registry and an operator, and a judge who knows what they do but not what the fleet thinks.
pub(super) struct World {
    pub(super) fleet: Fleet,
    pub(super) plan: FleetPlan,
    pub(super) mood: Mood,
    pub(super) now: Tick,
    pub(super) size: u32,
    pub(super) dice: u64,
    pub(super) ordered: u32,
    pub(super) agenda: BTreeMap<(Tick, u64), Happening>,
    pub(super) planned: u64,
    pub(super) things: BTreeMap<Id, Thing>,
    pub(super) registry: BTreeMap<Id, Entry>,
    /// Under so many names of its own has the driver started something.
    pub(super) named: u32,
    /// Whether we lead.
    leads: bool,
    pub(super) judge: Judge,
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

/// The same, but others name what is ordered, and it registers itself.
pub(super) fn plan_with_names() -> FleetPlan {
    let mut plan = plan();
    plan.lifecycle.registered_by = RegisteredBy::Backend;
    plan.driver = DriverPlan::Ec2(Ec2Plan {
        group: "asg".into(),
        region: None,
        endpoint: None,
    });
    plan
}

/// From outside.
impl World {
    pub(super) fn new(plan: FleetPlan, seed: u64) -> Self {
        let mut fleet = Fleet::new(&"pool".into(), plan.clone());
        fleet.found(&[], Tick::default(), Tick::default());
        Self {
            fleet,
            judge: Judge::default(),
            named: 0,
            leads: true,
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
            self.list_if_wanted();
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

    /// As the runtime does where others name what is ordered.
    fn list_if_wanted(&mut self) {
        let is_coming = self
            .agenda
            .values()
            .any(|one| matches!(one, Happening::Listed(..)));
        if self.is_named_by_others() && self.leads && !is_coming && self.fleet.wants_list() {
            let listed = self.listed();
            self.plan_in(500, Happening::Listed(self.now, listed));
        }
    }

    pub(super) fn is_named_by_others(&self) -> bool {
        matches!(self.plan.driver, DriverPlan::Ec2(_))
    }

    /// We lead again, if we did not.
    pub(super) fn lead(&mut self) {
        self.leads = true;
    }

    /// Another proxy leads for so long.
    pub(super) fn lead_again(&mut self, after: u64) {
        self.stir();
        self.fleet.resign();
        self.judge.forget_all();
        self.leads = false;
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
        self.judge.told()
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
        let total = self.fleet.size_now().total();
        self.judge
            .hear(&acts, &self.registry, &self.plan, total, self.now);
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

    fn step(&mut self) -> Vec<Act> {
        let (registry, ordered) = (&self.registry, &mut self.ordered);
        let mut fresh_id = || {
            *ordered += 1;
            Id::from(format!("i{ordered}"))
        };
        let look = |id: &str| registry.get(id).map(Entry::look);
        self.fleet.step(self.size, &look, &mut fresh_id, self.now)
    }

    fn running(&self, which: usize) -> Option<Id> {
        self.things.keys().nth(which).map(Arc::clone)
    }

    fn stir(&mut self) {
        self.judge.stir(self.now);
    }
}

pub(super) fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
