//! The data plane alone, with a test in place of the control plane: it publishes who is there.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use portreeve_model::plan::{Bind, Plan, PoolPlan};
use portreeve_model::{
    Announcement, FleetShared, MemberKey, Moment, Policies, Policy, Pool, Registry, Resolved, Sender,
    Snapshot, Term,
};
use portreeve_proxy::{BoundListener, Drained, Proxy, ProxySettings, StickySecret};
use portreeve_testkit::{Address, Message, Origin, PATIENCE};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::scaling::{SCALED, asking};

/// A running data plane with one listener and a pool `app`; dropping it ends it at once.
pub(crate) struct Plane {
    proxy: Option<Proxy>,
    plan: Plan,
    registry: Registry,
    snapshots: watch::Sender<Arc<Snapshot>>,
    began: Instant,
    threads: usize,
    /// What is notified when a request finds nobody.
    pub(crate) wakes: Arc<Notify>,
    pub(crate) address: Address,
}

impl Plane {
    /// One worker, and the pool as it is by default, where it scales and nobody is in it.
    pub(crate) fn scaled() -> Self {
        Self::with("", |_| {})
    }

    /// With more lines of the pool's scale, and what the file does not say of the pool.
    pub(crate) fn with(scale: &str, change: impl FnOnce(&mut PoolPlan)) -> Self {
        let route =
            "[listener.web]\nbind = \"127.0.0.1:0\"\nregistration = true\n[route.app]\npool = \"app\"\n";
        Self::of(&format!("{route}{SCALED}{scale}\n"), 1, change)
    }

    /// Of this file.
    pub(crate) fn of(toml: &str, threads: usize, change: impl FnOnce(&mut PoolPlan)) -> Self {
        let config = portreeve_config::parse(toml).unwrap_or_else(|faults| panic!("{faults:?} in\n{toml}"));
        let mut plan = config.plan;
        change(&mut plan.pools[0]);
        let (began, mut registry) = (Instant::now(), Registry::default());
        registry.follow(&plan, moment(began));
        let first = Snapshot::of(&plan, &Resolved::new(), &registry, None, threads);
        let (snapshots, seen) = watch::channel(Arc::new(first));
        let wakes = Arc::new(Notify::new());
        let settings = ProxySettings {
            threads,
            records: None,
            ledger: None,
            registrations: None,
            wakes: Some(Arc::clone(&wakes)),
            sticky: StickySecret::new([7; 32]),
            start: Some(began),
            tls: watch::channel(Arc::default()).1,
        };
        let proxy = Proxy::start(&settings, seen).expect("threads can be started");
        let socket = BoundListener::bind(&plan.listeners[0].bind, threads).expect("port 0 is always free");
        let address = match socket.local() {
            Bind::Tcp(address) => Address::Tcp(address),
            Bind::Unix(path) => Address::Unix(path),
        };
        proxy.open(&plan.listeners[0].name, socket);
        Self {
            proxy: Some(proxy),
            plan,
            registry,
            snapshots,
            began,
            threads,
            wakes,
            address,
        }
    }

    /// Somebody registers, and passes the first probe.
    pub(crate) fn join(&mut self, id: &str, origin: &Origin, policies: &[&str]) {
        let Address::Tcp(address) = origin.address() else {
            panic!("{} cannot register", origin.address())
        };
        let announcement = Announcement {
            key: key(id),
            address: *address,
            policies: named(policies),
            weight: 1,
            term: Term::Heartbeats(None),
            spells_types_as_text: false,
            zone: None,
            is_backup: false,
        };
        let now = moment(self.began);
        let registered = self.registry.register(announcement, &Sender::default(), now);
        let backend = registered.expect("anybody may register").backend;
        self.registry.proved(backend.id, Ok(()), now);
        self.publish();
    }

    /// A probe of somebody who was there passes.
    pub(crate) fn prove(&mut self, id: &str) {
        let member = self.registry.find(&key(id)).expect("who is probed is there");
        let backend = Arc::clone(&member.backend);
        let now = moment(self.began);
        self.registry.proved(backend.id, Ok(()), now);
        self.registry.proved(backend.id, Ok(()), now);
        self.publish();
    }

    /// Somebody is gone.
    pub(crate) fn leave(&mut self, id: &str) {
        let left = self.registry.remove(&key(id), moment(self.began));
        left.expect("who leaves was there");
        self.publish();
    }

    fn publish(&self) {
        self.snapshots.send_modify(|snapshot| {
            let (plan, shards) = (&self.plan, self.threads);
            let next = Snapshot::of(plan, &Resolved::new(), &self.registry, Some(snapshot), shards);
            *snapshot = Arc::new(next);
        });
    }

    pub(crate) fn pool(&self) -> Arc<Pool> {
        Arc::clone(&self.snapshots.borrow().pools[0])
    }

    /// The fleet of these policies.
    pub(crate) fn fleet(&self, policies: &[&str]) -> Arc<FleetShared> {
        let pool = self.pool();
        Arc::clone(pool.fleet_for(&named(policies)).expect("the pool has one"))
    }

    /// The answer on a connection of its own.
    pub(crate) async fn answer(&self, request: impl AsRef<[u8]>) -> Message {
        asking(&self.address, request).await.response().await
    }

    /// Returns once so many are held, and no more: the fleets say the same.
    pub(crate) async fn until_held(&self, count: u32) {
        let (pool, waiting) = (self.pool(), self.pool());
        let of_fleets = || pool.fleets().iter().map(|fleet| fleet.waiting()).sum::<u64>();
        let held = || (waiting.shared.waiting.load(SeqCst), of_fleets());
        let is_so = async {
            while held() != (count, u64::from(count)) {
                tokio::time::sleep(POLL).await;
            }
        };
        if timeout(PATIENCE, is_so).await.is_err() {
            panic!("not {count} but {:?} are held", held());
        }
    }

    pub(crate) async fn drain(mut self, time: Duration) -> Drained {
        let proxy = self.proxy.take().expect("only this takes it");
        proxy.drain(time).await
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        if let Some(proxy) = &self.proxy {
            proxy.kill();
        }
    }
}

fn key(id: &str) -> MemberKey {
    MemberKey {
        pool: "app".into(),
        id: id.into(),
    }
}

fn named(policies: &[&str]) -> Policies {
    policies
        .iter()
        .map(|name| Policy::new(name).expect("a policy's name"))
        .collect()
}

fn moment(began: Instant) -> Moment {
    Moment {
        since_start: began.elapsed(),
        unix_ms: 0,
    }
}

const POLL: Duration = Duration::from_millis(2);
