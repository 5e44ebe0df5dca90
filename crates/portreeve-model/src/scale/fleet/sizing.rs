//! Who leaves, who stays after all, and how many are started.

use std::cmp::Reverse;
use std::sync::Arc;

use super::vacancy::Vacancy;
use super::{Act, Fleet, FleetEventKind, Instance, InstanceState, Look, Looks};
use crate::plan::LeavesFirst;
use crate::tick::Tick;

impl Fleet {
    /// Brings those that stay to this number as far as that goes without starting any, and notes how many are missing.
    pub(super) fn resize(&mut self, size: u32, look: Looks<'_>, now: Tick) {
        let staying = self.size_now().staying();
        if staying > size {
            self.shrink(staying - size, look, now);
        }
        let missing = size.saturating_sub(staying);
        self.missing = missing - self.recall(missing, look, now);
        self.vacancies.truncate(self.missing as usize);
    }

    /// Starts those that are missing, as many as there is room for and the back-off allows.
    pub(super) fn order_missing(
        &mut self,
        fresh_id: &mut dyn FnMut() -> Arc<str>,
        now: Tick,
        acts: &mut Vec<Act>,
    ) {
        if self.missing == 0 || self.back_off.until(now).is_some() {
            return;
        }
        self.free_ports(now);
        let waiting = self.vacancies.iter().filter(|one| one.waits_for.is_some());
        let startable = self.missing.saturating_sub(count(waiting));
        for _ in 0..startable.min(self.room()) {
            acts.extend(self.order(fresh_id(), now));
        }
    }

    /// When more can be started though nothing happens.
    pub(super) fn start_due(&self) -> Option<Tick> {
        let waits = self.vacancies.iter().filter_map(|one| one.waits_for.as_ref());
        let freed = waits
            .map(|(_, until)| *until)
            .filter(|until| *until > self.stepped_at)
            .min();
        let due = self.back_off.until(self.stepped_at).or(freed);
        due.filter(|_| self.missing > 0)
    }

    /// It gets no new requests, and may be recalled.
    pub(super) fn drain(&mut self, id: &str, now: Tick) {
        let is_recalled = self.instances.get(id).is_some_and(|one| one.is_recalled);
        self.turn_to(id, InstanceState::Draining, FleetEventKind::Draining, now);
        if let Some(one) = self.instances.get_mut(id) {
            one.is_ours_to_recall = true;
            one.is_recalled = is_recalled;
        }
    }

    fn shrink(&mut self, by: u32, look: Looks<'_>, now: Tick) {
        let order = self.plan.lifecycle.leaves_first;
        let staying = self.instances.values().filter(|one| one.state.is_staying());
        let mut staying: Vec<_> = staying.map(|one| (one.rank(order, look(&one.id)), one)).collect();
        staying.sort_unstable_by_key(|(rank, _)| *rank);
        let leaving = staying.into_iter().take(by as usize);
        let leaving: Vec<_> = leaving.map(|(_, one)| Arc::clone(&one.id)).collect();
        for id in leaving {
            self.dismiss(&id, look(&id), now);
        }
    }

    /// Who serves or has something to finish drains first.
    fn dismiss(&mut self, id: &str, look: Option<Look>, now: Tick) {
        let is_serving = self
            .instances
            .get(id)
            .is_some_and(|one| one.state == InstanceState::Serving || one.is_recalled);
        if is_serving || look.is_some_and(|look| look.in_flight > 0) {
            self.drain(id, now);
        } else {
            self.turn_to(id, InstanceState::Stopping, FleetEventKind::Stopping, now);
        }
    }

    /// Who began to drain last, and may still stay, does. Gives how many.
    fn recall(&mut self, missing: u32, look: Looks<'_>, now: Tick) -> u32 {
        if missing == 0 {
            return 0;
        }
        let mut draining: Vec<_> = self
            .instances
            .values()
            .filter(|one| one.may_be_recalled(look(&one.id)))
            .collect();
        draining.sort_unstable_by_key(|one| Reverse((one.since, one.number)));
        let ids = draining.iter().take(missing as usize);
        let ids: Vec<_> = ids.map(|one| Arc::clone(&one.id)).collect();
        for id in &ids {
            self.turn_to(id, InstanceState::Starting, FleetEventKind::Recalled, now);
            if let Some(one) = self.instances.get_mut(id) {
                one.is_recalled = true;
            }
        }
        count(ids.iter())
    }

    fn free_ports(&mut self, now: Tick) {
        for vacancy in &mut self.vacancies {
            let Some((id, until)) = &vacancy.waits_for else {
                continue;
            };
            if !self.instances.contains_key(id) {
                vacancy.waits_for = None;
            } else if now >= *until {
                vacancy.waits_for = None;
                vacancy.port = None;
            }
        }
    }

    /// How many more there may be: of those that were not told to end `max`, of all twice as many.
    fn room(&self) -> u32 {
        let sizes = self.size_now();
        let (max, all) = (self.plan.max, self.plan.max.saturating_mul(2));
        max.saturating_sub(sizes.counted())
            .min(all.saturating_sub(sizes.total()))
    }

    fn order(&mut self, id: Arc<str>, now: Tick) -> Option<Act> {
        if self.instances.contains_key(&id) {
            return None;
        }
        self.missing -= 1;
        let free = self.vacancies.iter().position(|one| one.waits_for.is_none());
        let place = free.map_or_else(Vacancy::default, |at| self.vacancies.remove(at));
        let one = self.insert(Arc::clone(&id), InstanceState::Ordered, now);
        one.restarts = place.restarts;
        one.refused = place.refused;
        one.port = place.port;
        self.note(&id, FleetEventKind::Ordered, now);
        let port = place.port;
        Some(Act::Start { id, port })
    }
}

impl Instance {
    /// Lower ones leave first: who never served, who does not now, and then as the plan says.
    fn rank(&self, order: LeavesFirst, look: Option<Look>) -> (u8, u32, u64) {
        let newest_first = u64::MAX - self.number;
        let in_flight = look.map_or(0, |look| look.in_flight);
        match (self.state, order) {
            (InstanceState::Ordered, _) => (0, 0, newest_first),
            (InstanceState::Starting, _) if !self.is_recalled => (0, 0, newest_first),
            (InstanceState::Down, _) => (1, 0, newest_first),
            (_, LeavesFirst::LeastLoaded) => (2, in_flight, newest_first),
            (_, LeavesFirst::Newest) => (2, 0, newest_first),
            (_, LeavesFirst::Oldest) => (2, 0, self.number),
        }
    }

    fn may_be_recalled(&self, look: Option<Look>) -> bool {
        use crate::standing::Standing::{Draining, Serving};
        self.state == InstanceState::Draining
            && self.is_ours_to_recall
            && look.is_some_and(|look| matches!(look.standing, Serving | Draining))
    }
}

fn count<T>(all: impl Iterator<Item = T>) -> u32 {
    u32::try_from(all.count()).unwrap_or(u32::MAX)
}
