//! The keys about one instance, from its start to its end.

use std::time::Duration;

use portreeve_model::plan::{DriverPlan, LeavesFirst, LifecyclePlan, OnExit, ProbePlan, RegisteredBy};

use crate::quantity::time;
use crate::section::Section;
use crate::word::Complaint;

/// What is said of it. What follows from the driver is filled in when that is known.
#[derive(Debug, Clone)]
pub(super) struct LifecycleDraft {
    plan: LifecyclePlan,
    on_exit: Option<OnExit>,
    pub(super) registered_by: Option<RegisteredBy>,
}

impl LifecycleDraft {
    /// Nothing is said.
    pub(super) fn new(probe: Option<&ProbePlan>) -> Self {
        Self {
            plan: LifecyclePlan {
                start_timeout: start_timeout(probe),
                replace_after: replace_after(probe),
                ..LifecyclePlan::default()
            },
            on_exit: None,
            registered_by: None,
        }
    }

    /// Reads what this section says, over what was said.
    pub(super) fn read(&mut self, section: &mut Section<'_>) {
        let plan = &mut self.plan;
        section.quantity("start_timeout", &time(SOON..=HOUR), &mut plan.start_timeout);
        section.quantity(
            "replace_after",
            &time(Duration::ZERO..=HOUR),
            &mut plan.replace_after,
        );
        section.quantity(
            "drain_timeout",
            &time(Duration::ZERO..=DAY),
            &mut plan.drain_timeout,
        );
        section.quantity("stop_timeout", &time(SOON..=HOUR), &mut plan.stop_timeout);
        if let Some(first) = section.word("leaves_first", leaves_first) {
            plan.leaves_first = first;
        }
        section.switch("keep_port", &mut plan.keeps_port);
        self.on_exit = section.word("on_exit", on_exit).or(self.on_exit);
        self.registered_by = section
            .word("registered_by", registered_by)
            .or(self.registered_by);
    }

    pub(super) fn start_timeout(&self) -> Duration {
        self.plan.start_timeout
    }

    pub(super) fn keeps_port(&self) -> bool {
        self.plan.keeps_port
    }

    /// With this driver.
    pub(super) fn plan(&self, driver: &DriverPlan) -> LifecyclePlan {
        LifecyclePlan {
            on_exit: self.on_exit.unwrap_or_else(|| exit_of(driver)),
            registered_by: match driver {
                DriverPlan::Ec2(_) => RegisteredBy::Backend,
                _ => self.registered_by.unwrap_or_default(),
            },
            ..self.plan.clone()
        }
    }
}

/// By default a minute, and never less than the first probe may take.
pub(crate) fn start_timeout(probe: Option<&ProbePlan>) -> Duration {
    let plain = LifecyclePlan::default().start_timeout;
    probe.map_or(plain, |probe| probe.timeout.max(plain))
}

/// By default what lies between two probes.
pub(crate) fn replace_after(probe: Option<&ProbePlan>) -> Duration {
    probe.map_or(LifecyclePlan::default().replace_after, |probe| probe.every)
}

/// What becomes of its instances by default.
pub(crate) fn exit_of(driver: &DriverPlan) -> OnExit {
    match driver {
        DriverPlan::Process(_) => OnExit::Stop,
        _ => OnExit::Keep,
    }
}

/// The word for who leaves first.
pub(crate) fn show_leaves_first(first: LeavesFirst) -> &'static str {
    match first {
        LeavesFirst::LeastLoaded => "least-loaded",
        LeavesFirst::Newest => "newest",
        LeavesFirst::Oldest => "oldest",
    }
}

/// The word for what becomes of them.
pub(crate) fn show_on_exit(on_exit: OnExit) -> &'static str {
    match on_exit {
        OnExit::Stop => "stop",
        OnExit::Keep => "keep",
    }
}

/// The word for who registers.
pub(crate) fn show_registered_by(by: RegisteredBy) -> &'static str {
    match by {
        RegisteredBy::Scaler => "scaler",
        RegisteredBy::Backend => "backend",
    }
}

fn leaves_first(text: &str) -> Result<LeavesFirst, Complaint> {
    match text {
        "least-loaded" => Ok(LeavesFirst::LeastLoaded),
        "newest" => Ok(LeavesFirst::Newest),
        "oldest" => Ok(LeavesFirst::Oldest),
        _ => Err(Complaint::one_of(&["least-loaded", "newest", "oldest"], text)),
    }
}

fn on_exit(text: &str) -> Result<OnExit, Complaint> {
    match text {
        "stop" => Ok(OnExit::Stop),
        "keep" => Ok(OnExit::Keep),
        _ => Err(Complaint::one_of(&["stop", "keep"], text)),
    }
}

fn registered_by(text: &str) -> Result<RegisteredBy, Complaint> {
    match text {
        "scaler" => Ok(RegisteredBy::Scaler),
        "backend" => Ok(RegisteredBy::Backend),
        _ => Err(Complaint::one_of(&["scaler", "backend"], text)),
    }
}

/// Sooner, and what is merely slow would be killed, or killed again and again.
const SOON: Duration = Duration::from_millis(100);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
