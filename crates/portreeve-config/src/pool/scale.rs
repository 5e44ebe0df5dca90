//! `[pool.NAME.scale]`: how many backends there are to be, and what starts and stops them.

mod command;
mod contradictions;
pub(crate) mod driver;
pub(crate) mod fleet;
pub(crate) mod lifecycle;
pub(crate) mod pace;
mod places;
pub(crate) mod rules;
pub(crate) mod schedule;

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
    let shared = FleetDraft::new(of).read(&mut section);
    let fleets = match named.is_empty() {
        true => only(&section, &shared, of).map(|plan| vec![plan]),
        false => {
            few(&section, named.len());
            all(named, &shared, of)
        }
    };
    let keys = section.finish(&[]);
    let plan = fleets.map(|fleets| ScalePlan { mode, every, fleets });
    (plan, keys)
}

/// The fleet of a pool that names none.
fn only(section: &Section<'_>, shared: &FleetDraft, of: &Of<'_>) -> Option<FleetPlan> {
    if section.is_absent() {
        return None;
    }
    contradictions::note(shared, section, of.probe);
    shared.plan(Name::from(defaults::NAME))
}

/// Each inherits what all share.
fn all(named: Vec<(Name, Section<'_>)>, shared: &FleetDraft, of: &Of<'_>) -> Option<Vec<FleetPlan>> {
    let count = named.len();
    let one = |(name, mut section): (Name, Section<'_>)| {
        let draft = shared.inheriting().read(&mut section);
        contradictions::note(&draft, &section, of.probe);
        section.finish(&[]);
        draft.plan(name)
    };
    let plans: Vec<FleetPlan> = named.into_iter().filter_map(one).collect();
    (plans.len() == count).then_some(plans)
}

fn few(section: &Section<'_>, count: usize) {
    if count > FLEETS_MAX {
        section.misfit(
            "fleet",
            format!("{count} fleets"),
            format!("at most {FLEETS_MAX}"),
        );
    }
}

fn mode(text: &str) -> Result<ScaleMode, Complaint> {
    match text {
        "on" => Ok(ScaleMode::On),
        "observe" => Ok(ScaleMode::Observe),
        _ => Err(Complaint::one_of(&["on", "observe"], text)),
    }
}

/// Between two looks at the rules by default.
pub(crate) const EVERY: Duration = Duration::from_secs(10);
const EVERY_MIN: Duration = Duration::from_millis(100);
const HOUR: Duration = Duration::from_secs(3_600);
const FLEETS_MAX: usize = 256;
