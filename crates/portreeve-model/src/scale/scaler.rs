//! What is decided about the size of one fleet.

use super::decision::{Decision, Wish};
use super::kind::RuleKind;
use super::seen::Seen;
use crate::plan::FleetPlan;
use crate::tick::Tick;

/// What was seen of one fleet and decided about it, as far as that counts for what is decided next. A fixed amount of
/// memory, about 8 KiB.
#[derive(Debug)]
pub struct Scaler {
    asked_total: u64,
}

impl Scaler {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(_now: Tick) -> Self {
        Self { asked_total: 0 }
    }

    /// Takes in what is seen between two decisions, up to ten times a period: what is in flight and waits is averaged over
    /// the period. Allocates nothing.
    pub fn sample(&mut self, _seen: &Seen, _now: Tick) {}

    /// Decides, once per period or when a request found nobody. `current`: how many the fleet is to have at present, as
    /// decided last; `healthy`: how many of them serve; `unix_ms`: milliseconds since 1970, for schedules.
    pub fn decide(
        &mut self,
        plan: &FleetPlan,
        seen: &Seen,
        current: u32,
        _healthy: u32,
        now: Tick,
        _unix_ms: u64,
    ) -> Decision {
        let is_woken = seen.waiting > 0 || seen.asked_total > self.asked_total;
        self.asked_total = seen.asked_total;
        let min = Wish {
            rule: RuleKind::Min,
            size: plan.min,
            seen: 0.0,
            target: f64::from(plan.min),
        };
        Decision {
            at: now,
            current,
            size: plan.min.max(u32::from(is_woken)).min(plan.max),
            wishes: vec![min],
            bounds: Vec::new(),
            rule: Some(RuleKind::Min),
        }
    }
}
