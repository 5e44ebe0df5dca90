//! How TLS is spoken with the backends of a pool.

mod trusting;

use std::fmt;
use std::sync::Arc;

use portreeve_model::plan::{BackendTlsPlan, Scheme};
use portreeve_model::{Backend, BackendAddress};
use rustls::RootCertStore;
use rustls::client::{ClientConfig, Resumption};
use rustls::pki_types::ServerName;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use self::trusting::Trusting;
use crate::fault::Wrong;
use crate::provider::provider;
use crate::trust::Trust;

/// How TLS is spoken with the backends of a pool.
pub struct PoolTls {
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
    raw: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
    trust: Arc<Trust>,
}

impl PoolTls {
    /// `authorities`: who may vouch for backends; `None`: nobody has to. `trust`: the number of this reading.
    pub(crate) fn new(
        server_name: Option<&ServerName<'static>>,
        authorities: Option<&Arc<RootCertStore>>,
        shown: Option<&Arc<CertifiedKey>>,
        trust: u64,
    ) -> Self {
        let config = config(authorities, shown);
        Self {
            http1: Arc::new(offering(&config, &[b"http/1.1"])),
            http2: Arc::new(offering(&config, &[b"h2"])),
            raw: Arc::new(offering(&config, &[])),
            server_name: server_name.cloned(),
            trust: Arc::new(Trust::new(trust)),
        }
    }

    /// What connections that it makes stand on.
    #[must_use]
    pub fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }

    /// With what a handshake with one of them goes: it offers HTTP/1.1, HTTP/2 or nothing by ALPN, as the scheme says.
    /// Sessions are resumed, per protocol.
    #[must_use]
    pub fn config(&self, scheme: Scheme) -> Arc<ClientConfig> {
        let config = match scheme {
            Scheme::Http | Scheme::Https => &self.http1,
            Scheme::H2c | Scheme::H2 => &self.http2,
            Scheme::Tcp | Scheme::Tls => &self.raw,
        };
        Arc::clone(config)
    }

    /// The name that the backend's certificate must be for, which is also named to it if it is a host: `server_name`
    /// of the pool, else the backend's host as the file names it, else its address.
    ///
    /// # Errors
    /// It has none of these, or one that is no host; what to do about it, for people.
    pub fn server_name(&self, backend: &Backend) -> Result<ServerName<'static>, String> {
        if let Some(name) = &self.server_name {
            return Ok(name.clone());
        }
        match (&backend.host, &backend.address) {
            (Some(host), _) => host_name(host),
            (None, BackendAddress::Tcp(addresses)) => match addresses.first() {
                Some(address) => Ok(ServerName::from(address.ip())),
                None => Err("it has no address".to_owned()),
            },
            (None, BackendAddress::Unix(_)) => Err(
                "a socket has no name that a certificate could be for: set `server_name` in the pool's `tls`"
                    .to_owned(),
            ),
        }
    }
}

impl fmt::Debug for PoolTls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PoolTls")
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

fn config(authorities: Option<&Arc<RootCertStore>>, shown: Option<&Arc<CertifiedKey>>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("AWS-LC has suites and exchanges of both versions");
    let builder = match authorities {
        Some(authorities) => builder.with_root_certificates(Arc::clone(authorities)),
        None => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Trusting)),
    };
    match shown {
        Some(key) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from((**key).clone()))),
        None => builder.with_no_client_auth(),
    }
}

fn offering(config: &ClientConfig, protocols: &[&[u8]]) -> ClientConfig {
    let mut config = config.clone();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
    config
}

/// `server_name` of the plan, if it is a name.
pub(crate) fn planned_name(plan: &BackendTlsPlan) -> Result<Option<ServerName<'static>>, Wrong> {
    let named = plan.server_name.as_deref().map(|name| {
        host_name(name).map_err(|_| Wrong::ServerName {
            name: name.to_owned(),
        })
    });
    named.transpose()
}

fn host_name(host: &str) -> Result<ServerName<'static>, String> {
    let host = host.trim_end_matches('.');
    ServerName::try_from(host.to_owned()).map_err(|_| {
        format!("`{host}` is no name that a certificate could be for: set `server_name` in the pool's `tls`")
    })
}

/// Names that are resumed with, per pool and protocol; rustls keeps up to eight tickets of each.
const SESSIONS_MAX: usize = 256;

#[cfg(test)]
mod tests;
