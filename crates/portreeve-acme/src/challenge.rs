//! What the authority looks at to believe that a name is ours. It is there as long as its guard lives.

use std::sync::Arc;

use instant_acme::KeyAuthorization;
use portreeve_tls::TlsStore;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};

use crate::storage::Certified;

/// Shows it; taken away on drop, however the order ends.
#[derive(Debug)]
pub(crate) struct Shown {
    store: Arc<TlsStore>,
    at: Place,
}

#[derive(Debug)]
enum Place {
    /// In handshakes for this name.
    Handshake(String),
    /// At the path of this token.
    Request(String),
}

impl Shown {
    /// To a handshake for `domain` with `acme-tls/1` (RFC 8737).
    pub(crate) fn in_handshakes(
        store: &Arc<TlsStore>,
        domain: &str,
        proof: &KeyAuthorization,
    ) -> Result<Self, String> {
        let certified = certificate(domain, proof.digest().as_ref()).map_err(|error| error.to_string())?;
        store
            .set_alpn_challenge(domain, Some(certified.into()))
            .map_err(|fault| fault.to_string())?;
        Ok(Self {
            store: Arc::clone(store),
            at: Place::Handshake(domain.to_owned()),
        })
    }

    /// To a request for `/.well-known/acme-challenge/` and this token (RFC 8555 section 8.3).
    pub(crate) fn to_requests(store: &Arc<TlsStore>, token: &str, proof: &KeyAuthorization) -> Self {
        store.set_http_challenge(token, Some(proof.as_str().to_owned()));
        Self {
            store: Arc::clone(store),
            at: Place::Request(token.to_owned()),
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        match &self.at {
            // Taking away cannot fail.
            Place::Handshake(domain) => drop(self.store.set_alpn_challenge(domain, None)),
            Place::Request(token) => self.store.set_http_challenge(token, None),
        }
    }
}

/// Signed by itself, for this name alone, with the digest in the extension that RFC 8737 section 3 asks for.
fn certificate(domain: &str, digest: &[u8]) -> Result<Certified, rcgen::Error> {
    let mut params = CertificateParams::new([domain.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(Certified {
        chain: vec![certificate.into()],
        key: key.into(),
    })
}
