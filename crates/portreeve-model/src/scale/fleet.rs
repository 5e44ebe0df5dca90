//! The life of a fleet's instances: who is started, replaced, drained, stopped and killed, and when.

mod act;
mod acting;
mod adopting;
mod back_off;
mod event;
#[cfg(test)]
mod histories;
mod instance;
mod looking;
mod sizing;
mod telling;
#[cfg(test)]
mod tests;
mod vacancy;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use back_off::{BackOff, SETTLED};
use telling::REPEAT_MIN;
use vacancy::Vacancy;

pub use act::{Act, Look};
pub use event::{FleetEvent, FleetEventKind};
pub use instance::{FoundInstance, Instance, InstanceState, Sizes};

use crate::digest::digest;
use crate::plan::{FleetPlan, Name};
use crate::tick::Tick;

/// The instances of a fleet, and what is to be done about them. It does nothing itself: [`step`](Self::step) says what is
/// to be done, each act once, and again only after it failed or where its effect does not show; what comes of it is told
/// by the other methods, after each of which another step is due.
///
/// ```text
///          started          first pass           falls, rises
/// Ordered ─────────► Starting ─────────► Serving ◄──────────► Down
///    │                │   ▲ recalled       │ leaves             │
///    │                │   └── Draining ◄───┴────────────────────┤ replace_after
///    │ start_timeout  │          │ nothing in flight,           │
///    │                │          ▼ or drain_timeout             │
///    └────────────────┴────► Stopping ◄─────────────────────────┘
///                                │ stop_timeout
///                                ▼
///                             Killing (again each stop_timeout)
///
/// Each ends as soon as it is over: ended, not listed any more, and for Ordered start_failed.
/// ```
///
/// It sleeps until it was told for the first time what there is, and again from the moment when another proxy leads:
/// then it wants nothing. So nothing is started beside what is there already.
///
/// Never more than the plan's `max` are ordered, starting, serving, down or draining; and no more are started while those
/// that do not end make it twice as many.
#[derive(Debug)]
pub struct Fleet {
    plan: FleetPlan,
    is_awake: bool,
    is_leaving: bool,
    instances: BTreeMap<Arc<str>, Instance>,
    /// How many were ordered or found.
    ordered: u64,
    vacancies: Vec<Vacancy>,
    /// How many more there should be, as of the last step.
    missing: u32,
    back_off: BackOff,
    /// Those that are over, and are to be forgotten.
    over: Vec<Arc<str>>,
    /// Those that were over lately: a list may have been made before.
    graves: Vec<(Arc<str>, Tick)>,
    events: Vec<FleetEvent>,
    stepped_at: Tick,
}

/// What the registry says of the backend of this id; `None`: it does not know it.
type Looks<'a> = &'a dyn Fn(&str) -> Option<Look>;

impl Fleet {
    /// Asleep, until it [`found`](Self::found) what there is.
    #[must_use]
    pub fn new(pool: &Name, plan: FleetPlan) -> Self {
        let seed = digest(pool.as_bytes()) ^ digest(plan.name.as_bytes()).rotate_left(1);
        Self {
            plan,
            is_awake: false,
            is_leaving: false,
            instances: BTreeMap::new(),
            ordered: 0,
            vacancies: Vec::new(),
            missing: 0,
            back_off: BackOff::new(seed),
            over: Vec::new(),
            graves: Vec::new(),
            events: Vec::new(),
            stepped_at: Tick::default(),
        }
    }

    /// The plan is another, of the same driver and policies. More than its `max` leave at the next step.
    pub fn follow(&mut self, plan: FleetPlan) {
        self.plan = plan;
    }

    /// All leave, and nothing is started any more.
    pub fn leave_all(&mut self) {
        self.is_leaving = true;
        self.vacancies.clear();
    }

    /// Another proxy leads: all is forgotten without an act, until it [`found`](Self::found) again what there is.
    pub fn resign(&mut self) {
        self.is_awake = false;
        self.instances.clear();
        self.vacancies.clear();
        self.over.clear();
        self.graves.clear();
        self.missing = 0;
    }

    /// What the driver listed, and when it was asked: what ended or began since then is known better. The first time all
    /// is adopted, the newest beyond `max` only to leave. Later lists tell of what vanished, of what nobody knew, and
    /// under which names others keep what was ordered.
    pub fn found(&mut self, listed: &[FoundInstance], asked: Tick, now: Tick) {
        if !self.is_awake {
            self.is_awake = true;
            self.adopt_all(listed, now);
            return;
        }
        self.compare(listed, asked, now);
    }

