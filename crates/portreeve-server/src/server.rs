//! The whole proxy as one value.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use portreeve_admin::{
    Admin, AdminKey, AdminListener, Events, LedgerFigures, Operator, Readiness, Registrar, View,
};
use portreeve_config::{Config, LedgerConfig};
use portreeve_control::{ControlSettings, Controller, EventListener};
use portreeve_model::plan::{Bind, Name};
use portreeve_proxy::{Drained, LedgerSink, Proxy, ProxySettings};
use portreeve_scaler::Scaler;
use portreeve_tls::Loaded;
use tokio::sync::{Notify, watch};

use crate::access_log::AccessLog;
use crate::ledger::{self, Ledger, LedgerError, LedgerEvents};
use crate::listeners::{Bound, Listeners};
use crate::registrations::Registrations;
use crate::tls::Tls;
use crate::{ReloadError, StartError, scaling, state_folder, sticky_key};

/// A running proxy: data plane, control plane, admin listener, access log. Dropping it ends it at once.
pub struct Server {
    /// As it is in force; what needs a restart stays as it was at the start.
    config: Config,
    listeners: Listeners,
    proxy: Proxy,
    controller: Controller,
    tls: Tls,
    admin: Option<Admin>,
    access_log: Option<AccessLog>,
    ledger: Option<Ledger>,
    registrations: Registrations,
    scaler: Scaler,
    readiness: watch::Sender<Readiness>,
    events: Arc<Events>,
}

/// What a reload did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// The number of the snapshot now in use.
    pub sequence: u64,
    /// Listeners that accept since now.
    pub opened: Vec<Name>,
    /// Listeners that accept no more; a listener whose address changed is in both lists.
    pub closed: Vec<Name>,
    /// Keys whose new value takes effect at the next start only.
    pub needs_restart: Vec<&'static str>,
}

/// What was taken hold of before anything runs: each of these can fail, and gives itself back when dropped.
struct Prepared {
    access_log: Option<AccessLog>,
    admin: Option<AdminListener>,
    bound: Bound,
    events: Arc<Events>,
    ledger: Option<Ledger>,
}

impl Server {
    /// Starts everything; when it returns, every listener accepts. The calling runtime carries the control plane and
    /// the admin listener; the data plane has threads of its own.
    ///
    /// # Errors
    /// An address, a certificate or its key, the access log, the ledger or the state folder cannot be used. Nothing runs
    /// then.
    pub async fn start(mut config: Config) -> Result<Self, StartError> {
        // Both planes count time from here.
        let start = Instant::now();
        let prepared = Prepared::for_config(&config)?;
        let tls = Tls::start(&mut config.plan, &config.state).await?;
        tls.show(&prepared.events);
        let settings = prepared.control_settings(&config, start, &tls);
        let plan = prepared.bound.placed(&config.plan);
        let controller = Controller::start(plan, config.threads, settings).await?;
        let registrar = Registrar::new(controller.door());
        let (registrations, calls) = Registrations::start(registrar.clone());
        let wakes: Arc<Notify> = Arc::default();
        let settings = ProxySettings {
            threads: config.threads,
            records: prepared.access_log.as_ref().map(AccessLog::sink),
            ledger: prepared.ledger.as_ref().map(Ledger::sink),
            registrations: Some(calls),
            sticky: sticky_key::secret(&config.state, &config.plan),
            tls: tls.subscribe(),
            start: Some(start),
            wakes: Some(Arc::clone(&wakes)),
        };
        let proxy = Proxy::start(&settings, controller.snapshots())?;
        if let Some(ledger) = &settings.ledger {
            watch_ledger(ledger, &prepared.events);
        }
        let (readiness, view_of_readiness) = watch::channel(Readiness::Starting);
        let view = View {
            snapshots: controller.snapshots(),
            readiness: view_of_readiness,
            events: Arc::clone(&prepared.events),
            start,
        };
        let scaler = scaling::start(&config, &controller, &prepared.bound, wakes, start);
        let admin = match prepared.admin {
            Some(listener) => Some(start_admin(listener, view, (registrar, &scaler), &config)?),
            None => None,
        };
        let mut listeners = Listeners::default();
        listeners.open(prepared.bound, &proxy);
        tls.begin();
        readiness.send_replace(Readiness::Ready);
        Ok(Self {
            config,
            listeners,
            proxy,
            controller,
            tls,
            admin,
            access_log: prepared.access_log,
            ledger: prepared.ledger,
            registrations,
            scaler,
            readiness,
            events: prepared.events,
        })
    }

    /// The address of a listener, with the port that the kernel gave for port 0.
    #[must_use]
    pub fn listener(&self, name: &str) -> Option<Bind> {
        self.listeners.address(name).cloned()
    }

    /// The real addresses of all listeners, by name.
    pub fn listeners(&self) -> impl Iterator<Item = &Bind> {
        self.listeners.addresses()
    }

