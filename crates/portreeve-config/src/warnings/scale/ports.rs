//! Fleets that take ports from each other.

use portreeve_model::plan::{DriverPlan, FleetPlan, Plan, PoolPlan};

use super::key;

/// A sentence for each two that could want more ports than there are.
pub(super) fn shared(plan: &Plan) -> Vec<String> {
    let mut ranges: Vec<Range<'_>> = Vec::new();
    let mut told = Vec::new();
    for pool in &plan.pools {
        for fleet in pool.scale.iter().flat_map(|scale| &scale.fleets) {
            let Some(range) = Range::of(pool, fleet) else {
                continue;
            };
            let other = ranges.iter().find(|other| other.is_short_with(&range));
            told.extend(other.map(|other| other.sentence(&range)));
            ranges.push(range);
        }
    }
    told
}

struct Range<'a> {
    pool: &'a PoolPlan,
    fleet: &'a FleetPlan,
    first: u16,
    last: u16,
}

impl<'a> Range<'a> {
    fn of(pool: &'a PoolPlan, fleet: &'a FleetPlan) -> Option<Self> {
        let DriverPlan::Process(process) = &fleet.driver else {
            return None;
        };
        let (first, last) = process.ports?;
        Some(Self {
            pool,
            fleet,
            first,
            last,
        })
    }

    /// Ports that both together may use, if they overlap.
    fn ports_with(&self, other: &Self) -> Option<u32> {
        let overlaps = self.first <= other.last && other.first <= self.last;
        let (first, last) = (self.first.min(other.first), self.last.max(other.last));
        overlaps.then(|| u32::from(last - first) + 1)
    }

    fn is_short_with(&self, other: &Self) -> bool {
        let wanted = self.fleet.max + other.fleet.max;
        self.ports_with(other).is_some_and(|ports| ports < wanted)
    }

    fn sentence(&self, later: &Self) -> String {
        format!(
            "{}.driver.ports: shared with {}, and both together may want {} of {} ports",
            key(later.pool, later.fleet),
            key(self.pool, self.fleet),
            self.fleet.max + later.fleet.max,
            self.ports_with(later).unwrap_or_default()
        )
    }
}
