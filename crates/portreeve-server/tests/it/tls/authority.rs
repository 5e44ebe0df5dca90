//! Who vouches for certificates in these tests.

use std::path::PathBuf;
use std::sync::Arc;

use portreeve_model::plan::CertificatePlan;
use portreeve_testkit::Scratch;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair, SanType,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier};

/// An authority, and a folder for what it issues.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: Scratch,
}

/// A certificate and its key.
pub(crate) struct Issued {
    pub(crate) certificate: rcgen::Certificate,
    pub(crate) key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        // Of its own: some clients take a certificate for self-signed whose issuer is called as its subject.
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, "an authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key can be made");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority vouches for itself");
        let authority = Self {
            issuer,
            folder: Scratch::new(),
        };
        authority.folder.write("ca.pem", &authority.issuer.pem());
        authority
    }

    /// Its own certificate, in PEM.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.file("ca.pem")
    }

    /// For these names, each with its kind.
    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.iter().map(|name| san(name)).collect();
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("the names are well formed");
        Issued { certificate, key }
    }

    /// The same, in files.
    pub(crate) fn issue_files(&self, file: &str, names: &[&str]) -> CertificatePlan {
        let issued = self.issue(names);
        CertificatePlan {
            certificate: self
                .folder
                .write(&format!("{file}.pem"), &issued.certificate.pem()),
            key: self
                .folder
                .write(&format!("{file}.key"), &issued.key.serialize_pem()),
            ocsp: None,
        }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        let own = self.issuer.der().clone();
        roots.add(own).expect("an authority's certificate is one");
        roots
    }

    /// Who trusts this authority, and shows nothing.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        let config = client_builder()
            .with_root_certificates(self.roots())
            .with_no_client_auth();
        Arc::new(config)
    }

    /// Who trusts this authority, and shows a certificate for these names.
    pub(crate) fn client_showing(&self, names: &[&str]) -> Arc<ClientConfig> {
        self.client_vouched_by(self, names)
    }

    /// The same, but the certificate it shows is vouched for by another one.
    pub(crate) fn client_vouched_by(&self, other: &Self, names: &[&str]) -> Arc<ClientConfig> {
        let (chain, key) = other.issue(names).into_parts();
        let config = client_builder()
            .with_root_certificates(self.roots())
            .with_client_auth_cert(chain, key);
        Arc::new(config.expect("key and certificate belong together"))
    }

    /// A server for this name.
    pub(crate) fn server(&self, name: &str) -> Arc<ServerConfig> {
        let (chain, key) = self.issue(&[&format!("DNS:{name}")]).into_parts();
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider knows these")
            .with_no_client_auth()
            .with_single_cert(chain, key);
        Arc::new(config.expect("key and certificate belong together"))
    }
}

impl Issued {
    fn into_parts(self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        (
            vec![self.certificate.der().clone()],
            PrivateKeyDer::Pkcs8(self.key.serialize_der().into()),
        )
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn client_builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider knows these")
}

fn san(name: &str) -> SanType {
    let ia5 = |name: &str| Ia5String::try_from(name).expect("names are ASCII here");
    match name.split_once(':') {
        Some(("DNS", host)) => SanType::DnsName(ia5(host)),
        Some(("IP", address)) => SanType::IpAddress(address.parse().expect("an address")),
        Some(("URI", uri)) => SanType::URI(ia5(uri)),
        _ => panic!("{name} has no kind"),
    }
}
