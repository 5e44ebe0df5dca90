//! What TLS with the backends of a pool is made of.

use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;
use std::time::SystemTime;

use portreeve_model::plan::{BackendTlsPlan, CertificatePlan, Name, PoolPlan};
use rustls::RootCertStore;
use rustls::pki_types::{ServerName, TrustAnchor};

use super::Refreshed;
use super::kept::{Authorities, Kept};
use super::listener_parts::{at, look_again, read};
use super::warned;
use crate::fault::{Place, TlsFault, TlsWarning, Warning, Wrong};
use crate::pool::{PoolTls, planned_name};
use crate::trust::Trust;

/// What TLS with the backends of a pool is made of.
#[derive(Debug)]
pub(super) struct PoolParts {
    pub(super) name: Name,
    plan: BackendTlsPlan,
    server_name: Option<ServerName<'static>>,
    vouching: Vouching,
    shown: Option<Kept<CertificatePlan>>,
    built: Arc<PoolTls>,
}

/// Who may vouch for backends.
#[derive(Debug)]
enum Vouching {
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
        let vouching = Vouching::read(&pool.tls, machine).map_err(|wrongs| faults.extend(at(&place, wrongs)));
        match (vouching, server_name) {
            (Ok(vouching), Ok(server_name)) if faults.is_empty() => Ok(Self {
                name: Arc::clone(&pool.name),
                plan: BackendTlsPlan {
                    trust: 0,
                    ..pool.tls.clone()
                },
                built: built(server_name.as_ref(), &vouching, shown.as_ref(), 0),
                server_name,
                vouching,
                shown,
            }),
            _ => Err(faults),
        }
    }

    /// Keeps trust and sessions of what it takes the place of, if it is the same; else its trust is the next one.
    pub(super) fn follow(&mut self, before: Option<&Self>, last_trust: &mut u64) {
        let is_same = |before: &&Self| self.plan == before.plan && self.digests() == before.digests();
        self.built = before.filter(is_same).map_or_else(
            || {
                *last_trust += 1;
                self.built_anew(*last_trust)
            },
            |before| Arc::clone(&before.built),
        );
    }

    fn built_anew(&self, trust: u64) -> Arc<PoolTls> {
        built(
            self.server_name.as_ref(),
            &self.vouching,
            self.shown.as_ref(),
            trust,
        )
    }

    /// Whether connections of `before` are for this one too.
    pub(super) fn goes_on(&self, before: &Self) -> bool {
        Arc::ptr_eq(&self.built, &before.built)
    }

    pub(super) fn trust(&self) -> &Trust {
        self.built.trust()
    }

    fn digests(&self) -> (Vec<u64>, Vec<u64>) {
        let shown = self.shown.as_ref().map(Kept::digests).unwrap_or_default();
        (self.vouching.digests(), shown)
    }

    /// Reads again what has changed: connections that were made before are not used any more. `passed` counts how often
    /// that was so.
    pub(super) fn look_again(&mut self, passed: &mut u64) -> Vec<Refreshed> {
        let place = Place::Pool(Arc::clone(&self.name));
        let mut happened = Vec::new();
        if let Vouching::File(authorities) = &mut self.vouching {
            look_again(authorities, &place, &mut happened);
        }
        if let Some(shown) = &mut self.shown {
            look_again(shown, &place, &mut happened);
        }
        if happened.iter().any(Refreshed::is_taken) {
            let number = self.trust().number();
            self.trust().end();
            self.built = self.built_anew(number);
            *passed += 1;
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

impl Vouching {
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
            Self::Machine(authorities) => digests_of(authorities),
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

/// One for each, in order: they come as the machine lists them.
fn digests_of(authorities: &RootCertStore) -> Vec<u64> {
    let digest = |anchor: &TrustAnchor<'_>| {
        let mut hasher = DefaultHasher::new();
        hasher.write(&anchor.subject);
        hasher.write(&anchor.subject_public_key_info);
        hasher.finish()
    };
    let mut digests: Vec<u64> = authorities.roots.iter().map(digest).collect();
    digests.sort_unstable();
    digests
}

fn built(
    server_name: Option<&ServerName<'static>>,
    vouching: &Vouching,
    shown: Option<&Kept<CertificatePlan>>,
    number: u64,
) -> Arc<PoolTls> {
    let shown = shown.map(|kept| &kept.value.key);
    Arc::new(PoolTls::new(server_name, vouching.authorities(), shown, number))
}
