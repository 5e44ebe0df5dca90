//! Certificates and keys of the process: read at the start and at each reload, kept fresh, and had by ACME.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portreeve_acme::{Acme, AcmeFault, AcmeSettings, Pace};
use portreeve_admin::{AcmeFigures, CertificateFigures, Events};
use portreeve_model::plan::{Name, Plan};
use portreeve_tls::{CertificateFacts, CertificateSource, Loaded, Refreshed, TlsFault, TlsStore, TlsTable};
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::MissedTickBehavior;

/// The store, and the tasks that keep what is in it fresh. Dropping it ends them.
pub(crate) struct Tls {
    store: Arc<TlsStore>,
    acme: Acme,
    refreshing: JoinHandle<()>,
}

/// Every fault there is in certificates, keys and authorities, one a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", listed(.0))]
pub struct TlsFaults(pub Vec<TlsFault>);

impl Tls {
    /// Reads what the plan names, which says so from then on, and, from `state`, what ACME has given before. All that follows is done by tasks of the
    /// calling runtime.
    pub(crate) async fn start(plan: &mut Plan, state: &Path) -> Result<Self, TlsFaults> {
        let store = Arc::new(TlsStore::new());
        let loaded = load(&store, plan).await?;
        store.publish(loaded).stamp(plan);
        let settings = AcmeSettings {
            state: state.to_owned(),
            store: Arc::clone(&store),
            pace: Pace::default(),
        };
        Ok(Self {
            acme: Acme::start(settings, plan),
            refreshing: tokio::spawn(refresh(Arc::clone(&store))),
            store,
        })
    }

    /// Every listener accepts, so that proofs can be shown.
    pub(crate) fn begin(&self) {
        self.acme.begin();
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<TlsTable>> {
        self.store.subscribe()
    }

    /// Reads what the plan names; nothing changes yet.
    pub(crate) async fn load(&self, plan: &Plan) -> Result<Loaded, TlsFaults> {
        load(&self.store, plan).await
    }

    /// Has `/metrics` and `/v1` show how it goes with ACME, and which certificates are shown.
    pub(crate) fn show(&self, events: &Events) {
        let figures = self.acme.figures();
        events.watch_acme(move || shown(&figures.borrow()));
        let table = self.store.subscribe();
        events.watch_certificates(move || certificates(&table.borrow()));
    }

    /// Puts it beside what there was, for the snapshot that goes by it: the plan says from now on what that is. Requests
    /// go by the one or the other, never by some of both.
    pub(crate) fn publish(&self, loaded: Loaded, plan: &mut Plan) {
        self.store.publish(loaded).stamp(plan);
    }

    /// That snapshot is there.
    pub(crate) fn settle(&self) {
        self.store.settle();
    }

    /// Has the names of the plan certified, and no others any more; its listeners accept.
    pub(crate) fn follow(&self, plan: &Plan) {
        self.acme.follow(plan);
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.refreshing.abort();
    }
}

/// On a thread where a slow disk delays nothing else.
async fn load(store: &Arc<TlsStore>, plan: &Plan) -> Result<Loaded, TlsFaults> {
    let (store, plan) = (Arc::clone(store), plan.clone());
    let loaded = spawn_blocking(move || store.load(&plan)).await;
    loaded
        .expect("reading certificates does not panic")
        .map_err(TlsFaults)
}

async fn refresh(store: Arc<TlsStore>) {
    let mut beat = tokio::time::interval(REFRESH);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let store = Arc::clone(&store);
        match spawn_blocking(move || store.refresh()).await {
            Ok(happened) => happened.iter().for_each(log),
            Err(error) => tracing::error!(%error, "certificates were not looked at: a bug"),
        }
    }
}

fn log(happened: &Refreshed) {
    match happened {
        Refreshed::Taken { .. } => tracing::info!("{happened}"),
        Refreshed::Kept(_) | Refreshed::Warned(_) => tracing::warn!("{happened}"),
    }
}

fn shown(figures: &portreeve_acme::AcmeFigures) -> AcmeFigures {
    let failed = AcmeFault::CODES.into_iter().zip(figures.failed);
    let names = figures.names.iter();
    AcmeFigures {
        orders: [("received", figures.received)]
            .into_iter()
            .chain(failed)
            .collect(),
        names: names
            .map(|(name, state)| (name.clone(), state.not_after.is_some(), u64::from(state.failures)))
            .collect(),
    }
}

fn certificates(table: &TlsTable) -> Vec<CertificateFigures> {
    let of = |listener: &Name, facts: &CertificateFacts| CertificateFigures {
        listener: listener.to_string(),
        hosts: facts.hosts.iter().map(ToString::to_string).collect(),
        issuer: facts.issuer.to_string(),
        serial: facts.serial.to_string(),
        key: facts.key.code(),
        file: match &facts.source {
            CertificateSource::File(file) => Some(file.clone()),
            CertificateSource::Managed(_) => None,
        },
        not_before: facts.not_before,
        not_after: facts.not_after,
    };
    let shown = table
        .listeners()
        .flat_map(|(name, tls)| tls.certificates().map(move |facts| of(name, facts)));
    shown.collect()
}

fn listed(faults: &[TlsFault]) -> String {
    let lines: Vec<String> = faults.iter().map(TlsFault::to_string).collect();
    lines.join("\n")
}

const REFRESH: Duration = Duration::from_secs(1);
