//! What TLS with the backends of a pool is made of.

use std::sync::Arc;
use std::time::SystemTime;

use portreeve_model::plan::{BackendTlsPlan, CertificatePlan, Name, PoolPlan};
use rustls::RootCertStore;
use rustls::pki_types::ServerName;

use super::Refreshed;
use super::kept::{Authorities, Kept};
use super::listener_parts::{at, look_again, read};
use super::warned;
use crate::fault::{Place, TlsFault, TlsWarning, Warning, Wrong};
use crate::pool::{PoolTls, planned_name};

/// What TLS with the backends of a pool is made of.
#[derive(Debug)]
pub(super) struct PoolParts {
    pub(super) name: Name,
    plan: BackendTlsPlan,
    server_name: Option<ServerName<'static>>,
    trust: Trust,
    shown: Option<Kept<CertificatePlan>>,
    built: Arc<PoolTls>,
}

/// Who may vouch for backends.
#[derive(Debug)]
enum Trust {
    /// Nobody has to.
    Anyone,
    Machine(Arc<RootCertStore>),
    File(Kept<Authorities>),
}

impl PoolParts {
    /// Reads its files; `None` if TLS is spoken with none of its backends.
    pub(super) fn read(pool: &PoolPlan, machine: &mut MachineTrust) -> Option<Result<Self, Vec<TlsFault>>> {
        let is_tls = pool.scheme.is_tls() || pool.targets.iter().any(|target| target.scheme.is_tls());
        is_tls.then(|| Self::of(pool, machine))
    }

    fn of(pool: &PoolPlan, machine: &mut MachineTrust) -> Result<Self, Vec<TlsFault>> {
        let place = Place::Pool(Arc::clone(&pool.name));
        let mut faults = Vec::new();
        let shown = pool
            .tls
            .certificate
            .as_ref()
            .and_then(|plan| read(plan, &place, &mut faults));
        let server_name = planned_name(&pool.tls).map_err(|wrong| faults.extend(at(&place, vec![wrong])));
        let trust = Trust::read(&pool.tls, machine).map_err(|wrongs| faults.extend(at(&place, wrongs)));
        match (trust, server_name) {
            (Ok(trust), Ok(server_name)) if faults.is_empty() => Ok(Self {
                name: Arc::clone(&pool.name),
                plan: pool.tls.clone(),
                built: built(server_name.as_ref(), &trust, shown.as_ref()),
                server_name,
                trust,
                shown,
            }),
            _ => Err(faults),
        }
    }

    /// Keeps the sessions of what it takes the place of, if it is the same.
    pub(super) fn follow(&mut self, before: &Self) {
        if self.plan == before.plan && self.digests() == before.digests() {
            self.built = Arc::clone(&before.built);
        }
    }

    fn digests(&self) -> (Vec<u64>, Vec<u64>) {
        let shown = self.shown.as_ref().map(Kept::digests).unwrap_or_default();
        (self.trust.digests(), shown)
    }

    /// Reads again what has changed.
    pub(super) fn look_again(&mut self) -> Vec<Refreshed> {
        let place = Place::Pool(Arc::clone(&self.name));
        let mut happened = Vec::new();
        if let Trust::File(authorities) = &mut self.trust {
            look_again(authorities, &place, &mut happened);
        }
        if let Some(shown) = &mut self.shown {
            look_again(shown, &place, &mut happened);
        }
        if happened.iter().any(Refreshed::is_taken) {
            self.built = built(self.server_name.as_ref(), &self.trust, self.shown.as_ref());
        }
        happened
    }

    pub(super) fn built(&self) -> Arc<PoolTls> {
        Arc::clone(&self.built)
    }

    /// What should be looked at.
    pub(super) fn warnings(&self, now: SystemTime) -> Vec<TlsWarning> {
        let place = Place::Pool(Arc::clone(&self.name));
        let insecure = self.plan.is_insecure.then_some(Warning::Insecure);
        let shown = self.shown.iter().flat_map(|kept| warned::of_files(kept, now));
        let found = insecure.into_iter().chain(shown);
        found.map(|warning| warning.at(&place)).collect()
    }
}

impl Trust {
    fn read(plan: &BackendTlsPlan, machine: &mut MachineTrust) -> Result<Self, Vec<Wrong>> {
        if plan.is_insecure {
            return Ok(Self::Anyone);
        }
        match &plan.authorities {
            Some(file) => Kept::read(Authorities(file.clone())).map(Self::File),
            None => machine.read().map(Self::Machine).map_err(|wrong| vec![wrong]),
        }
    }

    fn authorities(&self) -> Option<&Arc<RootCertStore>> {
        match self {
            Self::Anyone => None,
            Self::Machine(authorities) => Some(authorities),
            Self::File(kept) => Some(&kept.value),
        }
    }

    fn digests(&self) -> Vec<u64> {
        match self {
            Self::File(kept) => kept.digests(),
            Self::Machine(authorities) => vec![authorities.len() as u64],
            Self::Anyone => Vec::new(),
        }
    }
}

/// Whom the machine trusts, read once for all pools that need it.
#[derive(Debug, Default)]
pub(super) struct MachineTrust(Option<Arc<RootCertStore>>);

impl MachineTrust {
    fn read(&mut self) -> Result<Arc<RootCertStore>, Wrong> {
        if let Some(known) = &self.0 {
            return Ok(Arc::clone(known));
        }
        let found = rustls_native_certs::load_native_certs();
        let mut authorities = RootCertStore::empty();
        authorities.add_parsable_certificates(found.certs);
        if authorities.is_empty() {
            let reason = found
                .errors
                .first()
                .map_or_else(|| "it has none".to_owned(), ToString::to_string);
            return Err(Wrong::MachineTrustsNobody { reason });
        }
        Ok(Arc::clone(self.0.insert(Arc::new(authorities))))
    }
}

fn built(
    server_name: Option<&ServerName<'static>>,
    trust: &Trust,
    shown: Option<&Kept<CertificatePlan>>,
) -> Arc<PoolTls> {
    let shown = shown.map(|kept| &kept.value.key);
    Arc::new(PoolTls::new(server_name, trust.authorities(), shown))
}
