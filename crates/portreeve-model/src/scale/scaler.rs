//! What is decided about the size of one fleet.

use std::time::Duration;

use super::counted::Counted;
use super::decision::Decision;
use super::firm::Firm;
use super::load::Load;
use super::pace::Pace;
use super::rest::Rest;
use super::rules::{Facts, voices};
use super::seen::Seen;
use super::weighing::Weighing;
use crate::plan::{FleetPlan, RulePlan};
use crate::tick::Tick;

/// What was seen of one fleet and decided about it, as far as that counts for what is decided next: some KiB, however long
/// the times of its plan are.
#[derive(Debug)]
pub struct Scaler {
    begun: Tick,
    load: Load,
    counted: Vec<Counted>,
    rest: Rest,
    /// From the first decision on.
    pace: Option<Pace>,
    /// Whether somebody served at each decision since the period began.
    has_served: bool,
}

impl Scaler {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(now: Tick) -> Self {
        Self {
            begun: now,
            load: Load::default(),
            counted: Vec::new(),
            rest: Rest::new(now),
            pace: None,
            has_served: false,
        }
    }

    /// Takes in what is seen between two decisions, up to ten times a period: what is in flight and waits is averaged over
    /// the period. Allocates nothing.
    pub fn sample(&mut self, seen: &Seen, now: Tick) {
        self.load.note(seen, now);
        self.rest.note(seen, now);
        self.counted
            .iter_mut()
            .for_each(|counted| counted.note(seen.requests_total, now));
    }

    /// Decides, once per period or when a request found nobody. `current`: how many the fleet is to have at present, as
    /// decided last; `healthy`: how many of them serve; `unix_ms`: milliseconds since 1970, for schedules.
    pub fn decide(
        &mut self,
        plan: &FleetPlan,
        seen: &Seen,
        current: u32,
        healthy: u32,
        now: Tick,
        unix_ms: u64,
    ) -> Decision {
        self.follow(plan);
        self.sample(seen, now);
        if current > 0 {
            self.rest.note_running();
        }
        let has_served = self.has_served && healthy > 0;
        let facts = Facts {
            plan,
            seen,
            load: &self.load,
            counted: &self.counted,
            current,
            healthy,
            has_served,
            now,
            unix_ms,
        };
        let voices = voices(&facts);
        let firm = Firm::of(&facts, &voices, &mut self.rest);
        let weighing = Weighing {
            plan,
            current,
            voices,
            firm,
        };
        self.has_served = healthy > 0 && (self.load.end_period() || has_served);
        let pace = self.pace.get_or_insert_with(|| Pace::new(self.begun, current));
        weighing.decide(pace, now)
    }

    /// Counts what the plan asks for, and nothing else. A new time begins with what is known of the longest.
    fn follow(&mut self, plan: &FleetPlan) {
        let asked = || plan.rules.iter().filter_map(within);
        for time in asked() {
            if !self.counted.iter().any(|counted| counted.within() == time) {
                let longest = self.counted.iter().max_by_key(|counted| counted.within());
                let counted = longest.map_or_else(|| Counted::new(time), |longest| longest.seed(time));
                self.counted.push(counted);
            }
        }
        self.counted
            .retain(|counted| asked().any(|time| time == counted.within()));
    }
}

fn within(rule: &RulePlan) -> Option<Duration> {
    match rule {
        RulePlan::Requests { within, .. } | RulePlan::Steps { within, .. } => Some(*within),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
