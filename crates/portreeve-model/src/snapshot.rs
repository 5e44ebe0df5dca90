//! All that the data plane reads, as of one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::listener::{Listener, Packets};
use crate::network::Networks;
use crate::plan::{LedgerMode, ListenerPlan, Name, Plan, PolicySource, RoutePlan};
use crate::policy::Policy;
use crate::pool::{Pool, PoolWorld};
use crate::registry::Registry;
use crate::resolved::Resolved;
use crate::route::Route;
use crate::router::Router;
use crate::stats::{ListenerStats, RouteStats};
use crate::suspicions::Suspicions;

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
    /// How often the data plane could not reach a registered backend; one counter for the life of the process.
    pub suspicions: Arc<Suspicions>,
}

impl Snapshot {
    /// The listener of that name.
    #[must_use]
    pub fn listener(&self, name: &str) -> Option<&Arc<Listener>> {
        self.listeners.iter().find(|listener| *listener.name == *name)
    }

    /// Lays out what a checked plan says, as long as nobody has registered. See [`of`](Self::of).
    #[must_use]
    pub fn build(plan: &Plan, resolved: &Resolved, previous: Option<&Self>, shards: usize) -> Self {
        Self::of(plan, resolved, &Registry::default(), previous, shards)
    }

    /// The pool of that name.
    #[must_use]
    pub fn pool(&self, name: &str) -> Option<&Arc<Pool>> {
        self.pools.iter().find(|pool| *pool.name == *name)
    }

    /// Lays out what a checked plan says and who has registered, for `shards` workers that count.
    ///
    /// From `previous` live on: backends whose pool, label, address and weight are the same; the turn of a round robin
    /// pool; the counts of routes and listeners of the same name (unless there are more shards than before). A route
    /// whose pool the plan lacks gets an empty one, so its requests are answered with 503.
    #[must_use]
    pub fn of(
        plan: &Plan,
        resolved: &Resolved,
        registry: &Registry,
        previous: Option<&Self>,
        shards: usize,
    ) -> Self {
        let pools = pools(plan, resolved, registry, previous);
        let routes = routes(&plan.routes, &pools, previous, shards);
        let mut snapshot = Self {
            sequence: previous.map_or(0, |previous| previous.sequence) + 1,
            listeners: Vec::new(),
            routes,
            pools,
            suspicions: previous
                .map(|previous| Arc::clone(&previous.suspicions))
                .unwrap_or_default(),
        };
        snapshot.listeners = listeners(plan, &snapshot, previous, shards);
        let packets = snapshot
            .listeners
            .iter()
            .filter_map(|listener| listener.packets.as_ref());
        snapshot
            .routes
            .extend(packets.map(|packets| Arc::clone(&packets.route)));
        snapshot
    }
}

fn pools(
    plan: &Plan,
    resolved: &Resolved,
    registry: &Registry,
    previous: Option<&Snapshot>,
) -> Vec<Arc<Pool>> {
    let before = by_name(previous.map(|snapshot| &snapshot.pools), |pool| &pool.name);
    let ledgers: Vec<_> = plan
        .policies
        .iter()
        .map(|plan| (plan.policy.clone(), plan.ledger))
        .collect();
    let mut demanded = demanded(plan);
    let build = |pool| {
        let world = PoolWorld {
            plan: pool,
            resolved,
            registry,
            ledgers: &ledgers,
            demanded: demanded.entry(&pool.name).or_default(),
        };
        Pool::build(&world, before.get(&pool.name).copied())
    };
    plan.pools.iter().map(build).collect()
}

/// The policies that routes name, by the pool that they lead to: these are known even before anybody upholds them.
fn demanded(plan: &Plan) -> BTreeMap<&Name, BTreeSet<Policy>> {
    let mut demanded: BTreeMap<&Name, BTreeSet<Policy>> = BTreeMap::new();
    for route in &plan.routes {
        let policies = demanded.entry(&route.pool).or_default();
        for demand in &route.demands {
            policies.extend(demand.accepts.iter().chain(&demand.otherwise).cloned());
            if let PolicySource::Fixed(fixed) = &demand.from {
                policies.extend(fixed.iter().cloned());
            }
        }
    }
    demanded
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
            .map_or_else(|| Pool::empty(&plan.pool), |pool| Arc::clone(pool));
        Route {
            name: Arc::clone(&plan.name),
            pool,
            demands: plan.demands.clone(),
            ledger: plan.ledger,
            stats: route_stats(before.get(&plan.name).map(|route| &**route), shards),
        }
    };
    plans.iter().map(|plan| Arc::new(build(plan))).collect()
}

fn route_stats(before: Option<&Arc<Route>>, shards: usize) -> Arc<RouteStats> {
    let kept = before
        .map(|route| &route.stats)
        .filter(|stats| stats.serves(shards));
    kept.map_or_else(|| Arc::new(RouteStats::new(shards)), Arc::clone)
}

