//! `target` and `steps`: reasons for a size.

use std::time::Duration;

use portreeve_model::plan::RulePlan;

use crate::duration;
use crate::findings::Findings;
use crate::item::Item;
use crate::place::{Place, quoted};
use crate::quantity::{Quantity, count, grouped, time, whole_percent};
use crate::section::Section;
use crate::word::{Complaint, alternatives};

/// Reads the table with at least one target.
pub(super) fn target(item: &Item<'_>) -> Vec<RulePlan> {
    let mut section = item.section(Complaint::new(TARGET));
    let rules = [
        value(&mut section, "in_flight_per_backend", &count(1..=PER_BACKEND_MAX))
            .map(|per_backend| RulePlan::InFlight { per_backend }),
        requests(&mut section),
        value(&mut section, "p95", &time(MS..=HOUR)).map(|p95| RulePlan::Latency { p95 }),
        value(&mut section, "hold_age", &time(MS..=HOLD_MAX)).map(|at_most| RulePlan::HoldAge { at_most }),
        value(&mut section, "cpu", &whole_percent(1..=100)).map(|percent| RulePlan::Cpu { percent }),
        value(&mut section, "memory", &whole_percent(1..=100)).map(|percent| RulePlan::Memory { percent }),
        value(&mut section, "load", &whole_percent(1..=100)).map(|percent| RulePlan::Load { percent }),
    ];
    if item.entries().is_some_and(|entries| entries.is_empty()) {
        let keys: Vec<String> = TARGETS.iter().map(|key| (*key).to_owned()).collect();
        let allowed = format!("at least one of {}", alternatives(&keys));
        section
            .findings
            .add(&section.place, "no target", Complaint::new(allowed));
    }
    section.finish(&[]);
    rules.into_iter().flatten().collect()
}

fn requests(section: &mut Section<'_>) -> Option<RulePlan> {
    let per_backend = value(section, "requests_per_backend", &count(1..=REQUESTS_MAX));
    let mut within = WITHIN;
    section.quantity("within", &time(SECOND..=HOUR), &mut within);
    if section.has("within") && !section.has("requests_per_backend") {
        let found = quoted(&duration::show(within));
        section.misfit("within", found, "such a key beside requests_per_backend only");
    }
    per_backend.map(|per_backend| RulePlan::Requests { per_backend, within })
}

fn value<T: Copy + PartialOrd>(
    section: &mut Section<'_>,
    key: &'static str,
    quantity: &Quantity<T>,
) -> Option<T> {
    quantity.read(&section.get(key)?)
}

/// The step rule, of which the bound may be the fleet's.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    requests: u32,
    within: Duration,
    start: u32,
    max: Option<u32>,
    start_place: Place,
    max_place: Place,
}

impl Steps {
    /// Reads the table.
    pub(super) fn read(item: &Item<'_>) -> Option<Self> {
        let mut section = item.section(Complaint::new(STEPS));
        let requests = match item.is_table() {
            true => section.need("requests", REQUESTS_NEEDED),
            false => None,
        };
        let requests = requests.and_then(|item| count(1..=REQUESTS_MAX).read(&item));
        let mut within = STEPS_WITHIN;
        section.quantity("within", &time(SECOND..=HOUR), &mut within);
        let mut start = START;
        section.quantity("start", &count(0..=SIZE_MAX), &mut start);
        let max = value(&mut section, "max", &count(1..=SIZE_MAX));
        let [start_place, max_place] = ["start", "max"].map(|key| section.place_of(key));
        section.finish(&[]);
        Some(Self {
            requests: requests?,
            within,
            start,
            max,
            start_place,
            max_place,
        })
    }

    /// Notes a bound that lies outside of what there may be. What several fleets inherit is told once.
    pub(super) fn within(&self, findings: &Findings, most: u32) {
        let own = self.max.unwrap_or(most);
        let told = |place: &Place, found: u32, allowed: String| {
            findings.add_once(place, found.to_string(), Complaint::new(allowed));
        };
        let shown = |number: u32| grouped(number.into());
        if own > most {
            let allowed = format!("at most max of the fleet, which is {}", shown(most));
            told(&self.max_place, own, allowed);
        }
        match self.max {
            Some(_) if own < self.start => {
                let allowed = format!("at least start, which is {}", shown(self.start));
                told(&self.max_place, own, allowed);
            }
            None if own < self.start => {
                let allowed = format!("at most max of the fleet, which is {}", shown(most));
                told(&self.start_place, self.start, allowed);
            }
            _ => {}
        }
    }

    /// The rule of a fleet with this bound.
    pub(super) fn rule(&self, max: u32) -> RulePlan {
        RulePlan::Steps {
            requests: self.requests,
            within: self.within,
            start: self.start,
            max: self.max.unwrap_or(max),
        }
    }
}

/// What may stand under `target`.
const TARGET: &str = "a table such as { in_flight_per_backend = 20 }";
const TARGETS: [&str; 7] = [
    "in_flight_per_backend",
    "requests_per_backend",
    "p95",
    "hold_age",
    "cpu",
    "memory",
    "load",
];
const STEPS: &str = "a table such as { requests = 20, within = \"120s\" }";
const REQUESTS_NEEDED: &str = "how many requests bring one backend more";
/// In which the requests per backend are counted.
pub(crate) const WITHIN: Duration = Duration::from_secs(60);
/// In which the requests of the step rule are counted.
pub(crate) const STEPS_WITHIN: Duration = Duration::from_secs(120);
/// What the step rule begins with.
pub(crate) const START: u32 = 1;
const SIZE_MAX: u32 = portreeve_model::plan::FleetPlan::SIZE_MAX;
const PER_BACKEND_MAX: u32 = 1_000_000;
const REQUESTS_MAX: u32 = 1_000_000_000;
const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
/// No hold is longer.
const HOLD_MAX: Duration = Duration::from_secs(600);
