//! What a route or a listener says that the pools it leads to do not go with.

use std::time::Duration;

use portreeve_model::plan::{Check, PoolPlan, PriorityPlan, RoutePlan, Scheme};

use super::Draft;
use crate::duration;
use crate::findings::Findings;
use crate::place::quoted;
use crate::pool::{PoolDraft, room};
use crate::word::Complaint;

impl Draft {
    /// What a pool for packets says of HTTP: its backends do not speak it.
    pub(super) fn not_for_packets(&self, findings: &Findings) {
        for pool in &self.pools {
            let Some(listener) = self.packets_into(&pool.placed.plan.name) else {
                continue;
            };
            let allowed = format!("no such thing in a pool for packets ({})", listener.packets.key);
            for (place, found) in spoken_in_http(pool) {
                findings.add(place, found, Complaint::new(allowed.clone()));
            }
        }
    }

    /// A route whose requests end before a second attempt would be begun.
    pub(super) fn before_hedges(&self, findings: &Findings) {
        for route in &self.routes {
            let Some(timeout) = route.plan.deadline.timeout else {
                continue;
            };
            let later = |pool: &&PoolPlan| hedge_delay(pool).is_some_and(|delay| delay >= timeout);
            if let Some(pool) = self.served_by(&route.plan).find(later) {
                let delay = hedge_delay(pool).unwrap_or_default();
                let allowed = format!(
                    "more than {}, after which pool {} hedges",
                    quoted(&duration::show(delay)),
                    pool.name
                );
                findings.add(
                    &route.places.timeout,
                    quoted(&duration::show(timeout)),
                    Complaint::new(allowed),
                );
            }
        }
    }

    /// A route that says who goes first where nobody ever waits.
    pub(super) fn nobody_waits(&self, findings: &Findings) {
        for route in &self.routes {
            let mut pools = self.served_by(&route.plan).peekable();
            let is_known = pools.peek().is_some();
            let may_wait = pools.any(|pool| room::may_hold(pool.in_flight, pool.fail_mode, &pool.hold));
            if is_known && !may_wait && route.plan.priority != PriorityPlan::Middle {
                let complaint = Complaint::new(format!(
                    "no such key: pool {} holds no requests, so nobody waits",
                    route.plan.pool
                ));
                let hint = "they wait for a backend with room where in_flight is not \"unlimited\"";
                findings.add(&route.places.priority, "who goes first", complaint.hint(hint));
            }
        }
    }

    /// The pools that answer a route's requests.
    fn served_by<'a>(&'a self, route: &'a RoutePlan) -> impl Iterator<Item = &'a PoolPlan> {
        let arms = route.split.iter().flat_map(|split| &split.arms);
        let names = std::iter::once(&route.pool).chain(arms.map(|(name, _)| name));
        names.filter_map(|name| {
            let mut plans = self.pools.iter().map(|pool| &pool.placed.plan);
            plans.find(|plan| plan.name == *name)
        })
    }
}

/// When the pool begins a second attempt at the earliest.
fn hedge_delay(pool: &PoolPlan) -> Option<Duration> {
    pool.hedge.map(|hedge| hedge.after.unwrap_or(hedge.after_min))
}

fn spoken_in_http(pool: &PoolDraft) -> impl Iterator<Item = (&crate::place::Place, &'static str)> {
    let (plan, places) = (&pool.placed.plan, &pool.places);
    let probe = match plan.probe.as_ref().map(|probe| &probe.check) {
        Some(Check::Http(_)) => Some("a probe in HTTP"),
        Some(Check::Grpc { .. }) => Some("a probe in gRPC"),
        _ => None,
    };
    let hedge = plan.hedge.as_ref().map(|_| "a wish for second attempts");
    let sticky = plan.sticky.as_ref().map(|_| "a cookie");
    let page = plan.hold.page.as_ref().map(|_| "a page for browsers");
    let scheme = speaks_otherwise(plan).then_some("another scheme than http");
    let all = [
        (&places.backends, scheme),
        (&places.probe, probe),
        (&places.hedge, hedge),
        (&places.sticky, sticky),
        (&places.page, page),
    ];
    all.into_iter().filter_map(|(place, found)| Some((place, found?)))
}

/// Whether anything but plain connections is made to its backends.
fn speaks_otherwise(plan: &PoolPlan) -> bool {
    let mut schemes = plan.targets.iter().map(|target| target.scheme);
    plan.scheme != Scheme::Http || schemes.any(|scheme| scheme != Scheme::Http)
}
