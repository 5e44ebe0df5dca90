//! All that the data plane reads, as of one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::sync::Arc;

use crate::listener::{Listener, Packets, Redirect};
use crate::network::Networks;
use crate::plan::{Bind, ListenerPlan, Name, Plan, PolicySource, PoolPlan, RoutePlan};
use crate::policy::Policy;
use crate::pool::{Pool, PoolWorld};
use crate::registry::Registry;
use crate::resolved::Resolved;
use crate::route::Route;
use crate::router::Router;
use crate::stats::ListenerStats;
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
    /// From `previous` live on: backends whose pool, label, address, weight and policies are the same; the turn of a round robin
    /// pool; what a pool of the same name shares ([`Pool::shared`]); the counts of routes and listeners of the same name
    /// (unless there are more shards than before); the limits of a route of which the plan says the same. A route whose
    /// pool the plan lacks gets an empty one, so its requests are answered with 503.
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
    let closed = before
        .iter()
        .filter(|(name, _)| plan.pools.iter().all(|pool| pool.name != ***name));
    closed.for_each(|(_, pool)| pool.close());
    let (wishes, none) = (wishes(plan), Wish::default());
    let build = |pool: &PoolPlan| {
        let wish = wishes.get(&pool.name).unwrap_or(&none);
        let world = PoolWorld {
            plan: pool,
            resolved,
            registry,
            ledgers: &ledgers,
            demanded: &wish.policies,
            is_open: wish.may_be_nothing,
            zone: plan.zone.as_ref(),
        };
        Pool::build(&world, before.get(&pool.name).copied())
    };
    plan.pools.iter().map(build).collect()
}

/// What the routes to one pool may demand.
#[derive(Default)]
struct Wish<'a> {
    /// Those that they name: these are known even before anybody upholds them.
    policies: BTreeSet<&'a Policy>,
    /// Whether a request may demand nothing at all.
    may_be_nothing: bool,
}

impl<'a> Wish<'a> {
    fn add(&mut self, route: &'a RoutePlan) {
        self.may_be_nothing |= route.demands.iter().all(|demand| demand.is_optional);
        for demand in &route.demands {
            self.policies
                .extend(demand.accepts.iter().chain(&demand.otherwise));
            if let PolicySource::Fixed(fixed) = &demand.from {
                self.policies.extend(fixed);
            }
        }
    }
}

/// By the pool that the routes lead to.
fn wishes(plan: &Plan) -> BTreeMap<&Name, Wish<'_>> {
    let mut wishes: BTreeMap<&Name, Wish<'_>> = BTreeMap::new();
    for route in &plan.routes {
        for pool in pools_of(route) {
            wishes.entry(pool).or_default().add(route);
        }
    }
    wishes
}

/// Its own, those of its split, and its mirror: the same is demanded in all of them.
fn pools_of(route: &RoutePlan) -> impl Iterator<Item = &Name> {
    let arms = route.split.iter().flat_map(|split| &split.arms);
    let mirror = route.mirror.iter().map(|mirror| &mirror.pool);
    iter::once(&route.pool)
        .chain(arms.map(|(pool, _)| pool))
        .chain(mirror)
}

fn routes(
    plans: &[RoutePlan],
    pools: &[Arc<Pool>],
    previous: Option<&Snapshot>,
    shards: usize,
) -> Vec<Arc<Route>> {
    let before = by_name(previous.map(|snapshot| &snapshot.routes), |route| &route.name);
    let pools = by_name(Some(pools), |pool| &pool.name);
    let pool = |name: &Name| {
        pools
            .get(name)
            .map_or_else(|| Pool::empty(name), |pool| Arc::clone(pool))
    };
    let build = |plan: &RoutePlan| {
        let before = before.get(&plan.name).map(|route| &***route);
        Arc::new(Route::build(plan, pool, before, shards))
    };
    plans.iter().map(build).collect()
}

fn listeners(
    plan: &Plan,
    snapshot: &Snapshot,
    previous: Option<&Snapshot>,
    shards: usize,
) -> Vec<Arc<Listener>> {
    let certificate_fields = certificate_fields(&plan.listeners);
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
            carries: listener.carries,
            tls: listener.tls.clone().map(Arc::new),
            certificate_fields: Arc::clone(&certificate_fields),
            http2: listener.http2.clone(),
            proxy_protocol: Networks::new(&listener.proxy_protocol),
            redirect: redirect(listener, plan),
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

/// Each once.
fn certificate_fields(listeners: &[ListenerPlan]) -> Arc<[Box<str>]> {
    let clients = listeners
        .iter()
        .filter_map(|listener| listener.tls.as_ref()?.clients.as_ref());
    let fields: BTreeSet<Box<str>> = clients
        .filter_map(|clients| clients.header.as_deref().map(Box::from))
        .collect();
    fields.into_iter().collect()
}

/// With the port of the listener that it names, as the plan has it.
fn redirect(listener: &ListenerPlan, plan: &Plan) -> Option<Redirect> {
    let redirect = listener.redirect.as_ref()?;
    let to = redirect.to.as_ref();
    let named = to.and_then(|name| plan.listeners.iter().find(|listener| listener.name == *name));
    let port = match named.map(|listener| &listener.bind) {
        Some(Bind::Tcp(address)) => address.port(),
        Some(Bind::Unix(_)) | None => HTTPS_PORT,
    };
    Some(Redirect {
        port,
        status: redirect.status,
    })
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
    let name = format!("packets:{}", listener.name).into();
    let pool = |name: &Name| snapshot.pool(name).map_or_else(|| Pool::empty(name), Arc::clone);
    let before = before.map(|packets| &*packets.route);
    let route = Route::build(&RoutePlan::all(name, plan.pool.clone()), pool, before, shards);
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

/// RFC 9110 section 4.2.2.
const HTTPS_PORT: u16 = 443;

#[cfg(test)]
mod tests;
