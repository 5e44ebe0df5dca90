//! Whether the acts of a fleet are good, by what they said before and what the registry says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::Act;
use super::registry::Entry;
use super::world::{Id, millis};
use crate::plan::FleetPlan;
use crate::standing::Standing;
use crate::tick::Tick;

/// What the acts said so far.
#[derive(Debug, Default)]
pub(super) struct Judge {
    /// Started or adopted, and not told to end.
    counted: BTreeSet<Id>,
    drained: BTreeMap<Id, Tick>,
    stopped: BTreeMap<Id, Tick>,
    told: Vec<(Tick, Id, &'static str)>,
    /// When something happened from outside.
    stirred: Vec<Tick>,
    /// The most that was ever allowed.
    max: usize,
}

impl Judge {
    /// Something happened from outside.
    pub(super) fn stir(&mut self, now: Tick) {
        self.stirred.push(now);
    }

    /// Another leads.
    pub(super) fn forget_all(&mut self) {
        self.counted.clear();
        self.stopped.clear();
    }

    /// It is taken over, and with it the order that brought it about.
    pub(super) fn adopt(&mut self, id: Id, order: Option<&Id>) {
        if let Some(order) = order {
            self.counted.remove(order);
        }
        self.counted.insert(id);
    }

    /// How many acts.
    pub(super) fn told(&self) -> usize {
        self.told.len()
    }

    /// The acts of one step. `total`: how many the fleet then knows.
    pub(super) fn hear(
        &mut self,
        acts: &[Act],
        registry: &BTreeMap<Id, Entry>,
        plan: &FleetPlan,
        total: u32,
        now: Tick,
    ) {
        self.max = self.max.max(plan.max as usize);
        for act in acts {
            self.hear_one(act, registry.get(act.id()), plan, now);
            self.told.push((now, Arc::clone(act.id()), act.code()));
        }
        if acts.iter().any(|act| act.code() == "start") {
            let max = plan.max as usize;
            assert!(self.counted.len() <= max, "beyond max: {:?}", self.counted);
            assert!(total as usize <= 2 * max, "{total} known");
        }
        self.judge_rates(acts, now);
    }

    fn hear_one(&mut self, act: &Act, entry: Option<&Entry>, plan: &FleetPlan, now: Tick) {
        let id = act.id();
        match act {
            Act::Start { .. } => assert!(self.counted.insert(Arc::clone(id)), "{id} again"),
            Act::Drain { .. } => {
                self.drained.entry(Arc::clone(id)).or_insert(now);
            }
            Act::Undrain { .. } => drop(self.drained.remove(id)),
            Act::Stop { .. } => {
                self.judge_stop(id, entry, plan, now);
                self.counted.remove(id);
                self.stopped.entry(Arc::clone(id)).or_insert(now);
            }
            Act::Kill { .. } => {
                let asked = now.since(self.stopped[id]);
                assert!(asked >= plan.lifecycle.stop_timeout, "{id} killed in haste");
            }
            Act::Forget { .. } => {
                self.counted.remove(id);
                self.stopped.remove(id);
            }
            Act::Register { .. } | Act::Deregister { .. } => {}
        }
    }

    /// Who serves is not stopped, nor who has something to finish, unless it had its time to do so.
    fn judge_stop(&self, id: &Id, entry: Option<&Entry>, plan: &FleetPlan, now: Tick) {
        let Some(entry) = entry else {
            return;
        };
        let look = entry.look();
        let is_busy = look.standing == Standing::Draining && look.in_flight > 0;
        if look.standing == Standing::Serving || is_busy {
            let told = self.drained.get(id).copied();
            let since = told.into_iter().chain(entry.rests_since).min();
            let has_had_time = since.is_some_and(|since| now.since(since) >= plan.lifecycle.drain_timeout);
            assert!(has_had_time, "{id} stopped at work: {look:?}");
        }
    }

    /// In a second each act of an instance at most twice, and as many starts as there may be instances twice: and once more
    /// for each thing that happened from outside.
    fn judge_rates(&self, acts: &[Act], now: Tick) {
        let is_lately = |at: Tick| now.since(at) < millis(1_000);
        let told = self.told.iter().rev();
        let lately: Vec<_> = told.take_while(|(at, ..)| is_lately(*at)).collect();
        let stirred = self.stirred.iter().rev();
        let times = 2 + stirred.take_while(|at| is_lately(**at)).count();
        for act in acts {
            let same = |(_, id, code): &&&(Tick, Id, &str)| id == act.id() && *code == act.code();
            let same = lately.iter().filter(same).count();
            assert!(same <= times, "{act:?} again and again");
        }
        let starts = lately.iter().filter(|(.., code)| *code == "start").count();
        assert!(starts <= times * self.max, "{starts} starts in a second");
    }
}
