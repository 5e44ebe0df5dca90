//! A fleet, its driver and its registry, as a test plays them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::{Fleet, FleetEventKind, FoundInstance, Instance, Look};
use crate::plan::{FleetPlan, RegisteredBy};
use crate::samples::fleet_plan;
use crate::standing::Standing;
use crate::tick::Tick;

/// Ids are `i1`, `i2` and so on; moments are milliseconds.
pub(super) struct Stage {
    pub(super) fleet: Fleet,
    registry: BTreeMap<String, Look>,
    ordered: u32,
    pub(super) now: u64,
}

/// 0 to 4; starts in 5 s, replaced after 2 s, drains in 30 s, stops in 10 s; registers itself.
pub(super) fn plan() -> FleetPlan {
    let mut plan = fleet_plan("default");
    (plan.min, plan.max) = (0, 4);
    plan.lifecycle.start_timeout = Duration::from_secs(5);
    plan.lifecycle.registered_by = RegisteredBy::Backend;
    plan
}

pub(super) fn at(ms: u64) -> Tick {
    Tick::of_micros(ms * 1_000)
}

/// It runs, and is so many seconds old.
pub(super) fn found(id: &str, age: u64) -> FoundInstance {
    FoundInstance {
        id: id.into(),
        handle: format!("h-{id}"),
        address: Some(([127, 0, 0, 1], 9_000).into()),
        is_ending: false,
        age: Some(Duration::from_secs(age)),
    }
}

impl Stage {
    /// Nothing is there.
    pub(super) fn empty(plan: FleetPlan) -> Self {
        Self::with(plan, &[])
    }

    /// This is there.
    pub(super) fn with(plan: FleetPlan, listed: &[FoundInstance]) -> Self {
        let mut stage = Self::asleep(plan);
        stage.fleet.found(listed, at(0), at(0));
        stage
    }

    pub(super) fn asleep(plan: FleetPlan) -> Self {
        Self {
            fleet: Fleet::new(&"pool".into(), plan),
            registry: BTreeMap::new(),
            ordered: 0,
            now: 0,
        }
    }

    /// So many serve, `i1` first, and have done so for a minute.
    pub(super) fn serving(plan: FleetPlan, size: u32) -> Self {
        let mut stage = Self::empty(plan);
        for number in 1..=size {
            stage.step(number);
            stage.serve(&format!("i{number}"));
        }
        stage.step(size);
        stage.now += 60_000;
        stage.step(size);
        stage.fleet.take_events();
        stage
    }

    /// The acts, as `stop i1`.
    pub(super) fn step(&mut self, size: u32) -> Vec<String> {
        let registry = &self.registry;
        let ordered = &mut self.ordered;
        let mut fresh_id = || {
            *ordered += 1;
            Arc::from(format!("i{ordered}"))
        };
        let look = |id: &str| registry.get(id).copied();
        let acts = self.fleet.step(size, &look, &mut fresh_id, at(self.now));
        let spell = |act: &super::super::Act| match act {
            super::super::Act::Start { id, port: Some(port) } => format!("start {id} at {port}"),
            act => format!("{} {}", act.code(), act.id()),
        };
        acts.iter().map(spell).collect()
    }

    /// A step that much later.
    pub(super) fn step_after(&mut self, ms: u64, size: u32) -> Vec<String> {
        self.now += ms;
        self.step(size)
    }

    pub(super) fn started(&mut self, id: &str) {
        let port: u16 = 8_000 + id[1..].parse::<u16>().unwrap();
        let address = Some(([127, 0, 0, 1], port).into());
        self.fleet.started(id, format!("h-{id}"), address, at(self.now));
    }

    /// It has started, and serves.
    pub(super) fn serve(&mut self, id: &str) {
        self.started(id);
        self.look(id, Standing::Serving, 0);
    }

    pub(super) fn look(&mut self, id: &str, standing: Standing, in_flight: u32) {
        self.registry.insert(id.to_owned(), Look { standing, in_flight });
    }

    /// Its registration is no more.
    pub(super) fn unlook(&mut self, id: &str) {
        self.registry.remove(id);
    }

    pub(super) fn ended(&mut self, id: &str) {
        self.unlook(id);
        self.fleet.ended(id, at(self.now));
    }

    /// A list that is made at once.
    pub(super) fn list(&mut self, listed: &[FoundInstance]) {
        self.fleet.found(listed, at(self.now), at(self.now));
    }

    pub(super) fn get(&self, id: &str) -> &Instance {
        self.fleet.instances().find(|one| &*one.id == id).unwrap()
    }

    /// As `i1 serving`.
    pub(super) fn states(&self) -> Vec<String> {
        let states = self
            .fleet
            .instances()
            .map(|one| format!("{} {}", one.id, one.state.code()));
        states.collect()
    }

    /// The codes of what happened.
    pub(super) fn events(&mut self) -> Vec<&'static str> {
        let events = self.fleet.take_events();
        events.iter().map(|event| event.kind.code()).collect()
    }

    /// For how long the last event says that nothing is started, in milliseconds.
    pub(super) fn pause(&mut self) -> Option<u64> {
        match self.fleet.take_events().pop()?.kind {
            FleetEventKind::BackingOff { until, .. } => Some(until.micros().div_ceil(1_000) - self.now),
            _ => None,
        }
    }
}
