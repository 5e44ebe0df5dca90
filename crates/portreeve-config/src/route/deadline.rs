//! `timeout`, `deadline_header` and `priority` of `[route.NAME]`.

use std::time::Duration;

use portreeve_model::plan::{DeadlinePlan, PriorityPlan};

use crate::item::Item;
use crate::matching::{self, is_token};
use crate::quantity::time;
use crate::section::Section;
use crate::word::Complaint;

/// How long the route's requests may take.
pub(super) fn read(section: &mut Section<'_>) -> DeadlinePlan {
    let mut deadline = DeadlinePlan::default();
    section.quantity_or_off("timeout", &time(MS..=WEEK), &mut deadline.timeout);
    deadline.header = section.word("deadline_header", matching::plain_header_name);
    deadline
}

/// Who goes first where they are held.
pub(super) fn priority(section: &mut Section<'_>) -> PriorityPlan {
    let priority = section.get("priority").and_then(|item| height(&item));
    priority.unwrap_or_default()
}

fn height(item: &Item<'_>) -> Option<PriorityPlan> {
    let header = item.as_text().and_then(|text| text.strip_prefix("header:"));
    let plan = match (header.filter(|name| is_token(name)), item.integer()) {
        (Some(name), _) => Some(PriorityPlan::Header(name.to_ascii_lowercase())),
        (None, Some(MIDDLE)) => Some(PriorityPlan::Middle),
        (None, Some(height)) => u8::try_from(height)
            .ok()
            .filter(|height| *height <= 7)
            .map(PriorityPlan::Fixed),
        (None, None) => None,
    };
    if plan.is_none() {
        item.refuse(Complaint::new(
            "a whole number from 0 (first) to 7, or \"header:NAME\"",
        ));
    }
    plan
}

const MIDDLE: u64 = 3;
const MS: Duration = Duration::from_millis(1);
const WEEK: Duration = Duration::from_secs(7 * 86_400);