fn listeners(
    plan: &Plan,
    snapshot: &Snapshot,
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
            sequence: snapshot.sequence,
            packets: packets(listener, snapshot, before.map(|before| &**before), shards),
            registration: listener.registration,
            suspicions: Arc::clone(&snapshot.suspicions),
            stats: kept.map_or_else(|| Arc::new(ListenerStats::new(shards)), Arc::clone),
            router: Router::new(served(&listener.name, &plan.routes, &snapshot.routes)),
        }
    };
    plan.listeners
        .iter()
        .map(|listener| Arc::new(build(listener)))
        .collect()
}

/// Packets take a route of their own, named after the listener, so that they are counted like everything else.
fn packets(
    listener: &ListenerPlan,
    snapshot: &Snapshot,
    before: Option<&Listener>,
    shards: usize,
) -> Option<Packets> {
    let plan = listener.packets.clone()?;
    let before = before.and_then(|listener| listener.packets.as_ref());
    let route = Route {
        name: format!("packets:{}", listener.name).into(),
        pool: snapshot
            .pool(&plan.pool)
            .map_or_else(|| Pool::empty(&plan.pool), Arc::clone),
        demands: Vec::new(),
        ledger: LedgerMode::Off,
        stats: route_stats(before.map(|packets| &packets.route), shards),
    };
    Some(Packets {
        plan,
        route: Arc::new(route),
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::plan::{BalancePlan, HashKey};
    use crate::samples::{ask, listener_plan, named_target, plan, pool_plan, route_plan, target};
    use crate::stats::RequestOutcome;
    use crate::tried::Tried;

    fn build(plan: &Plan, previous: Option<&Snapshot>) -> Snapshot {
        Snapshot::build(plan, &Resolved::new(), previous, 2)
    }

    /// One route to one pool of backends at these ports.
    fn at_ports(ports: &[u16]) -> Plan {
        let mut plan = plan(vec![route_plan("all")]);
        plan.pools[0].targets = ports.iter().map(|port| target(*port, 1)).collect();
        plan
    }

    fn pick(snapshot: &Snapshot) -> String {
        let lease = snapshot.pools[0]
            .everyone()
            .pick(&ask(&Tried::default()))
            .unwrap();
        lease.backend().label.to_string()
    }

    #[test]
    fn each_snapshot_has_the_next_number() {
        let first = build(&at_ports(&[1]), None);
        assert_eq!(first.sequence, 1);
        assert_eq!(build(&at_ports(&[1]), Some(&first)).sequence, 2);
    }

    #[test]
    fn listeners_are_found_by_name() {
        let mut plan = at_ports(&[1]);
        plan.listeners.push(listener_plan("other"));
        let snapshot = build(&plan, None);
        assert_eq!(&*snapshot.listener("other").unwrap().name, "other");
        assert!(snapshot.listener("none").is_none());
    }

    #[test]
    fn backends_that_stay_are_the_very_same() {
        let first = build(&at_ports(&[1, 2, 3]), None);
        let next = build(&at_ports(&[3, 4, 1]), Some(&first));
        let (before, after) = (&first.pools[0].backends, &next.pools[0].backends);
        assert!(Arc::ptr_eq(&after[0], &before[2]));
        assert!(Arc::ptr_eq(&after[2], &before[0]));
        assert!(before.iter().all(|backend| backend.id != after[1].id));
    }

    #[test]
    fn a_backend_of_another_weight_or_pool_is_another() {
        let first = build(&at_ports(&[1]), None);
        let mut heavier = at_ports(&[1]);
        heavier.pools[0].targets[0].weight = 2;
        let mut renamed = at_ports(&[1]);
        renamed.pools[0].name = "renamed".into();
        for plan in [heavier, renamed] {
            let next = build(&plan, Some(&first));
            assert_ne!(next.pools[0].backends[0].id, first.pools[0].backends[0].id);
        }
    }

    #[test]
    fn the_same_target_twice_is_two_backends_and_stays_so() {
        let first = build(&at_ports(&[1, 1]), None);
        let ids = |snapshot: &Snapshot| {
            snapshot.pools[0]
                .backends
                .iter()
                .map(|one| one.id)
                .collect::<Vec<_>>()
        };
        assert_ne!(ids(&first)[0], ids(&first)[1]);
        assert_eq!(ids(&build(&at_ports(&[1, 1]), Some(&first))), ids(&first));
    }

    #[test]
    fn leases_outlive_their_snapshot_and_still_count() {
        let first = build(&at_ports(&[1]), None);
        let lease = first.pools[0].everyone().pick(&ask(&Tried::default())).unwrap();
        let next = build(&at_ports(&[1]), Some(&first));
        drop(first);
        assert_eq!(next.pools[0].backends[0].in_flight(), 1);
        drop(lease);
        assert_eq!(next.pools[0].backends[0].in_flight(), 0);
    }

    #[test]
    fn the_rotation_goes_on_where_it_was() {
        let first = build(&at_ports(&[1, 2, 3]), None);
        assert_eq!([pick(&first), pick(&first)], ["10.0.0.1:1", "10.0.0.1:2"]);
        let next = build(&at_ports(&[1, 2, 3]), Some(&first));
        assert_eq!(
            [pick(&next), pick(&first), pick(&next)],
            ["10.0.0.1:3", "10.0.0.1:1", "10.0.0.1:2"]
        );
    }

    #[test]
    fn a_change_of_backends_does_not_restart_the_rotation() {
        let mut snapshot = build(&at_ports(&[1, 2, 3]), None);
        let mut counts = std::collections::BTreeMap::<String, u32>::new();
        for round in 0..300 {
            *counts.entry(pick(&snapshot)).or_default() += 1;
            let ports: &[u16] = if round % 2 == 0 { &[1, 2, 3, 4] } else { &[1, 2, 3] };
            snapshot = build(&at_ports(ports), Some(&snapshot));
        }
        assert!(
            counts["10.0.0.1:1"] <= 110,
            "restarted each time, the first would have all: {counts:?}"
        );
    }

    #[test]
    fn a_hash_table_is_taken_over_only_for_the_same_backends_and_key() {
        let mut plan = at_ports(&[1, 2]);
        plan.pools[0].balance = BalancePlan::Hash(HashKey::Path);
        let first = build(&plan, None);
        plan.pools[0].balance = BalancePlan::Hash(HashKey::ClientAddress);
        let other_key = build(&plan, Some(&first));
        let request = crate::samples::Request::get("", "/a");
        assert_ne!(first.pools[0].everyone().key(&request), 0);
        assert_eq!(other_key.pools[0].everyone().key(&request), 0);
        plan.pools[0].targets.remove(0);
        let one = build(&plan, Some(&other_key));
        assert_eq!(pick(&one), "10.0.0.1:2");
    }

    #[test]
    fn limits_are_those_of_the_new_plan() {
        let first = build(&at_ports(&[1]), None);
        let mut plan = at_ports(&[1]);
        plan.pools[0].limits.attempts_max = 7;
        plan.listeners[0].limits.fields_max = 9;
        let next = build(&plan, Some(&first));
        assert_eq!(next.pools[0].limits.attempts_max, 7);
        assert_eq!(next.listeners[0].limits.fields_max, 9);
    }

    #[test]
    fn counts_live_on_by_name() {
        let first = build(&at_ports(&[1]), None);
        first.routes[0].stats.record(
            1,
            &RequestOutcome {
                status: 200,
                ..RequestOutcome::default()
            },
        );
        first.listeners[0].stats.refused(1, Cause::ListenerFull);
        let next = build(&at_ports(&[2]), Some(&first));
        assert_eq!(next.routes[0].stats.totals().requests(), 1);
        assert!(Arc::ptr_eq(&next.listeners[0].stats, &first.listeners[0].stats));
        let mut renamed = at_ports(&[2]);
        renamed.routes[0].name = "renamed".into();
        assert_eq!(
            build(&renamed, Some(&next)).routes[0].stats.totals().requests(),
            0
        );
    }

    #[test]
    fn more_workers_than_shards_begin_new_counts() {
        let first = build(&at_ports(&[1]), None);
        let next = Snapshot::build(&at_ports(&[1]), &Resolved::new(), Some(&first), 3);
        assert!(!Arc::ptr_eq(&next.routes[0].stats, &first.routes[0].stats));
    }

    #[test]
    fn a_route_without_its_pool_gets_an_empty_one() {
        let mut plan = at_ports(&[1]);
        plan.routes[0].pool = "missing".into();
        let snapshot = build(&plan, None);
        assert_eq!(&*snapshot.routes[0].pool.name, "missing");
        assert!(
            snapshot.routes[0]
                .pool
                .everyone()
                .pick(&ask(&Tried::default()))
                .is_none()
        );
    }

    #[test]
    fn routes_of_one_pool_share_it() {
        let mut plan = at_ports(&[1]);
        plan.routes.push(route_plan("more"));
        plan.pools.push(pool_plan("idle", BalancePlan::First, &[]));
        let snapshot = build(&plan, None);
        assert!(Arc::ptr_eq(&snapshot.routes[0].pool, &snapshot.routes[1].pool));
        assert_eq!(snapshot.pools.len(), 2);
    }

    #[test]
    fn a_name_that_gains_an_address_keeps_no_backend_under_its_old_label() {
        let mut plan = at_ports(&[]);
        plan.pools[0].targets = vec![named_target("app", 80)];
        let mut resolved = Resolved::new();
        resolved.insert("app", vec![[10, 0, 0, 1].into()]);
        let first = Snapshot::build(&plan, &resolved, None, 1);
        assert_eq!(&*first.pools[0].backends[0].label, "app:80");
        resolved.insert("app", vec![[10, 0, 0, 1].into(), [10, 0, 0, 2].into()]);
        let next = Snapshot::build(&plan, &resolved, Some(&first), 1);
        let labels: Vec<_> = next.pools[0]
            .backends
            .iter()
            .map(|backend| &*backend.label)
            .collect();
        assert_eq!(labels, ["10.0.0.1:80", "10.0.0.2:80"]);
    }
}
