//! One fleet while it runs: its figures, its size, its instances.

mod acts;
mod figures;
mod leaving;
mod news;
mod shown;
mod tasks;
#[cfg(test)]
pub(crate) mod testing;

use std::sync::Arc;
use std::time::Duration;

use portreeve_driver::{Driver, DriverFault, Found};
use portreeve_model::plan::{FleetPlan, ScaleMode, ScalePlan};
use portreeve_model::scale::{Decision, Fleet, Look, Scaler as Rules};
use portreeve_model::{FleetShared, Pool, Tick};

use self::figures::Figures;
use self::shown::Tally;
use self::tasks::Tasks;
pub(crate) use self::tasks::{News, RunNumber, Teller};
use crate::names::{FleetKey, Make};
use crate::scaler::MakeDriver;
use crate::start::Means;
use crate::view::Role;

/// A fleet of one make. One of another make, as after a change of its driver's settings, is another run beside it.
pub(crate) struct Run {
    pub(crate) key: FleetKey,
    pub(crate) number: RunNumber,
    plan: FleetPlan,
    mode: ScaleMode,
    every: Duration,
    make: Make,
    driver: Option<Arc<dyn Driver>>,
    rules: Rules,
    life: Fleet,
    role: Role,
    /// When we were last told that we lead.
    led_at: Tick,
    /// When the driver was last asked what there is.
    listed_at: Tick,
    size: u32,
    decision: Option<Decision>,
    due: Due,
    figures: Figures,
    tasks: Tasks,
    tally: Tally,
    leaving: Leaving,
    /// Of its name, but of another make, as found in the driver's list.
    strangers: Vec<Found>,
    /// They are the strangers of another run.
    is_of_strangers: bool,
    /// It comes after one of another make, and knows its size.
    is_successor: bool,
    /// The longest lease in its pool.
    ttl_max: Duration,
}

/// When what is to be done next.
#[derive(Debug, Clone, Copy)]
struct Due {
    decide: Tick,
    sample: Tick,
    rollcall: Tick,
    usage: Tick,
}

/// Whether a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    No,
    /// As soon as the run that follows it serves.
    WhenReplaced,
    Now,
}

/// What all runs share.
pub(crate) struct Shared {
    pub(crate) means: Means,
    pub(crate) driver: MakeDriver,
    pub(crate) owner: Arc<str>,
}

impl Run {
    pub(crate) fn new(
        key: FleetKey,
        teller: Teller,
        (plan, scale): (&FleetPlan, &ScalePlan),
        shared: &Shared,
        now: Tick,
    ) -> Self {
        let mut run = Self {
            number: teller.number(),
            plan: plan.clone(),
            mode: scale.mode,
            every: scale.every,
            make: Make::of(&key.pool, plan),
            driver: None,
            rules: Rules::new(now),
            life: Fleet::new(&key.pool, plan.clone()),
            role: Role::Unknown,
            led_at: now,
            listed_at: now,
            size: plan.min,
            decision: None,
            due: Due {
                decide: now.plus(scale.every),
                sample: now,
                rollcall: now,
                usage: now.plus(USAGE_MIN),
            },
            figures: Figures::default(),
            tasks: Tasks::new(teller),
            tally: Tally::default(),
            leaving: Leaving::No,
            strangers: Vec::new(),
            is_of_strangers: false,
            is_successor: false,
            ttl_max: Duration::from_secs(3_600),
            key,
        };
        run.make_driver(shared, now);
        run
    }

