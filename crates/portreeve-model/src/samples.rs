//! Small plans, backends and requests for tests.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::address::BackendAddress;
use crate::ask::Ask;
use crate::backend::Backend;
use crate::digest::mix;
use crate::plan::{
    BalancePlan, Bind, DriverPlan, ExecPlan, FleetPlan, ListenerPlan, Plan, PoolPlan, RoutePlan, Target,
    TargetAddress,
};
use crate::pool::{Pool, PoolWorld};
use crate::registry::Registry;
use crate::resolved::Resolved;
use crate::route::RequestView;
use crate::tried::Tried;

pub(crate) fn backend(label: &str, weight: u16) -> Arc<Backend> {
    let address = BackendAddress::Unix(format!("/{label}").into());
    Arc::new(Backend::new(
        label.into(),
        address,
        weight,
        crate::policy::Policies::none(),
    ))
}

/// `b0`, `b1`… of these weights.
pub(crate) fn backends(weights: &[u16]) -> Vec<Arc<Backend>> {
    weights
        .iter()
        .enumerate()
        .map(|(place, weight)| backend(&format!("b{place}"), *weight))
        .collect()
}

/// At `10.0.0.1:1`, `10.0.0.1:2`… of these weights.
pub(crate) fn pool(balance: BalancePlan, weights: &[u16]) -> Arc<Pool> {
    pool_of(&pool_plan("pool", balance, weights))
}

pub(crate) fn pool_of(plan: &PoolPlan) -> Arc<Pool> {
    let world = PoolWorld {
        plan,
        resolved: &Resolved::new(),
        registry: &Registry::default(),
        ledgers: &[],
        demanded: &BTreeSet::new(),
        is_open: true,
        zone: None,
    };
    Pool::build(&world, None)
}

/// One whose driver does nothing.
pub(crate) fn fleet_plan(name: &str) -> FleetPlan {
    let driver = ExecPlan {
        start: vec!["true".into()],
        stop: vec!["true".into()],
        list: vec!["true".into()],
        timeout: Duration::from_secs(30),
    };
    FleetPlan::new(name.into(), DriverPlan::Exec(driver))
}

pub(crate) fn pool_plan(name: &str, balance: BalancePlan, weights: &[u16]) -> PoolPlan {
    let targets = (1_u16..).zip(weights).map(|(port, weight)| target(port, *weight));
    PoolPlan {
        targets: targets.collect(),
        balance,
        ..PoolPlan::empty(name.into())
    }
}

pub(crate) fn target(port: u16, weight: u16) -> Target {
    Target {
        weight,
        ..Target::new(TargetAddress::Socket(([10, 0, 0, 1], port).into()))
    }
}

pub(crate) fn named_target(host: &str, port: u16) -> Target {
    Target::new(TargetAddress::Host {
        host: host.into(),
        port,
    })
}

/// For everything, on every listener, to the pool `pool`.
pub(crate) fn route_plan(name: &str) -> RoutePlan {
    RoutePlan::all(name.into(), "pool".into())
}

pub(crate) fn listener_plan(name: &str) -> ListenerPlan {
    ListenerPlan::new(name.into(), Bind::Tcp(([127, 0, 0, 1], 0).into()))
}

/// One listener `web`, these routes, one pool `pool` of two backends.
pub(crate) fn plan(routes: Vec<RoutePlan>) -> Plan {
    let pools = vec![pool_plan("pool", BalancePlan::RoundRobin, &[1, 1])];
    Plan {
        listeners: vec![listener_plan("web")],
        routes,
        pools,
        ..Plan::default()
    }
}

pub(crate) fn ask(tried: &Tried) -> Ask<'_> {
    Ask {
        key: 0,
        dice: 0,
        tried,
        now: crate::tick::Tick::default(),
        sticky: None,
    }
}

pub(crate) fn tried<'a>(backends: impl IntoIterator<Item = &'a Arc<Backend>>) -> Tried {
    let mut tried = Tried::default();
    backends
        .into_iter()
        .for_each(|backend| assert!(tried.insert(backend.id)));
    tried
}

/// Fair throws, the same in every run.
pub(crate) fn dice(count: u64) -> impl Iterator<Item = u64> {
    (1..=count).map(|throw| mix(throw.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// What each of so many threads, numbered from 0, makes of it at once.
#[expect(clippy::disallowed_methods, reason = "the claim is about several threads")]
pub(crate) fn in_threads<T: Send>(threads: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let work = &work;
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || work(thread)))
            .collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// A request as a test writes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) client: Option<IpAddr>,
}

impl Request {
    pub(crate) fn get(host: &str, path: &str) -> Self {
        Self {
            method: "GET".into(),
            host: host.into(),
            path: path.into(),
            ..Self::default()
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.fields.push((name, value.into()));
        self
    }
}

impl RequestView for Request {
    fn method(&self) -> &[u8] {
        self.method.as_bytes()
    }

    fn host(&self) -> &[u8] {
        self.host.as_bytes()
    }

    fn path(&self) -> &[u8] {
        self.path.split('?').next().unwrap_or_default().as_bytes()
    }

    fn query(&self) -> &[u8] {
        self.path
            .split_once('?')
            .map_or("", |(_, query)| query)
            .as_bytes()
    }

    fn any_field(&self, lower_name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        let mut lines = self.fields.iter().filter(|(name, _)| *name == lower_name);
        lines.any(|(_, value)| test(value.as_bytes()))
    }

    fn client(&self) -> Option<IpAddr> {
        self.client
    }
}