    /// Whether a new list would tell something that nothing else does: whether one that does not end is still there, or
    /// what others named an instance. Otherwise a list now and then is enough.
    #[must_use]
    pub fn wants_list(&self) -> bool {
        let is_unsure = |one: &Instance| match one.state {
            InstanceState::Killing => true,
            InstanceState::Stopping => one.handle.is_none(),
            _ => self.is_unnamed(one),
        };
        !self.is_awake || self.instances.values().any(is_unsure)
    }

    /// The driver began it. One that is not wanted any more is asked to end.
    pub fn started(&mut self, id: &str, handle: String, address: Option<SocketAddr>, now: Tick) {
        if !self.is_awake {
            return;
        }
        if !self.instances.contains_key(id) {
            self.find_unwanted(id, now);
        }
        let Some(one) = self.instances.get_mut(id) else {
            return;
        };
        let is_first_word = one.handle.replace(handle).is_none();
        one.address = address.or(one.address);
        match one.state {
            InstanceState::Ordered => {
                one.enter(InstanceState::Starting, now);
                self.note(id, FleetEventKind::Started, now);
            }
            InstanceState::Stopping if is_first_word => one.enter(InstanceState::Stopping, now),
            _ => {}
        }
    }

    /// The driver could not begin it, and left nothing behind.
    pub fn start_failed(&mut self, id: &str, now: Tick) {
        match self.instances.get(id) {
            Some(one) if one.state == InstanceState::Ordered => {
                self.note(id, FleetEventKind::StartFailed, now);
                self.bury(id, now);
            }
            Some(one) if one.state.is_ending() && one.handle.is_none() => self.ended(id, now),
            _ => {}
        }
    }

    /// Its backend could not be registered.
    pub fn register_failed(&mut self, id: &str, now: Tick) {
        if let Some(one) = self.instances.get_mut(id)
            && one.state == InstanceState::Starting
        {
            one.telling.retry(now);
        }
    }

    /// It could not be asked to end, or not be killed. That it was asked needs no word.
    pub fn stop_failed(&mut self, id: &str, now: Tick) {
        if let Some(one) = self.instances.get_mut(id)
            && one.state.is_ending()
        {
            one.telling.retry(now);
        }
    }

    /// It is over.
    pub fn ended(&mut self, id: &str, now: Tick) {
        let Some(one) = self.instances.get(id) else {
            return;
        };
        let was_to_stay = one.state.is_staying();
        let kind = if was_to_stay {
            FleetEventKind::Died
        } else {
            FleetEventKind::Ended
        };
        self.note(id, kind, now);
        self.bury(id, now);
    }

    /// What is to be done. `size`: how many are wanted, brought within the plan's `min` and `max`. `look`: what the registry says
    /// of an instance's backend. `fresh_id`: one that no instance ever had.
    pub fn step(
        &mut self,
        size: u32,
        look: &dyn Fn(&str) -> Option<Look>,
        fresh_id: &mut dyn FnMut() -> Arc<str>,
        now: Tick,
    ) -> Vec<Act> {
        self.stepped_at = now;
        if !self.is_awake {
            return Vec::new();
        }
        self.look_at_all(look, now);
        self.resize(self.bounded(size), look, now);
        self.look_at_all(look, now);
        let mut acts: Vec<Act> = self.over.drain(..).map(|id| Act::Forget { id }).collect();
        self.tell_all(look, now, &mut acts);
        self.order_missing(fresh_id, now, &mut acts);
        acts
    }

    /// When a step is due though nothing happens; `None`: never.
    #[must_use]
    pub fn next_due(&self) -> Option<Tick> {
        if !self.is_awake {
            return None;
        }
        let at_once = (!self.over.is_empty()).then_some(self.stepped_at);
        let each = self.instances.values().filter_map(|one| self.due(one));
        each.chain(at_once).chain(self.start_due()).min()
    }

    /// How many there are in each state.
    #[must_use]
    pub fn size_now(&self) -> Sizes {
        let mut sizes = Sizes::default();
        self.instances.values().for_each(|one| sizes.count(one.state));
        sizes
    }

