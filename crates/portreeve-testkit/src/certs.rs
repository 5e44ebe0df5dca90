//! Authorities of a test's own, and certificates that they vouch for.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_ED25519, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::Scratch;

/// Somebody who vouches for certificates, and for whom nobody vouches but a test.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// One of this name, with a key of its own.
    ///
    /// # Panics
    /// If the key cannot be made.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key of P-256");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority that signs itself"))
    }

    /// Its certificate in PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's certificate for these names, good for 90 days since yesterday.
    pub fn server(&self, names: &[&str]) -> Leaf {
        self.issue(&Order::server(names))
    }

    /// A client's certificate for these names, good for 90 days since yesterday.
    pub fn client(&self, names: &[&str]) -> Leaf {
        self.issue(&Order::client(names))
    }

    /// The certificate that was ordered.
    ///
    /// # Panics
    /// If a name is none.
    pub fn issue(&self, order: &Order) -> Leaf {
        let serial = SerialNumber::from_slice(&next_serial().to_be_bytes());
        let mut params = CertificateParams::default();
        params.subject_alt_names = order.names.iter().map(|name| san(name)).collect();
        params
            .distinguished_name
            .push(DnType::CommonName, "portreeve test");
        params.serial_number = Some(serial.clone());
        params.extended_key_usages = vec![order.purpose.clone()];
        params.not_before = date_time_ymd(1970, 1, 1) + since_epoch(order.from_days);
        params.not_after = date_time_ymd(1970, 1, 1)
            + match order.lasts {
                Some(lasts) => since_epoch(0) + lasts,
                None => since_epoch(order.to_days),
            };
        let key = order.key.generate();
        let certificate = params
            .signed_by(&key, &self.0)
            .expect("names that can be vouched for");
        Leaf {
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            key,
            serial,
        }
    }

    /// A list in PEM of certificates that it has revoked.
    ///
    /// # Panics
    /// If it cannot be signed.
    pub fn revoking(&self, leaves: &[&Leaf]) -> String {
        let revoked = |leaf: &&Leaf| RevokedCertParams {
            serial_number: leaf.serial.clone(),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(1970, 1, 1) + since_epoch(-1),
            next_update: date_time_ymd(1970, 1, 1) + since_epoch(90),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: leaves.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let signed = list.signed_by(&self.0).expect("an authority that may sign lists");
        signed.pem().expect("a list in PEM")
    }

    /// What a client speaks TLS with that trusts this authority alone, offers these protocols by ALPN and shows this
    /// certificate. It resumes sessions with whoever lets it.
    ///
    /// # Panics
    /// If the certificate cannot be shown.
    pub fn client_config(&self, protocols: &[&str], shown: Option<&Leaf>) -> Arc<ClientConfig> {
        let mut trusted = RootCertStore::empty();
        trusted
            .add(self.0.der().clone())
            .expect("an authority's certificate");
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("both versions")
            .with_root_certificates(trusted);
        let mut config = match shown {
            Some(leaf) => builder
                .with_client_auth_cert(vec![leaf.certificate.clone()], leaf.key())
                .expect("a key that belongs to its certificate"),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

/// A certificate to be made.
#[derive(Debug, Clone)]
pub struct Order {
    names: Vec<String>,
    purpose: ExtendedKeyUsagePurpose,
    key: LeafKey,
    from_days: i64,
    to_days: i64,
    /// From now on; instead of `to_days`.
    lasts: Option<Duration>,
}

impl Order {
    /// A server's for these names: `app.test`, `*.app.test`, `10.0.0.7`, `URI:spiffe://test/a`, `email:ops@app.test`;
    /// of P-256, good for 90 days since yesterday.
    pub fn server(names: &[&str]) -> Self {
        Self {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            purpose: ExtendedKeyUsagePurpose::ServerAuth,
            key: LeafKey::P256,
            from_days: -1,
            to_days: 90,
            lasts: None,
        }
    }

    /// A client's.
    pub fn client(names: &[&str]) -> Self {
        Self {
            purpose: ExtendedKeyUsagePurpose::ClientAuth,
            ..Self::server(names)
        }
    }

    /// Good from so many days from now until so many days from now, which may be over.
    #[must_use]
    pub fn days(self, from: i64, to: i64) -> Self {
        Self {
            from_days: from,
            to_days: to,
            ..self
        }
    }

    /// Good for so long from now on, to the second.
    #[must_use]
    pub fn lasting(self, time: Duration) -> Self {
        Self {
            lasts: Some(time),
            ..self
        }
    }

    /// With a key of this kind.
    #[must_use]
    pub fn key(self, key: LeafKey) -> Self {
        Self { key, ..self }
    }
}

/// What kind of key a certificate has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeafKey {
    /// ECDSA on P-256.
    P256,
    /// RSA of 2,048 bits, which takes its time to be made.
    Rsa,
    /// Ed25519.
    Ed25519,
}

impl LeafKey {
    fn generate(self) -> KeyPair {
        match self {
            Self::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            Self::Rsa => KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256),
            Self::Ed25519 => KeyPair::generate_for(&PKCS_ED25519),
        }
        .expect("the system has random bytes")
    }
}

/// A certificate with its key.
#[derive(Debug)]
pub struct Leaf {
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    key: KeyPair,
    serial: SerialNumber,
}

impl Leaf {
    /// The certificate in PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The key in PEM, as PKCS#8.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The certificate as it is sent.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    /// The key.
    ///
    /// # Panics
    /// Never, as it was made here.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).expect("PKCS#8")
    }

    /// `NAME.pem` and `NAME.key` in the folder, each put there at one stroke: where the two are.
    ///
    /// # Panics
    /// If the folder takes no files.
    pub fn write(&self, folder: &Scratch, name: &str) -> (PathBuf, PathBuf) {
        let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
        folder.replace(&certificate, &self.certificate_pem);
        folder.replace(&key, &self.key_pem());
        let key = folder.file(&key);
        fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("it was just written");
        (folder.file(&certificate), key)
    }

    /// What a server speaks TLS with that shows this certificate and takes these protocols by ALPN.
    ///
    /// # Panics
    /// Never, as certificate and key were made here.
    pub fn server_config(&self, protocols: &[&str]) -> Arc<ServerConfig> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("both versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.key())
            .expect("a key that belongs to its certificate");
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

fn san(name: &str) -> SanType {
    let text = |name: &str| name.try_into().expect("names of certificates are ASCII");
    match name.split_once(':') {
        Some(("URI", uri)) => SanType::URI(text(uri)),
        Some(("email", address)) => SanType::Rfc822Name(text(address)),
        _ => name
            .parse()
            .map_or_else(|_| SanType::DnsName(text(name)), SanType::IpAddress),
    }
}

/// Since 1970 until so many days from now.
fn since_epoch(days: i64) -> Duration {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("it is after 1970");
    let shift = Duration::from_secs(days.unsigned_abs() * 24 * 3_600);
    if days < 0 { now - shift } else { now + shift }
}

fn next_serial() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1_000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
