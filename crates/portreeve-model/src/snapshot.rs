//! All that the data plane reads, as of one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::listener::Listener;
use crate::network::Networks;
use crate::plan::{ListenerPlan, Name, Plan, PoolPlan, RoutePlan};
use crate::pool::Pool;
use crate::resolved::Resolved;
use crate::route::Route;
use crate::router::Router;
use crate::stats::{ListenerStats, RouteStats};

/// All that the data plane reads, as of one moment; never changed, only followed by the next.
#[derive(Debug)]
pub struct Snapshot {
    /// 1 for the first, one more for each that follows.
    pub sequence: u64,
    /// In the order of the plan.
    pub listeners: Vec<Arc<Listener>>,
    /// In the order of the plan.
    pub routes: Vec<Arc<Route>>,
    /// In the order of the plan.
    pub pools: Vec<Arc<Pool>>,
}

impl Snapshot {
    /// The listener of that name.
    #[must_use]
    pub fn listener(&self, name: &str) -> Option<&Arc<Listener>> {
        self.listeners.iter().find(|listener| *listener.name == *name)
    }

    /// Lays out what a checked plan says, for `shards` workers that count.
    ///
    /// From `previous` live on: backends whose pool, label, address and weight are the same; the turn of a round robin
    /// pool; the counts of routes and listeners of the same name (unless there are more shards than before). A route
    /// whose pool the plan lacks gets an empty one, so its requests are answered with 503.
    #[must_use]
    pub fn build(plan: &Plan, resolved: &Resolved, previous: Option<&Self>, shards: usize) -> Self {
        let pools = pools(&plan.pools, resolved, previous);
        let routes = routes(&plan.routes, &pools, previous, shards);
        let listeners = listeners(plan, &routes, previous, shards);
        let sequence = previous.map_or(0, |previous| previous.sequence) + 1;
        Self {
            sequence,
            listeners,
            routes,
            pools,
        }
    }
}

fn pools(plans: &[PoolPlan], resolved: &Resolved, previous: Option<&Snapshot>) -> Vec<Arc<Pool>> {
    let before = by_name(previous.map(|snapshot| &snapshot.pools), |pool| &pool.name);
    let build = |plan: &PoolPlan| Pool::build(plan, resolved, before.get(&plan.name).map(|pool| &***pool));
    plans.iter().map(|plan| Arc::new(build(plan))).collect()
}

fn routes(
    plans: &[RoutePlan],
    pools: &[Arc<Pool>],
    previous: Option<&Snapshot>,
    shards: usize,
) -> Vec<Arc<Route>> {
    let before = by_name(previous.map(|snapshot| &snapshot.routes), |route| &route.name);
    let pools = by_name(Some(pools), |pool| &pool.name);
    let build = |plan: &RoutePlan| {
        let pool = pools
            .get(&plan.pool)
            .map_or_else(|| Arc::new(Pool::empty(&plan.pool)), |pool| Arc::clone(pool));
        let kept = before
            .get(&plan.name)
            .map(|route| &route.stats)
            .filter(|stats| stats.serves(shards));
        let stats = kept.map_or_else(|| Arc::new(RouteStats::new(shards)), Arc::clone);
        Route {
            name: Arc::clone(&plan.name),
            pool,
            stats,
        }
    };
    plans.iter().map(|plan| Arc::new(build(plan))).collect()
}

fn listeners(
    plan: &Plan,
    routes: &[Arc<Route>],
    previous: Option<&Snapshot>,
    shards: usize,
) -> Vec<Arc<Listener>> {
    let build = |listener: &ListenerPlan| {
        let before = previous.and_then(|previous| previous.listener(&listener.name));
        let kept = before
            .map(|listener| &listener.stats)
            .filter(|stats| stats.serves(shards));
        Listener {
            name: Arc::clone(&listener.name),
            bind: listener.bind.clone(),
            limits: listener.limits.clone(),
            trusted_proxies: Networks::new(&listener.trusted_proxies),
            forwarded: listener.forwarded,
            stats: kept.map_or_else(|| Arc::new(ListenerStats::new(shards)), Arc::clone),
            router: Router::new(served(&listener.name, &plan.routes, routes)),
        }
    };
    plan.listeners
        .iter()
        .map(|listener| Arc::new(build(listener)))
        .collect()
}

/// The routes that a listener serves.
fn served<'a>(
    listener: &'a Name,
    plans: &'a [RoutePlan],
    routes: &'a [Arc<Route>],
) -> impl Iterator<Item = (&'a RoutePlan, &'a Arc<Route>)> {
    let all = plans.iter().zip(routes);
    all.filter(move |(plan, _)| plan.listeners.is_empty() || plan.listeners.contains(listener))
}

/// For finding things by name.
fn by_name<'a, T>(
    things: Option<impl IntoIterator<Item = &'a Arc<T>>>,
    name: impl Fn(&'a T) -> &'a Name,
) -> BTreeMap<&'a Name, &'a Arc<T>> {
    things
        .into_iter()
        .flatten()
        .map(|thing| (name(thing), thing))
        .collect()
}
