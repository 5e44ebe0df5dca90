//! All certificates and keys, and what was said of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use portreeve_model::plan::Name;
use rustls::ServerConfig;

use super::listener_parts::ListenerParts;
use super::pool_parts::PoolParts;
use super::warned::{Told, of_certificate};
use super::{Loaded, Refreshed};
use crate::certificate::{Certificate, CertificateFacts, Managed, challenge_key};
use crate::fault::{Place, TlsFault, TlsWarning, Wrong};
use crate::listener::challenge_config;
use crate::table::TlsTable;
use crate::trust::Trusts;

/// All certificates and keys.
#[derive(Debug, Default)]
pub(super) struct State {
    listeners: Vec<ListenerParts>,
    pools: Vec<PoolParts>,
    /// What the plan before has and the latest has not, or has under another trust. A snapshot of the plan before may
    /// still need it, and does until the next one is there.
    former_listeners: Vec<ListenerParts>,
    former_pools: Vec<PoolParts>,
    managed: BTreeMap<Name, Arc<Certificate>>,
    alpn_challenges: Arc<HashMap<Box<str>, Arc<ServerConfig>>>,
    http_challenges: HashMap<Box<str>, Arc<str>>,
    told: Told,
    last_trust: u64,
    trusts_passed: u64,
}

impl State {
    /// Puts it in the place of what there was.
    pub(super) fn take(&mut self, mut loaded: Loaded) {
        for parts in &mut loaded.listeners {
            let before = self.listeners.iter().find(|before| before.name == parts.name);
            parts.follow(before, &mut self.last_trust);
        }
        for parts in &mut loaded.pools {
            let before = self.pools.iter().find(|before| before.name == parts.name);
            parts.follow(before, &mut self.last_trust);
        }
        self.pass_formers();
        let is_former =
            |before: &mut ListenerParts| !loaded.listeners.iter().any(|parts| parts.goes_on(before));
        self.former_listeners = self.listeners.extract_if(.., is_former).collect();
        let is_former = |before: &mut PoolParts| !loaded.pools.iter().any(|parts| parts.goes_on(before));
        self.former_pools = self.pools.extract_if(.., is_former).collect();
        self.listeners = loaded.listeners;
        self.pools = loaded.pools;
        self.told.look_soon();
    }

    /// Nothing new goes by what the plan before needed.
    pub(super) fn settle(&mut self) {
        self.pass_formers();
    }

    fn pass_formers(&mut self) {
        let listeners = self.former_listeners.iter().map(ListenerParts::trust);
        let pools = self.former_pools.iter().map(PoolParts::trust);
        for trust in listeners.chain(pools).filter(|trust| trust.lasts()) {
            trust.pass();
            self.trusts_passed += 1;
        }
    }

    /// The numbers of what is in force.
    pub(super) fn trusts(&self) -> Trusts {
        let listeners = self.listeners.iter();
        let pools = self.pools.iter();
        Trusts {
            listeners: listeners
                .map(|parts| (Arc::clone(&parts.name), parts.trust().number()))
                .collect(),
            pools: pools
                .map(|parts| (Arc::clone(&parts.name), parts.trust().number()))
                .collect(),
        }
    }

    /// Reads again what has changed.
    pub(super) fn look_again(&mut self) -> Vec<Refreshed> {
        let now = Instant::now();
        self.listeners.iter().for_each(|parts| parts.turn_tickets(now));
        let mut passed = 0;
        let listeners = self.listeners.iter_mut();
        let mut happened: Vec<_> = listeners
            .flat_map(|parts| parts.look_again(&mut passed))
            .collect();
        let pools = self.pools.iter_mut();
        happened.extend(pools.flat_map(|parts| parts.look_again(&mut passed)));
        self.trusts_passed += passed;
        if !happened.is_empty() {
            self.told.look_soon();
        }
        happened
    }

    /// What should be looked at and was not said for a day.
    pub(super) fn warnings_due(&mut self, now: SystemTime) -> Vec<TlsWarning> {
        if !self.told.is_time(now) {
            return Vec::new();
        }
        let listeners = self.listeners.iter().flat_map(|parts| parts.warnings(now));
        let pools = self.pools.iter().flat_map(|parts| parts.warnings(now));
        let managed = self.managed.iter().flat_map(|(name, certificate)| {
            let place = Place::Managed(Arc::clone(name));
            of_certificate(certificate, now).map(|warning| warning.at(&place))
        });
        let found = listeners.chain(pools).chain(managed).collect();
        self.told.due(found, now)
    }

    pub(super) fn set_managed(&mut self, names: &[String], managed: Managed) -> Result<(), TlsFault> {
        let Some(first) = names.first() else { return Ok(()) };
        let fault = |wrong| TlsFault {
            place: Place::Managed(first.as_str().into()),
            wrong,
        };
        let certificate = Certificate::of_managed(first, managed).map_err(fault)?;
        if let Some(other) = names.iter().find(|name| !certificate.is_for(name)) {
            let reason = format!("it is not for {other}");
            return Err(fault(Wrong::Managed { reason }));
        }
        let certificate = Arc::new(certificate);
        let entries = names
            .iter()
            .map(|name| (name.as_str().into(), Arc::clone(&certificate)));
        self.managed.extend(entries);
        self.told.look_soon();
        Ok(())
    }

    pub(super) fn managed(&self, name: &str) -> Option<CertificateFacts> {
        self.managed
            .get(name)
            .map(|certificate| certificate.facts.clone())
    }

    pub(super) fn set_alpn_challenge(&mut self, name: &str, shown: Option<Managed>) -> Result<(), TlsFault> {
        let shown = shown.map(challenge_key).transpose();
        let shown = shown.map_err(|wrong| TlsFault {
            place: Place::Managed(name.into()),
            wrong,
        })?;
        let challenges = Arc::make_mut(&mut self.alpn_challenges);
        match shown {
            Some(shown) => challenges.insert(name.into(), Arc::new(challenge_config(&shown))),
            None => challenges.remove(name),
        };
        Ok(())
    }

    pub(super) fn set_http_challenge(&mut self, token: &str, answer: Option<String>) {
        match answer {
            Some(answer) => self.http_challenges.insert(token.into(), answer.into()),
            None => self.http_challenges.remove(token),
        };
    }

    /// As those see it who serve.
    pub(super) fn table(&self) -> TlsTable {
        let listener = |parts: &ListenerParts| {
            let built = parts.built(&self.managed, &self.alpn_challenges);
            (Arc::clone(&parts.name), Arc::new(built))
        };
        let pool = |parts: &PoolParts| (Arc::clone(&parts.name), parts.built());
        TlsTable {
            listeners: self.listeners.iter().map(listener).collect(),
            pools: self.pools.iter().map(pool).collect(),
            former_listeners: self.former_listeners.iter().map(listener).collect(),
            former_pools: self.former_pools.iter().map(pool).collect(),
            http_challenges: self.http_challenges.clone(),
            trusts_passed: self.trusts_passed,
        }
    }
}
