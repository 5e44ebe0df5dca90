//! A fleet as it is said, and what follows from that.

use portreeve_model::Policies;
use portreeve_model::plan::{DriverPlan, FleetPlan, LifecyclePlan, Name, RegisteredBy, RulePlan};

use super::Of;
use super::driver;
use super::rules::{Steps, target};
use crate::policy;
use crate::quantity::count;
use crate::section::Section;
use crate::word::Complaint;

/// What is said of a fleet, or of all fleets of a pool.
#[derive(Debug, Clone)]
pub(super) struct FleetDraft {
    of_pool: Policies,
    own: Policies,
    lifecycle: LifecyclePlan,
    min: u32,
    max: u32,
    targets: Vec<RulePlan>,
    steps: Option<Steps>,
    driver: Option<DriverPlan>,
}

impl FleetDraft {
    /// Nothing is said.
    pub(super) fn new(of: &Of<'_>) -> Self {
        let mut lifecycle = LifecyclePlan::default();
        if let Some(probe) = of.probe {
            lifecycle.replace_after = probe.every;
        }
        Self {
            of_pool: of.policies.clone(),
            own: Policies::none(),
            lifecycle,
            min: 1,
            max: 10,
            targets: Vec::new(),
            steps: None,
            driver: None,
        }
    }

    /// Reads what this section says, over what was said.
    pub(super) fn read(section: &mut Section<'_>, before: Self) -> Self {
        let mut draft = before;
        if section.has("policies") {
            draft.own = Policies::none();
        }
        draft.own = policy::union(&draft.own, &policy::upheld(section));
        section.quantity("min", &count(0..=FleetPlan::SIZE_MAX), &mut draft.min);
        section.quantity("max", &count(1..=FleetPlan::SIZE_MAX), &mut draft.max);
        if let Some(item) = section.get("target") {
            draft.targets = target(&item);
        }
        if let Some(item) = section.get("steps") {
            draft.steps = Steps::read(&item);
        }
        if let Some(item) = section.get("driver") {
            draft.driver = driver::read(&item);
        }
        draft
    }

    /// The plan; `None`, and perhaps a fault, if nothing could start it.
    pub(super) fn plan(&self, name: Name, section: &Section<'_>) -> Option<FleetPlan> {
        if !section.is_absent() && !section.has("driver") && self.driver.is_none() {
            let place = section.place_of("driver");
            section.findings.missing(&place, Complaint::new(driver::DRIVER));
        }
        if let Some(steps) = &self.steps {
            steps.within(section.findings, self.max);
        }
        let mut plan = FleetPlan::new(name, self.driver.clone()?);
        plan.policies = policy::union(&self.of_pool, &self.own);
        (plan.min, plan.max) = (self.min, self.max);
        plan.rules = self.targets.clone();
        plan.rules
            .extend(self.steps.as_ref().map(|steps| steps.rule(self.max)));
        let on_exit = plan.lifecycle.on_exit;
        plan.lifecycle = LifecyclePlan {
            on_exit,
            ..self.lifecycle.clone()
        };
        if matches!(plan.driver, DriverPlan::Ec2(_)) {
            plan.lifecycle.registered_by = RegisteredBy::Backend;
        }
        Some(plan)
    }
}
