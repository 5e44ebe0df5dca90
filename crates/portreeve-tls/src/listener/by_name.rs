//! Certificates by the hosts that they are for.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::certificate::Certificate;

/// Certificates by host: that very host first, then those of `*.` and its parent (one label, RFC 9525 section 6.3);
/// where there are several, those of quick keys first, and the first whose key's signatures the client takes.
#[derive(Debug, Default)]
pub(super) struct ByName {
    exact: HashMap<Box<str>, Keys>,
    /// By what follows the `*`, with its dot.
    open: HashMap<Box<str>, Keys>,
    /// For clients that name no host, or one that is not here.
    first: Keys,
}

type Keys = Vec<Arc<CertifiedKey>>;

impl ByName {
    pub(super) fn new(certificates: &[Arc<Certificate>]) -> Self {
        let mut this = Self::default();
        for certificate in by_key(certificates) {
            this.add(certificate);
        }
        if let Some(first) = certificates.first() {
            this.first = alike(first, certificates);
        }
        this
    }

    fn add(&mut self, certificate: &Certificate) {
        for host in &certificate.facts.hosts {
            let keys = match host.strip_prefix('*') {
                Some(open) => self.open.entry(open.into()).or_default(),
                None => self.exact.entry(host.clone()).or_default(),
            };
            keys.push(Arc::clone(&certificate.key));
        }
    }

    /// Whether a certificate is for this host, which is in lower case.
    pub(super) fn knows(&self, host: &str) -> bool {
        self.keys_for(host).next().is_some()
    }

    fn keys_for(&self, host: &str) -> impl Iterator<Item = &Arc<CertifiedKey>> {
        let open = host.find('.').and_then(|dot| self.open.get(host.get(dot..)?));
        let exact = self.exact.get(host);
        exact.into_iter().chain(open).flatten()
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = hello.server_name().unwrap_or_default();
        let mut known = self.keys_for(host).peekable();
        if known.peek().is_some() {
            return suited(known, &hello);
        }
        suited(self.first.iter(), &hello)
    }
}

/// The first that the client can do with; else the first at all, with which the handshake then fails as one that has nothing
/// in common. Without any the alert would say that access is denied.
fn suited<'a>(
    keys: impl Iterator<Item = &'a Arc<CertifiedKey>>,
    hello: &ClientHello<'_>,
) -> Option<Arc<CertifiedKey>> {
    let taken = hello.signature_schemes();
    let mut keys = keys.peekable();
    let first = keys.peek().copied();
    keys.find(|key| key.key.choose_scheme(taken).is_some())
        .or(first)
        .cloned()
}

/// The keys of those that are for the same hosts as the first.
fn alike(first: &Certificate, certificates: &[Arc<Certificate>]) -> Keys {
    let sorted = by_key(certificates).into_iter();
    let alike = sorted.filter(|other| other.facts.hosts == first.facts.hosts);
    alike.map(|certificate| Arc::clone(&certificate.key)).collect()
}

/// Those of quick keys first, otherwise in their order.
fn by_key(certificates: &[Arc<Certificate>]) -> Vec<&Arc<Certificate>> {
    let mut sorted: Vec<_> = certificates.iter().collect();
    sorted.sort_by_key(|certificate| certificate.facts.key);
    sorted
}