    /// How many it is to have.
    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    /// Whether an instance is one of its own.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.life.instance(id).is_some()
    }

    /// Those that were found and are of another run are no strangers.
    pub(crate) fn forget_strangers(&mut self, is_known: &dyn Fn(&str) -> bool) {
        self.strangers.retain(|found| !is_known(&found.id));
    }

    /// Whether this plan is of the same make: it is followed then, else another run is begun.
    pub(crate) fn is_of(&self, plan: &FleetPlan) -> bool {
        self.leaving == Leaving::No
            && self.make == Make::of(&self.key.pool, plan)
            && self.plan.driver.code() == plan.driver.code()
    }

    /// The plan says something else of sizes and times.
    pub(crate) fn follow(&mut self, plan: &FleetPlan, scale: &ScalePlan, shared: &Shared, now: Tick) {
        self.every = scale.every;
        self.due.decide = self.due.decide.min(now.plus(scale.every));
        if self.plan != *plan {
            self.plan = plan.clone();
            self.life.follow(plan.clone());
            self.size = self.size.clamp(plan.min, plan.max);
        }
        if self.mode != scale.mode {
            self.mode = scale.mode;
            self.role = Role::Unknown;
            self.life.resign();
            // What is registered stays so: who only observes takes nobody away.
            self.tasks.end_watches();
            self.figures.take_over();
            self.make_driver(shared, now);
        }
    }

    /// A new snapshot: which backends are its own.
    pub(crate) fn look_at(&mut self, pool: &Pool, fleet: &FleetShared) {
        let members = pool.plan().members.as_ref();
        self.ttl_max = members.map_or(self.ttl_max, |members| members.ttl_max);
        let life = &self.life;
        self.figures
            .follow(pool, fleet, self.mode, &|label| life.instance(label).is_some());
    }

    /// All that is due now.
    pub(crate) fn pass(
        &mut self,
        world: Option<(&Pool, &FleetShared)>,
        is_woken: bool,
        shared: &Shared,
        now: Tick,
    ) {
        self.call_roll(shared, now);
        self.doubt_lead(now);
        match world {
            _ if self.is_leaving() => {}
            Some((pool, fleet)) => {
                self.figures.begin(fleet);
                self.sample(fleet, now);
                let is_asleep = self.size == 0 && is_woken;
                if self.due.decide <= now || is_asleep {
                    self.decide(pool, fleet, now);
                }
            }
            None => self.look_later(now),
        }
        if self.role == Role::Leads && self.mode == ScaleMode::On {
            self.step(world.map(|(_, fleet)| fleet), shared, now);
            self.ask_usage(now);
        }
    }

    /// When there is something to do though nothing happens.
    pub(crate) fn next_due(&self) -> Tick {
        let mut next = match self.is_leaving() {
            true => NEVER,
            false => self.due.decide.min(self.due.sample),
        };
        if self.mode == ScaleMode::On && !self.is_leaving() && !self.tasks.is_calling_roll() {
            next = next.min(self.due.rollcall);
        }
        if self.role == Role::Leads {
            next = next.min(self.due.usage);
            if !self.is_leaving() {
                next = next.min(self.led_at.plus(news::LEAD_LASTS));
            }
            next = self.life.next_due().map_or(next, |due| next.min(due));
        }
        next
    }

    fn make_driver(&mut self, shared: &Shared, now: Tick) {
        self.driver = None;
        if self.mode == ScaleMode::Observe {
            return;
        }
        match (shared.driver)(&self.key, &self.plan) {
            Ok(driver) => self.driver = Some(driver),
            Err(fault) => self.note_driver_fault(&fault, now),
        }
    }

    /// There is nothing to look at.
    fn look_later(&mut self, now: Tick) {
        self.due.decide = self.due.decide.max(now.plus(self.every));
        self.due.sample = self.due.sample.max(now.plus(SAMPLE_MAX));
    }

    fn sample(&mut self, fleet: &FleetShared, now: Tick) {
        if self.due.sample <= now {
            let seen = self.figures.sample(fleet);
            self.rules.sample(&seen, now);
            self.due.sample = now.plus((self.every / 10).clamp(SAMPLE_MIN, SAMPLE_MAX));
        }
    }

    fn decide(&mut self, pool: &Pool, fleet: &FleetShared, now: Tick) {
        if self.due.decide <= now {
            self.due.decide = now.plus(self.every);
        }
        let seen = self.figures.seen(pool, fleet, now);
        let (current, healthy) = match self.mode {
            ScaleMode::On => (self.size, self.life.size_now().serving),
            ScaleMode::Observe => (self.figures.serving(), self.figures.serving()),
        };
        let decision = self
            .rules
            .decide(&self.plan, &seen, current, healthy, now, crate::clock::unix_ms());
        self.tell_change(&decision);
        self.size = decision.size;
        self.decision = Some(decision);
    }

    /// What the model says is to be done, is begun.
    fn step(&mut self, fleet: Option<&FleetShared>, shared: &Shared, now: Tick) {
        let figures = &self.figures;
        let look = |id: &str| {
            let backend = figures.backend(id)?;
            Some(Look {
                standing: backend.standing(),
                in_flight: backend.in_flight(),
            })
        };
        if self.is_leaving() {
            let staying = self.life.instances().filter(|one| one.state.is_staying());
            self.size = self.size.min(u32::try_from(staying.count()).unwrap_or(u32::MAX));
        }
        let make = &self.make;
        let acts = self.life.step(self.size, &look, &mut || make.fresh_id(), now);
        self.tell_events(fleet, now);
        for act in acts {
            self.carry_out(act, shared, now);
        }
    }

    fn call_roll(&mut self, shared: &Shared, now: Tick) {
        if self.mode == ScaleMode::Observe || self.is_leaving() || self.due.rollcall > now {
            return;
        }
        if self.driver.is_none() {
            self.make_driver(shared, now);
        }
        self.due.rollcall = now.plus(match self.role {
            Role::Leads if !self.life.wants_list() => ROLLCALL_EVERY,
            Role::Leads | Role::Unknown => ROLLCALL_AGAIN,
            Role::Follows(_) => ROLLCALL_AGAIN * 2,
        });
        if let Some(driver) = &self.driver
            && !self.tasks.is_calling_roll()
        {
            let is_old = self.listed_at.plus(LIST_EVERY) <= now;
            let wants_list = self.role != Role::Leads || self.life.wants_list() || is_old;
            self.tasks.call_roll(driver, &shared.owner, wants_list, now);
        }
    }

    fn ask_usage(&mut self, now: Tick) {
        if self.due.usage > now {
            return;
        }
        self.due.usage = now.plus(self.every.clamp(USAGE_MIN, USAGE_MAX));
        let running = self.running();
        if let (Some(driver), false) = (&self.driver, running.is_empty()) {
            self.tasks.ask_usage(driver, running);
        }
    }

    fn note_driver_fault(&mut self, fault: &DriverFault, now: Tick) {
        self.tally.note_fault(fault.code(), fault.to_string(), now);
        tracing::warn!(
            pool = &*self.key.pool,
            fleet = &*self.key.fleet,
            fault = fault.code(),
            "{fault}"
        );
    }
}

const NEVER: Tick = Tick::of_micros(u64::MAX);
const SAMPLE_MIN: Duration = Duration::from_millis(100);
const SAMPLE_MAX: Duration = Duration::from_secs(1);
/// Who leads asks for it this often; leadership ends thirty seconds after the last time.
const ROLLCALL_EVERY: Duration = Duration::from_secs(8);
/// Drivers tell of each end, so what there is need not be asked often.
const LIST_EVERY: Duration = Duration::from_secs(60);
/// For whoever does not lead.
const ROLLCALL_AGAIN: Duration = Duration::from_secs(1);
const USAGE_MIN: Duration = Duration::from_secs(1);
const USAGE_MAX: Duration = Duration::from_secs(15);
