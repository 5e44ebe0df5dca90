//! `hedge` of `[pool.NAME]`: a second attempt beside one that takes long.

use std::time::Duration;

use portreeve_model::plan::{BackendLimits, HedgePlan, RetryPlan};

use super::retry::is_never;
use crate::item::Item;
use crate::quantity::time;
use crate::section::Section;
use crate::word::Complaint;

/// Reads `true`, `false` or a table, given the pool's limits and what it says of retries.
pub(super) fn read(
    section: &mut Section<'_>,
    limits: &BackendLimits,
    retry: &RetryPlan,
) -> Option<HedgePlan> {
    let item = section.get("hedge")?;
    let plan = match item.as_bool() {
        Some(is_on) => is_on.then(HedgePlan::default),
        None if item.is_table() => Some(table(&item, limits, retry)),
        None => {
            item.refuse(Complaint::new(HEDGE));
            None
        }
    }?;
    if let Some(why) = is_never(limits, retry) {
        let allowed = format!("no such key with {why}: a hedge is a second attempt");
        section.misfit("hedge", "a wish for second attempts", allowed);
    }
    Some(plan)
}

/// Where a default is later than what is said, it follows.
fn table(item: &Item<'_>, limits: &BackendLimits, retry: &RetryPlan) -> HedgePlan {
    let mut section = item.section(Complaint::new(""));
    let mut plan = HedgePlan::default();
    let delay = time(MS..=MINUTE);
    plan.after = section.get("after").and_then(|item| delay.read(&item));
    plan.after_min = plan.after_min.min(plan.after.unwrap_or(plan.after_min));
    section.quantity("after_min", &delay, &mut plan.after_min);
    match plan.after {
        Some(after) => {
            section.time_within("after_min", plan.after_min, "after", after);
            too_late(&section, "after", after, limits, retry);
        }
        None => too_late(&section, "after_min", plan.after_min, limits, retry),
    }
    section.finish(&[]);
    plan
}

/// A hedge that would begin when the first attempt has been given up.
fn too_late(section: &Section<'_>, key: &str, delay: Duration, limits: &BackendLimits, retry: &RetryPlan) {
    let ends = [
        ("total_timeout", limits.total_timeout),
        ("attempt_timeout", retry.attempt_timeout),
        ("first_byte_timeout", Some(limits.first_byte_timeout)),
    ];
    let end = ends
        .into_iter()
        .filter_map(|(name, end)| Some((end?, name)))
        .min();
    if let Some((end, name)) = end {
        section.time_within(key, delay, name, end);
    }
}

const HEDGE: &str = "true, false, or a table such as { after = \"50ms\" }";
const MS: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);
