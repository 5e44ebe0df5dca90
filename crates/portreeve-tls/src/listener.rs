//! How a listener speaks TLS with its clients.

mod by_name;
mod clients;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use portreeve_model::plan::{Carries, ListenerPlan, TlsPlan, TlsVersion};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, NoServerSessionStorage, ServerConfig, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ConfigBuilder, SupportedProtocolVersion, WantsVerifier};

use self::by_name::ByName;
pub(crate) use self::clients::{clients_verifier, read_authorities, read_revoked};
use crate::certificate::{Certificate, CertificateFacts};
use crate::provider::provider;
use crate::tickets::{Afresh, Tickets};
use crate::trust::Trust;

/// How a listener speaks TLS with its clients.
pub struct ListenerTls {
    config: Arc<ServerConfig>,
    /// The same, but nothing is resumed with it; where clients show certificates.
    afresh: Option<Arc<ServerConfig>>,
    trust: Arc<Trust>,
    by_name: Arc<ByName>,
    requires_known_name: bool,
    challenges: Arc<HashMap<Box<str>, Arc<ServerConfig>>>,
    certificates: Vec<Arc<Certificate>>,
}

/// With what a handshake goes on.
#[derive(Debug, Clone)]
pub enum Chosen {
    /// This.
    Serve(Arc<ServerConfig>),
    /// It proves to an ACME server that the name is ours (RFC 8737): the handshake, then the end of the connection.
    Challenge(Arc<ServerConfig>),
    /// There is no certificate for this client: the alert `unrecognized_name` (RFC 6066 section 3).
    UnknownName,
}

/// What a listener's TLS is made of.
pub(crate) struct Parts<'a> {
    pub(crate) plan: &'a TlsPlan,
    pub(crate) alpn: &'a [Vec<u8>],
    pub(crate) certificates: Vec<Arc<Certificate>>,
    pub(crate) clients: Option<&'a Arc<dyn ClientCertVerifier>>,
    pub(crate) tickets: Option<&'a Arc<Tickets>>,
    pub(crate) trust: &'a Arc<Trust>,
    pub(crate) challenges: &'a Arc<HashMap<Box<str>, Arc<ServerConfig>>>,
}

impl ListenerTls {
    pub(crate) fn new(parts: Parts<'_>) -> Self {
        let by_name = Arc::new(ByName::new(&parts.certificates));
        let mut config = builder(parts.plan.version_min)
            .with_client_cert_verifier(verifier(parts.clients))
            .with_cert_resolver(Arc::clone(&by_name) as _);
        config.alpn_protocols = parts.alpn.to_vec();
        resume_by(&mut config, parts.tickets);
        let afresh = parts.tickets.filter(|_| parts.clients.is_some());
        Self {
            afresh: afresh.map(|tickets| Arc::new(afresh_of(&config, tickets))),
            config: Arc::new(config),
            trust: Arc::clone(parts.trust),
            by_name,
            requires_known_name: parts.plan.requires_known_name,
            challenges: Arc::clone(parts.challenges),
            certificates: parts.certificates,
        }
    }

    /// With what the handshake of this client goes on.
    #[must_use]
    pub fn choose(&self, hello: &ClientHello<'_>) -> Chosen {
        if is_challenge(hello) {
            return self.challenge(hello.server_name());
        }
        let is_known = match hello.server_name() {
            Some(name) if self.requires_known_name => self.by_name.knows(name),
            _ => !self.certificates.is_empty(),
        };
        if is_known {
            Chosen::Serve(Arc::clone(&self.config))
        } else {
            Chosen::UnknownName
        }
    }

    /// What connections that it makes stand on.
    #[must_use]
    pub fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }

    /// With what a handshake begins anew that would have resumed a session whose client's certificate is over; `None`:
    /// there are no such sessions.
    #[must_use]
    pub fn afresh(&self) -> Option<Arc<ServerConfig>> {
        self.afresh.clone()
    }

    fn challenge(&self, name: Option<&str>) -> Chosen {
        let config = name.and_then(|name| self.challenges.get(name));
        config.map_or(Chosen::UnknownName, |config| {
            Chosen::Challenge(Arc::clone(config))
        })
    }

    /// What is known of the certificates that it shows: those of files in their order, then those by ACME.
    pub fn certificates(&self) -> impl Iterator<Item = &CertificateFacts> {
        self.certificates.iter().map(|certificate| &certificate.facts)
    }
}

impl fmt::Debug for ListenerTls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts: Vec<_> = self.certificates().collect();
        out.debug_struct("ListenerTls")
            .field("certificates", &facts)
            .finish_non_exhaustive()
    }
}

/// What an ACME server is answered with while it asks whether a name is ours.
pub(crate) fn challenge_config(key: &CertifiedKey) -> ServerConfig {
    let mut config = builder(TlsVersion::Tls12)
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(key.clone())));
    config.alpn_protocols = vec![CHALLENGE.to_vec()];
    resume_by(&mut config, None);
    config
}

/// What a listener offers by ALPN (RFC 7301), best first; nothing where it carries bytes.
pub(crate) fn protocols(plan: &ListenerPlan) -> Vec<Vec<u8>> {
    let offered: &[&[u8]] = match plan.carries {
        Carries::Tcp => &[],
        Carries::Http if plan.http2.is_on => &[b"h2", b"http/1.1", b"http/1.0"],
        Carries::Http => &[b"http/1.1", b"http/1.0"],
    };
    offered.iter().map(|protocol| protocol.to_vec()).collect()
}

/// An ACME server offers this protocol and no other (RFC 8737 section 4).
fn is_challenge(hello: &ClientHello<'_>) -> bool {
    let mut offered = hello.alpn().into_iter().flatten();
    offered.next() == Some(CHALLENGE) && offered.next().is_none()
}

fn builder(version_min: TlsVersion) -> ConfigBuilder<ServerConfig, WantsVerifier> {
    let versions: &[&SupportedProtocolVersion] = match version_min {
        TlsVersion::Tls12 => &[&TLS13, &TLS12],
        TlsVersion::Tls13 => &[&TLS13],
    };
    ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .expect("AWS-LC has suites and exchanges of both versions")
}

fn verifier(clients: Option<&Arc<dyn ClientCertVerifier>>) -> Arc<dyn ClientCertVerifier> {
    clients.map_or_else(WebPkiClientVerifier::no_client_auth, Arc::clone)
}

/// Sessions are resumed by tickets alone: nothing of them is kept here. No early data, which could be played again.
fn resume_by(config: &mut ServerConfig, tickets: Option<&Arc<Tickets>>) {
    config.session_storage = Arc::new(NoServerSessionStorage {});
    match tickets {
        Some(tickets) => {
            config.ticketer = Arc::clone(tickets) as _;
            config.send_tls13_tickets = 2;
        }
        None => config.send_tls13_tickets = 0,
    }
}

fn afresh_of(config: &ServerConfig, tickets: &Arc<Tickets>) -> ServerConfig {
    let mut config = config.clone();
    config.ticketer = Arc::new(Afresh(Arc::clone(tickets)));
    config
}

const CHALLENGE: &[u8] = b"acme-tls/1";

#[cfg(test)]
mod tests;
