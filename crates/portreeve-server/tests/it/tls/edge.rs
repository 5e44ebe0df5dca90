//! The data plane alone, with TLS on its listener: the plan is made here, so that no file has to say it.

use std::sync::Arc;
use std::time::Duration;

use portreeve_model::plan::{Bind, CertificatePlan, Plan, Scheme, TargetAddress, TlsPlan};
use portreeve_model::{Cause, EdgeEvent, Registry, Resolved, Snapshot};
use portreeve_proxy::{BoundListener, Proxy, ProxySettings, StickySecret};
use portreeve_testkit::{Address, Client, Message, Origin, PATIENCE};
use portreeve_tls::TlsStore;
use rustls::ClientConfig;
use tokio::sync::watch;
use tokio::time::timeout;

use super::Authority;

/// A running data plane; dropping it ends it at once.
pub(crate) struct Edge {
    proxy: Option<Proxy>,
    store: TlsStore,
    plan: Plan,
    snapshots: watch::Sender<Arc<Snapshot>>,
    pub(crate) authority: Authority,
    pub(crate) address: Address,
}

impl Edge {
    /// One worker, one TLS listener for `app.test`, whose requests all go to this origin.
    pub(crate) fn to(origin: &Origin) -> Self {
        Self::with(&[origin], |_, _| {})
    }

    /// The same, with something else in the plan.
    pub(crate) fn with(origins: &[&Origin], change: impl FnOnce(&mut Plan, &Authority)) -> Self {
        let authority = Authority::new();
        let mut plan = plan(origins, authority.issue_files("app", &["DNS:app.test"]));
        change(&mut plan, &authority);
        let store = TlsStore::new();
        let loaded = store.load(&plan).unwrap_or_else(|faults| panic!("{faults:?}"));
        store.publish(loaded).stamp(&mut plan);
        let snapshot = Snapshot::of(&plan, &Resolved::new(), &Registry::default(), None, 1);
        let snapshots = watch::Sender::new(Arc::new(snapshot));
        let settings = ProxySettings {
            threads: 1,
            records: None,
            ledger: None,
            registrations: None,
            wakes: None,
            sticky: StickySecret::new([7; 32]),
            tls: store.subscribe(),
            start: None,
        };
        let proxy = Proxy::start(&settings, snapshots.subscribe()).expect("threads can be started");
        let socket = BoundListener::bind(&plan.listeners[0].bind, 1).expect("port 0 is always free");
        let Bind::Tcp(address) = socket.local() else {
            panic!("the listener is no Unix socket")
        };
        proxy.open(&plan.listeners[0].name, socket);
        Self {
            proxy: Some(proxy),
            store,
            plan,
            snapshots,
            authority,
            address: address.into(),
        }
    }

    /// Publishes what another plan needs of TLS, and nothing more of it.
    pub(crate) fn publish(&mut self, change: impl FnOnce(&mut Plan)) {
        change(&mut self.plan);
        let loaded = self
            .store
            .load(&self.plan)
            .unwrap_or_else(|faults| panic!("{faults:?}"));
        self.store.publish(loaded).stamp(&mut self.plan);
    }

    /// Publishes the rest of it.
    pub(crate) fn adopt(&self) {
        let before = Arc::clone(&self.snapshots.borrow());
        let snapshot = Snapshot::of(
            &self.plan,
            &Resolved::new(),
            &Registry::default(),
            Some(&before),
            1,
        );
        self.snapshots.send_replace(Arc::new(snapshot));
        self.store.settle();
    }

    /// To a backend that speaks HTTP/2 within TLS as `app.test`, for whom this authority vouches.
    pub(crate) fn to_http2(address: &str, authorities: &Authority) -> Self {
        let nobody = Origin::refusing();
        Self::with(&[&nobody], |plan, _| {
            let pool = &mut plan.pools[0];
            pool.tls.authorities = Some(authorities.file());
            pool.tls.server_name = Some("app.test".to_owned());
            let target = &mut pool.targets[0];
            target.address = TargetAddress::Socket(address.parse().expect("an address"));
            target.scheme = Scheme::H2;
        })
    }

    /// A client that trusts the authority and asks for `app.test`.
    pub(crate) async fn connect(&self) -> Client {
        self.connect_by(&self.authority.client(), "app.test").await
    }

    pub(crate) async fn connect_by(&self, config: &Arc<ClientConfig>, name: &str) -> Client {
        let connected = Client::connect_tls(&self.address, config, name).await;
        connected.unwrap_or_else(|error| panic!("no handshake for {name}: {error}"))
    }

    /// The answer to this request on a connection of its own.
    pub(crate) async fn answer(&self, request: &str) -> Message {
        let mut client = self.connect().await;
        client.send(request).await;
        client.response().await
    }

    /// How often it has happened.
    pub(crate) fn count(&self, event: EdgeEvent) -> u64 {
        let snapshot = self.snapshots.borrow();
        let listener = snapshot.listener("web").expect("the only listener");
        let totals = listener.stats.totals().edge;
        totals[event.index()].1
    }

    /// Returns once it has happened so often.
    pub(crate) async fn until(&self, event: EdgeEvent, count: u64) {
        let looked = timeout(PATIENCE, async {
            while self.count(event) < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        looked
            .await
            .unwrap_or_else(|_| panic!("{event} has happened {} times, not {count}", self.count(event)));
    }

    /// How many requests of the only route ended in it.
    pub(crate) fn ended_in(&self, cause: Cause) -> u64 {
        let snapshot = self.snapshots.borrow();
        let totals = snapshot.routes[0].stats.totals();
        totals.by_cause[cause.index()].1
    }

    /// Returns once so many have.
    pub(crate) async fn until_ended_in(&self, cause: Cause, count: u64) {
        let looked = timeout(PATIENCE, async {
            while self.ended_in(cause) < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        looked
            .await
            .unwrap_or_else(|_| panic!("{} requests ended in {cause}", self.ended_in(cause)));
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        if let Some(proxy) = self.proxy.take() {
            proxy.kill();
        }
    }
}

fn plan(origins: &[&Origin], certificate: CertificatePlan) -> Plan {
    let backends: Vec<_> = origins
        .iter()
        .map(|origin| format!("\"{}\"", origin.address()))
        .collect();
    let toml = format!(
        "[listener.web]\nbind = \"127.0.0.1:0\"\n[route.app]\npool = \"app\"\n[pool.app]\nbackends = [{}]\n",
        backends.join(", ")
    );
    let config = portreeve_config::parse(&toml).unwrap_or_else(|faults| panic!("{faults:?} in\n{toml}"));
    let mut plan = config.plan;
    plan.listeners[0].tls = Some(TlsPlan {
        certificates: vec![certificate],
        ..TlsPlan::default()
    });
    plan
}
