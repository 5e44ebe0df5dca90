//! What a driver's list tells a fleet.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use super::{Fleet, FleetEventKind, FoundInstance, Instance, InstanceState};
use crate::plan::DriverPlan;
use crate::tick::Tick;

impl Fleet {
    /// The oldest first, so that those beyond `max` are the newest.
    pub(super) fn adopt_all(&mut self, listed: &[FoundInstance], now: Tick) {
        let mut listed: Vec<_> = listed.iter().collect();
        listed.sort_by_key(|one| (Reverse(one.age.unwrap_or(Duration::MAX)), &one.id));
        for found in &listed {
            self.adopt(found, now);
        }
        let mut staying: Vec<_> = self.instances.values_mut().collect();
        staying.retain(|one| one.state.is_staying());
        staying.sort_by_key(|one| one.number);
        let beyond = staying.into_iter().skip(self.plan.max as usize);
        let leaving: Vec<_> = beyond.map(|one| Arc::clone(&one.id)).collect();
        leaving.iter().for_each(|id| self.drain(id, now));
    }

    /// A list after the first.
    pub(super) fn compare(&mut self, listed: &[FoundInstance], asked: Tick, now: Tick) {
        for found in listed {
            if self.instances.contains_key(&found.id) {
                self.confirm(found, now);
            } else if !self.is_buried_since(&found.id, asked) {
                self.claim_or_adopt(found, now);
            }
        }
        let mut ids: Vec<_> = listed.iter().map(|found| &*found.id).collect();
        ids.sort_unstable();
        let names_are_ours = self.names_are_ours();
        let mut vanished = Vec::new();
        for one in self.instances.values_mut() {
            if one.since > asked || ids.binary_search(&&*one.id).is_ok() {
                continue;
            }
            if one.state.is_ending() {
                vanished.push(Arc::clone(&one.id));
            } else if one.state != InstanceState::Ordered && (one.is_listed || names_are_ours) {
                one.unlisted = one.unlisted.saturating_add(1);
            }
        }
        vanished.iter().for_each(|id| self.ended(id, now));
    }

    /// `started` told of one that is not known: it was given up.
    pub(super) fn find_unwanted(&mut self, id: &str, now: Tick) {
        if self.names_are_ours() {
            self.insert(id.into(), InstanceState::Stopping, now);
        }
    }

    /// A new one in this state.
    pub(super) fn insert(&mut self, id: Arc<str>, state: InstanceState, now: Tick) -> &mut Instance {
        self.ordered += 1;
        let one = Instance::new(Arc::clone(&id), state, self.ordered, now);
        self.instances.entry(id).insert_entry(one).into_mut()
    }

    fn adopt(&mut self, found: &FoundInstance, now: Tick) {
        let one = self.insert(Arc::clone(&found.id), InstanceState::Starting, now);
        one.is_adopted = true;
        one.confirm(found);
        self.note(&found.id, FleetEventKind::Adopted, now);
        if found.is_ending {
            self.await_end(&found.id, now);
        }
    }

    fn confirm(&mut self, found: &FoundInstance, now: Tick) {
        let Some(one) = self.instances.get_mut(&found.id) else {
            return;
        };
        one.confirm(found);
        if one.state == InstanceState::Ordered {
            self.turn_to(&found.id, InstanceState::Starting, FleetEventKind::Started, now);
        }
        if found.is_ending {
            self.await_end(&found.id, now);
        }
    }

    /// Others end it, so it finishes what it has. It is not asked to stay.
    fn await_end(&mut self, id: &str, now: Tick) {
        if self.instances.get(id).is_some_and(|one| one.state.is_staying()) {
            self.drain(id, now);
            if let Some(one) = self.instances.get_mut(id) {
                one.is_ours_to_recall = false;
                one.is_ended_by_others = true;
            }
        }
    }

    fn claim_or_adopt(&mut self, found: &FoundInstance, now: Tick) {
        let pending = self.instances.values().filter(|one| self.is_unnamed(one));
        let oldest = pending.min_by_key(|one| (one.state.is_ending(), one.number));
        match oldest.map(|one| Arc::clone(&one.id)) {
            Some(order) => self.claim(&order, found, now),
            None => self.adopt(found, now),
        }
    }

    /// What was ordered under our name is there under another.
    fn claim(&mut self, order: &Arc<str>, found: &FoundInstance, now: Tick) {
        let Some(mut one) = self.instances.remove(order) else {
            return;
        };
        one.id = Arc::clone(&found.id);
        if one.state.is_ending() {
            one.ordered_at = now;
            one.enter(InstanceState::Starting, now);
        }
        self.instances.insert(Arc::clone(&found.id), one);
        let order = Arc::clone(order);
        self.note(&found.id, FleetEventKind::Claimed { order }, now);
        self.confirm(found, now);
    }

    fn names_are_ours(&self) -> bool {
        !matches!(self.plan.driver, DriverPlan::Ec2(_))
    }

    /// Others name what is ordered, and have not named this one yet.
    pub(super) fn is_unnamed(&self, one: &Instance) -> bool {
        !self.names_are_ours() && !one.is_listed
    }

    fn is_buried_since(&self, id: &str, asked: Tick) -> bool {
        self.graves
            .iter()
            .any(|(grave, over)| &**grave == id && *over >= asked)
    }
}

impl Instance {
    fn confirm(&mut self, found: &FoundInstance) {
        self.handle = Some(found.handle.clone());
        self.address = found.address.or(self.address);
        self.is_listed = true;
        self.unlisted = 0;
    }
}
