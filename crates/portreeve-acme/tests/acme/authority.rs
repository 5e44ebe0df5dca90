//! Who vouches for pebble's own certificate, and a client that believes it.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// All in PEM.
#[derive(Clone)]
pub(crate) struct Authority {
    pub(crate) root: String,
    /// For `localhost`.
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("a root can be made");
        let leaf_key = key();
        let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        let leaf = params
            .signed_by(&leaf_key, &issuer)
            .expect("a certificate can be made");
        Self {
            root: issuer.as_ref().pem(),
            certificate: leaf.pem(),
            key: leaf_key.serialize_pem(),
        }
    }

    /// The body of a 200 over HTTPS; `None` if there is none yet.
    pub(crate) async fn get(&self, address: SocketAddr, path: &str) -> Option<String> {
        let wire = TcpStream::connect(address).await.ok()?;
        let connector = TlsConnector::from(trusting(&self.root));
        let name = ServerName::try_from("localhost").expect("a name");
        let mut stream = connector.connect(name, wire).await.ok()?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.contains(" 200 ").then(|| body.to_owned())
    }
}

/// Believes whom this root vouches for, and nobody else.
pub(crate) fn trusting(root: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(root.as_bytes()) {
        roots.add(certificate.expect("PEM")).expect("a root");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has both versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

fn key() -> KeyPair {
    KeyPair::generate().expect("keys can be made")
}
