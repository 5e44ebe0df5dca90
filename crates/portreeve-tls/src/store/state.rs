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

/// All certificates and keys.
#[derive(Debug, Default)]
pub(super) struct State {
    listeners: Vec<ListenerParts>,
    pools: Vec<PoolParts>,
    /// Those that the latest plan has no more. A snapshot of the plan before may still need them, and does until the
    /// next one is there.
    former_listeners: Vec<ListenerParts>,
    former_pools: Vec<PoolParts>,
    managed: BTreeMap<Name, Arc<Certificate>>,
    alpn_challenges: Arc<HashMap<Box<str>, Arc<ServerConfig>>>,
    http_challenges: HashMap<Box<str>, Arc<str>>,
    told: Told,
}

impl State {
    /// Puts it in the place of what there was.
    pub(super) fn take(&mut self, mut loaded: Loaded) {
        for parts in &mut loaded.listeners {
            if let Some(before) = self.listeners.iter().find(|before| before.name == parts.name) {
                parts.follow(before);
            }
        }
        for parts in &mut loaded.pools {
            if let Some(before) = self.pools.iter().find(|before| before.name == parts.name) {
                parts.follow(before);
            }
        }
        let is_gone =
            |before: &mut ListenerParts| loaded.listeners.iter().all(|parts| parts.name != before.name);
        self.former_listeners = self.listeners.extract_if(.., is_gone).collect();
        let is_gone = |before: &mut PoolParts| loaded.pools.iter().all(|parts| parts.name != before.name);
        self.former_pools = self.pools.extract_if(.., is_gone).collect();
        self.listeners = loaded.listeners;
        self.pools = loaded.pools;
        self.told.look_soon();
    }

    /// Reads again what has changed.
    pub(super) fn look_again(&mut self) -> Vec<Refreshed> {
        let now = Instant::now();
        self.listeners.iter().for_each(|parts| parts.turn_tickets(now));
        let listeners = self.listeners.iter_mut().flat_map(ListenerParts::look_again);
        let pools = self.pools.iter_mut().flat_map(PoolParts::look_again);
        let happened: Vec<_> = listeners.chain(pools).collect();
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
            listeners: self
                .listeners
                .iter()
                .chain(&self.former_listeners)
                .map(listener)
                .collect(),
            pools: self.pools.iter().chain(&self.former_pools).map(pool).collect(),
            http_challenges: self.http_challenges.clone(),
        }
    }
}