    /// All of them, by id.
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.instances.values()
    }

    /// The one of this id.
    #[must_use]
    pub fn instance(&self, id: &str) -> Option<&Instance> {
        self.instances.get(id)
    }

    /// Until when nothing is started since too many failed, as of the last step.
    #[must_use]
    pub fn backs_off_until(&self) -> Option<Tick> {
        self.back_off.until(self.stepped_at)
    }

    /// What happened since the last call, in its order.
    pub fn take_events(&mut self) -> Vec<FleetEvent> {
        std::mem::take(&mut self.events)
    }

    fn bounded(&self, size: u32) -> u32 {
        if self.is_leaving {
            0
        } else {
            size.max(self.plan.min).min(self.plan.max)
        }
    }

    /// It is no more. Who was to stay leaves a vacancy.
    fn bury(&mut self, id: &str, now: Tick) {
        let Some((id, one)) = self.instances.remove_entry(id) else {
            return;
        };
        self.graves.retain(|(_, over)| now.since(*over) < GRAVES_KEPT);
        self.graves.push((Arc::clone(&id), now));
        self.over.push(id);
        if one.state == InstanceState::Ordered {
            self.vacate(Vacancy::not_started(&one, one.port));
            self.count_failure(&one, now);
        } else if one.state.is_staying() {
            self.vacate(Vacancy::of(&one, self.plan.lifecycle.keeps_port));
            self.count_failure(&one, now);
        }
    }

    /// It runs, and is told to end, since it is no good: another takes its place.
    fn replace(&mut self, id: &str, kind: FleetEventKind, now: Tick) {
        let stop = self.plan.lifecycle.stop_timeout.max(REPEAT_MIN);
        let Some(one) = self.instances.get_mut(id) else {
            return;
        };
        let before = one.clone();
        one.enter(InstanceState::Stopping, now);
        let vacancy = Vacancy::of(&before, self.plan.lifecycle.keeps_port);
        self.note(id, kind, now);
        self.vacate(vacancy.after(&before.id, now.plus(stop * PORT_PATIENCE)));
        self.count_failure(&before, now);
    }

    fn vacate(&mut self, vacancy: Vacancy) {
        if !self.is_leaving {
            self.vacancies.push(vacancy);
        }
    }

    /// Whether it never served or only for a moment is counted; a later end is not.
    fn count_failure(&mut self, one: &Instance, now: Tick) {
        let until = match one.first_pass {
            None => self.back_off.start_failed(one.number, self.ordered, now),
            Some(pass) if now.since(pass) < SETTLED => {
                self.back_off.died_early(one.number, self.ordered, now)
            }
            Some(_) => None,
        };
        if let Some(until) = until {
            let failures = self.back_off.failures();
            let kind = FleetEventKind::BackingOff { until, failures };
            self.push(None, kind, now);
        }
    }

    fn note(&mut self, id: &str, kind: FleetEventKind, now: Tick) {
        let id = self.instances.get_key_value(id).map(|(id, _)| Arc::clone(id));
        self.push(id, kind, now);
    }

    fn push(&mut self, id: Option<Arc<str>>, kind: FleetEventKind, at: Tick) {
        if self.events.len() == EVENTS_MAX {
            self.events.remove(0);
        }
        self.events.push(FleetEvent { at, id, kind });
    }

    fn due(&self, one: &Instance) -> Option<Tick> {
        let plan = &self.plan.lifecycle;
        let after = |time: Duration| Some(one.since.plus(time));
        let told = one.telling.due();
        match one.state {
            InstanceState::Ordered => after(plan.start_timeout),
            InstanceState::Starting => Some(self.start_deadline(one)).into_iter().chain(told).min(),
            InstanceState::Serving => None,
            InstanceState::Down => after(plan.replace_after),
            InstanceState::Draining => after(plan.drain_timeout).min(Some(self.stepped_at.plus(DRAIN_LOOKS))),
            InstanceState::Stopping => after(plan.stop_timeout).into_iter().chain(told).min(),
            InstanceState::Killing => told,
        }
    }

    fn start_deadline(&self, one: &Instance) -> Tick {
        let from = if one.is_recalled {
            one.since
        } else {
            one.ordered_at
        };
        from.plus(self.plan.lifecycle.start_timeout)
    }
}

/// How long an end is remembered: far longer than a driver takes to list.
const GRAVES_KEPT: Duration = Duration::from_secs(300);
/// So many stop timeouts long a kept port is waited for.
const PORT_PATIENCE: u32 = 3;
/// A step is due so soon while one drains: nobody tells when its last request ends.
const DRAIN_LOOKS: Duration = Duration::from_millis(250);
/// The oldest go if nobody takes them.
const EVENTS_MAX: usize = 4_096;
