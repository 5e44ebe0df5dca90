//! A fleet as it is said, and what follows from that.

use std::time::Duration;

use portreeve_model::Policies;
use portreeve_model::plan::{DriverPlan, FleetPlan, Name, PacePlan, RulePlan};

use super::Of;
use super::driver::{self, DriverDraft, exec};
use super::lifecycle::LifecycleDraft;
use super::places::Places;
use super::rules::{Steps, target};
use super::{pace, schedule};
use crate::policy;
use crate::quantity::{count, time, whole_percent};
use crate::section::Section;

/// What is said of a fleet, or of all fleets of a pool.
#[derive(Debug, Clone)]
pub(super) struct FleetDraft {
    of_pool: Policies,
    own: Policies,
    pub(super) min: u32,
    pub(super) max: u32,
    targets: Vec<RulePlan>,
    pub(super) steps: Option<Steps>,
    pub(super) schedule: Vec<schedule::Entry>,
    up: PacePlan,
    down: PacePlan,
    tolerance_percent: u8,
    pub(super) idle: Option<Duration>,
    pub(super) lifecycle: LifecycleDraft,
    pub(super) driver: Option<DriverDraft>,
    pub(super) places: Places,
    /// 0 for what all share and for the only fleet, 1 for one of several.
    pub(super) depth: u8,
}

impl FleetDraft {
    /// Nothing is said.
    pub(super) fn new(of: &Of<'_>) -> Self {
        Self {
            of_pool: of.policies.clone(),
            own: Policies::none(),
            min: MIN,
            max: MAX,
            targets: Vec::new(),
            steps: None,
            schedule: Vec::new(),
            up: pace::up(),
            down: pace::down(),
            tolerance_percent: TOLERANCE,
            idle: Some(IDLE),
            lifecycle: LifecycleDraft::new(of.probe),
            driver: None,
            places: Places::default(),
            depth: 0,
        }
    }

    /// One that begins with what all share.
    pub(super) fn inheriting(&self) -> Self {
        Self {
            depth: 1,
            ..self.clone()
        }
    }

    /// Reads what this section says. A key that it has stands instead of what was said, a table as a whole.
    pub(super) fn read(mut self, section: &mut Section<'_>) -> Self {
        if section.has("policies") {
            self.own = Policies::none();
        }
        self.own = policy::union(&self.own, &policy::upheld(section));
        section.quantity("min", &count(0..=FleetPlan::SIZE_MAX), &mut self.min);
        section.quantity("max", &count(1..=FleetPlan::SIZE_MAX), &mut self.max);
        self.read_rules(section);
        section.quantity("tolerance", &whole_percent(0..=100), &mut self.tolerance_percent);
        section.quantity_or_off("idle", &time(IDLE_MIN..=IDLE_MAX), &mut self.idle);
        if let Some(item) = section.get("up") {
            self.up = pace::read(&item, pace::up());
        }
        if let Some(item) = section.get("down") {
            self.down = pace::read(&item, pace::down());
        }
        self.lifecycle.read(section);
        if let Some(item) = section.get("driver") {
            self.driver = driver::read(&item);
        }
        self.places.note(section, &CONTRADICTED, self.depth);
        self
    }

    fn read_rules(&mut self, section: &mut Section<'_>) {
        if let Some(item) = section.get("target") {
            self.targets = target(&item);
        }
        if let Some(item) = section.get("steps") {
            self.steps = Steps::read(&item);
        }
        if let Some(item) = section.get("schedule") {
            self.schedule = schedule::read(&item);
        }
    }

    /// All that its backends uphold.
    pub(super) fn policies(&self) -> Policies {
        policy::union(&self.of_pool, &self.own)
    }

    /// The plan; `None` if nothing starts it.
    pub(super) fn plan(&self, name: Name) -> Option<FleetPlan> {
        let draft = self.driver.as_ref()?;
        let mut driver = draft.plan.clone();
        let lifecycle = self.lifecycle.plan(&driver);
        if let (DriverPlan::Exec(exec), None) = (&mut driver, &draft.timeout) {
            exec.timeout = exec::TIMEOUT.min(lifecycle.start_timeout);
        }
        Some(FleetPlan {
            policies: self.policies(),
            min: self.min,
            max: self.max,
            rules: self.rules(),
            up: self.up.clone(),
            down: self.down.clone(),
            tolerance_percent: self.tolerance_percent,
            idle: if self.min == 0 { self.idle } else { Some(IDLE) },
            lifecycle,
            ..FleetPlan::new(name, driver)
        })
    }

    fn rules(&self) -> Vec<RulePlan> {
        let targets = self.targets.iter().cloned();
        let steps = self.steps.iter().map(|steps| steps.rule(self.max));
        let hours = self
            .schedule
            .iter()
            .map(|entry| RulePlan::Schedule(entry.plan.clone()));
        targets.chain(steps).chain(hours).collect()
    }
}

pub(crate) const MIN: u32 = 1;
pub(crate) const MAX: u32 = 10;
pub(crate) const TOLERANCE: u8 = 10;
/// After how long without any request the last ones are stopped by default.
pub(crate) const IDLE: Duration = Duration::from_secs(300);
const IDLE_MIN: Duration = Duration::from_millis(100);
const IDLE_MAX: Duration = Duration::from_secs(7 * 86_400);
const CONTRADICTED: [&str; 9] = [
    "policies",
    "min",
    "max",
    "steps",
    "idle",
    "start_timeout",
    "keep_port",
    "registered_by",
    "driver",
];
