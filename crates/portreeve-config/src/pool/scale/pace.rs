//! `up` and `down`: how fast a fleet changes.

use std::time::Duration;

use portreeve_model::plan::{FleetPlan, PacePlan};

use crate::item::Item;
use crate::quantity::{count, time};
use crate::word::Complaint;

/// Reads the table; what it does not say is as by default.
pub(super) fn read(item: &Item<'_>, by_default: PacePlan) -> PacePlan {
    let mut plan = by_default;
    let mut section = item.section(Complaint::new(PACE));
    section.quantity(
        "stabilisation",
        &time(Duration::ZERO..=DAY),
        &mut plan.stabilisation,
    );
    section.quantity("cool_down", &time(Duration::ZERO..=DAY), &mut plan.cool_down);
    section.quantity_or_off("steps_max", &count(1..=FleetPlan::SIZE_MAX), &mut plan.steps_max);
    section.finish(&[]);
    plan
}

/// How it grows by default: at once.
pub(crate) fn up() -> PacePlan {
    PacePlan::after(Duration::ZERO)
}

/// How it shrinks by default: after five minutes of lesser wishes.
pub(crate) fn down() -> PacePlan {
    PacePlan::after(Duration::from_secs(300))
}

const PACE: &str = "a table such as { stabilisation = \"5m\", steps_max = 2 }";
const DAY: Duration = Duration::from_secs(86_400);
