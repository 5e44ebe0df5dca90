//! `[pool.NAME.scale]`: how many backends there are to be, and what starts and stops them.

mod command;
mod driver;
mod fleet;
mod rules;

use std::time::Duration;

use portreeve_model::Policies;
use portreeve_model::plan::{FleetPlan, Name, ProbePlan, ScaleMode, ScalePlan};

use self::fleet::FleetDraft;
use crate::defaults;
use crate::quantity::time;
use crate::section::Section;
use crate::word::Complaint;

/// What the pool says that its fleets follow.
#[derive(Debug)]
pub(super) struct Of<'a> {
    pub(super) policies: &'a Policies,
    pub(super) probe: Option<&'a ProbePlan>,
}

/// Reads the section, and the keys of it. `None` if it is not there, or if one of its fleets could not be read.
pub(super) fn read(pool: &mut Section<'_>, of: &Of<'_>) -> (Option<ScalePlan>, Vec<&'static str>) {
    let mut section = pool.section("scale");
    let mode = section.word("mode", mode).unwrap_or_default();
    let mut every = EVERY;
    section.quantity("every", &time(EVERY_MIN..=HOUR), &mut every);
    let named = section.named("fleet");
    let shared = FleetDraft::read(&mut section, FleetDraft::new(of));
    let fleets: Option<Vec<FleetPlan>> = match named.is_empty() {
        true => {
            let only = Name::from(defaults::NAME);
            shared.plan(only, &section).map(|plan| vec![plan])
        }
        false => named
            .into_iter()
            .map(|(name, section)| fleet(name, section, &shared))
            .collect::<Vec<_>>()
            .into_iter()
            .collect(),
    };
    let is_there = !section.is_absent();
    let keys = section.finish(&[]);
    let plan = fleets
        .filter(|_| is_there)
        .map(|fleets| ScalePlan { mode, every, fleets });
    (plan, keys)
}

/// One that inherits what all share.
fn fleet(name: Name, mut section: Section<'_>, shared: &FleetDraft) -> Option<FleetPlan> {
    let draft = FleetDraft::read(&mut section, shared.clone());
    let plan = draft.plan(name, &section);
    section.finish(&[]);
    plan
}

fn mode(text: &str) -> Result<ScaleMode, Complaint> {
    match text {
        "on" => Ok(ScaleMode::On),
        "observe" => Ok(ScaleMode::Observe),
        _ => Err(Complaint::one_of(&["on", "observe"], text)),
    }
}

pub(crate) const EVERY: Duration = Duration::from_secs(10);
const EVERY_MIN: Duration = Duration::from_millis(100);
const HOUR: Duration = Duration::from_secs(3_600);