    /// The address of the admin listener, if there is one.
    #[must_use]
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(Admin::local)
    }

    /// Takes a new configuration over, all or nothing. Listeners that stay are not touched, nor is any connection
    /// of theirs; new ones are bound before anything changes; gone ones stop accepting while their requests finish.
    ///
    /// # Errors
    /// A certificate or its key cannot be used, or a new listener's address cannot be bound. The configuration before
    /// stays in force then.
    pub async fn reload(&mut self, mut config: Config) -> Result<Reloaded, ReloadError> {
        let (loaded, bound) = self
            .prepare(&config)
            .await
            .inspect_err(|_| self.events.reload_refused())?;
        self.tls.publish(loaded, &mut config.plan);
        let placed = self.listeners.placed(&config.plan, &bound);
        self.controller.apply(placed).await;
        self.tls.settle();
        let closed = self.listeners.gone(&config.plan);
        self.listeners.close(&closed, &self.proxy);
        let opened = self.listeners.open(bound, &self.proxy);
        self.tls.follow(&config.plan);
        self.controller.door().own(self.own());
        let needs_restart = self.take_over(config);
        self.events.reloaded(SystemTime::now());
        let sequence = self.controller.snapshots().borrow().sequence;
        Ok(Reloaded {
            sequence,
            opened,
            closed,
            needs_restart,
        })
    }

    /// All of a reload that can fail.
    async fn prepare(&mut self, config: &Config) -> Result<(Loaded, Bound), ReloadError> {
        let loaded = self.tls.load(&config.plan).await?;
        let bound = self.listeners.bind_new(&config.plan, self.config.threads)?;
        Ok((loaded, bound))
    }

    /// Notes that a configuration could not even be read, for `/metrics`.
    pub(crate) fn reload_refused(&self) {
        self.events.reload_refused();
    }

    /// Has the access log's file opened anew under its name, as after a rotation.
    pub fn reopen_access_log(&self) {
        match &self.access_log {
            Some(log) => log.reopen(),
            None => tracing::info!("no access log to open anew: it is off"),
        }
    }

    /// Accepts no more connections, says so on `/readyz`, lets running requests finish within the configured
    /// `drain_timeout`, and ends. Every access record is written when it returns.
    pub async fn drain(self) -> Drained {
        let Self {
            config,
            listeners,
            proxy,
            controller,
            tls,
            admin,
            access_log,
            ledger,
            registrations,
            scaler,
            readiness,
            ..
        } = self;
        readiness.send_replace(Readiness::Draining);
        drop(listeners);
        let drained = proxy.drain(config.drain_timeout).await;
        if let Some(admin) = admin {
            admin.stop().await;
        }
        drop((registrations, tls));
        scaler.stop().await;
        controller.stop().await;
        if let Some(ledger) = ledger {
            ledger.close().await;
        }
        if let Some(log) = access_log {
            log.close().await;
        }
        drained
    }

    /// Ends at once; connections are cut.
    pub fn kill(self) {
        self.proxy.kill();
    }

    /// Where we listen ourselves, the admin listener included.
    fn own(&self) -> Vec<SocketAddr> {
        let listeners = self.listeners.addresses().filter_map(|bind| match bind {
            Bind::Tcp(address) => Some(*address),
            Bind::Unix(_) => None,
        });
        listeners.chain(self.admin()).collect()
    }

    /// Puts `config` in force but for what needs a restart, which it names.
    fn take_over(&mut self, config: Config) -> Vec<&'static str> {
        let old = &self.config;
        let changed = [
            ("admin", old.admin != config.admin),
            ("state", old.state != config.state),
            ("access_log", old.access_log != config.access_log),
            ("ledger", old.ledger != config.ledger),
            ("threads", old.threads != config.threads),
            ("log", old.log != config.log),
        ];
        self.config.plan = config.plan;
        self.config.drain_timeout = config.drain_timeout;
        changed
            .into_iter()
            .filter(|(_, is_changed)| *is_changed)
            .map(|(key, _)| key)
            .collect()
    }
}

impl Prepared {
    fn for_config(config: &Config) -> Result<Self, StartError> {
        let events = Arc::new(Events::new(SystemTime::now()));
        state_folder::check(&config.state)?;
        let admin = config.admin.map(AdminListener::bind).transpose()?;
        let bound = Listeners::default().bind_new(&config.plan, config.threads)?;
        let access_log = AccessLog::open(&config.access_log, &events)?;
        let ledger = config
            .ledger
            .as_ref()
            .map(|wanted| open_ledger(wanted, config))
            .transpose()?;
        Ok(Self {
            access_log,
            admin,
            bound,
            events,
            ledger,
        })
    }

    fn control_settings(&self, config: &Config, start: Instant, tls: &Tls) -> ControlSettings {
        let admin = self.admin.as_ref().map(AdminListener::local);
        ControlSettings {
            state: Some(config.state.clone()),
            own: self.bound.addresses().chain(admin).collect(),
            events: self.ledger.as_ref().map(|ledger| told(ledger.events())),
            start: Some(start),
            tls: Some(tls.subscribe()),
        }
    }
}

fn open_ledger(wanted: &LedgerConfig, config: &Config) -> Result<Ledger, LedgerError> {
    let ledger = Ledger::open(wanted, &config.state)?;
    tracing::info!(file = %wanted.file.display(), key = %ledger.key(), "the ledger is open");
    Ok(ledger)
}

/// Has `/metrics` show how the ledger is.
fn watch_ledger(ledger: &LedgerSink, events: &Events) {
    let (dropped, room) = (Arc::clone(&ledger.dropped), Arc::clone(&ledger.room));
    events.watch_ledger(move || LedgerFigures {
        dropped: dropped.load(Ordering::Relaxed),
        outstanding: room.outstanding(),
        is_failing: room.is_failing(),
    });
}

/// Has the ledger told of every event.
fn told(ledger: LedgerEvents) -> EventListener {
    Box::new(move |event| ledger.note(ledger::event::line(event)))
}

fn start_admin(
    listener: AdminListener,
    view: View,
    (registrar, scaler): (Registrar, &Scaler),
    config: &Config,
) -> Result<Admin, StartError> {
    let key = AdminKey::generate()?;
    if let Err(error) = key.store(&config.state, listener.local()) {
        tracing::warn!(%error, "the command line will find no key to change anything with");
    }
    let operator = Operator {
        registrar,
        key,
        scaler: Some(scaler.view()),
    };
    let admin = Admin::start_with(listener, view, operator).map_err(|source| StartError::Admin { source })?;
    tracing::info!(address = %admin.local(), "admin listening");
    Ok(admin)
}
