//! A certificate with its chain and key, and what is known of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portreeve_model::plan::{CertificatePlan, Name};
use rustls::SignatureAlgorithm;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use crate::fault::Wrong;
use crate::names;
use crate::provider::provider;

/// What is known of a certificate that we show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The hosts that it is for, in lower case, `*.example.com` among them.
    pub hosts: Vec<Box<str>>,
    /// Who vouches for it, as `CN=R11,O=Let's Encrypt`.
    pub issuer: Box<str>,
    /// Its number, in hexadecimal.
    pub serial: Box<str>,
    /// It is good from then on.
    pub not_before: SystemTime,
    /// Until then.
    pub not_after: SystemTime,
    /// Its key's kind.
    pub key: KeyKind,
    /// Where we have it from.
    pub source: CertificateSource,
}

/// What kind of key a certificate has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// ECDSA, which is quick to sign with.
    Ecdsa,
    /// Ed25519, which not every browser takes.
    Ed25519,
    /// RSA, which every client takes.
    Rsa,
    /// Another.
    Other,
}

impl KeyKind {
    /// In metrics and the admin API.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ecdsa => "ecdsa",
            Self::Ed25519 => "ed25519",
            Self::Rsa => "rsa",
            Self::Other => "other",
        }
    }
}

/// Where a certificate is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateSource {
    /// A file.
    File(PathBuf),
    /// ACME, for this host.
    Managed(Name),
}

/// A certificate that comes from elsewhere than a file, with its chain and key.
#[derive(Debug)]
pub struct Managed {
    /// The certificate first, then those that vouch for it.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

impl Managed {
    /// Reads both from PEM.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn from_pem(chain: &str, key: &str) -> Result<Self, String> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
        let chain = chain.map_err(|fault| format!("the chain: {fault}"))?;
        if chain.is_empty() {
            return Err("the chain holds no certificate".to_owned());
        }
        let key =
            PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|fault| format!("the key: {fault}"))?;
        Ok(Self { chain, key })
    }
}

/// One that can be shown.
#[derive(Debug)]
pub(crate) struct Certificate {
    pub(crate) key: Arc<CertifiedKey>,
    pub(crate) facts: CertificateFacts,
}

impl Certificate {
    /// Of what was read from these files: a chain, its key, and perhaps an OCSP response.
    pub(crate) fn of_files(
        plan: &CertificatePlan,
        chain: &[u8],
        key: &[u8],
        ocsp: Option<Vec<u8>>,
    ) -> Result<Self, Vec<Wrong>> {
        let chain = pem_chain(chain, plan);
        let key = pem_key(key, plan);
        let staple = ocsp.map(|staple| checked_staple(staple, plan)).transpose();
        match (chain, key, staple) {
            (Ok(chain), Ok(key), Ok(staple)) => {
                Self::of_parts(plan, chain, key, staple).map_err(|wrong| vec![wrong])
            }
            (chain, key, staple) => Err([chain.err(), key.err(), staple.err()]
                .into_iter()
                .flatten()
                .collect()),
        }
    }

    fn of_parts(
        plan: &CertificatePlan,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        staple: Option<Vec<u8>>,
    ) -> Result<Self, Wrong> {
        let malformed = |reason| Wrong::Malformed {
            file: plan.certificate.clone(),
            reason,
        };
        let source = CertificateSource::File(plan.certificate.clone());
        let facts = facts_of(&chain, source).map_err(malformed)?;
        let mut certified = certified(chain, key).map_err(|fault| unusable(plan, &fault))?;
        certified.ocsp = staple;
        Ok(Self::joined(certified, facts))
    }

    /// Of what ACME gave for this host.
    pub(crate) fn of_managed(name: &str, managed: Managed) -> Result<Self, Wrong> {
        let wrong = |reason| Wrong::Managed { reason };
        let source = CertificateSource::Managed(name.into());
        let facts = facts_of(&managed.chain, source).map_err(wrong)?;
        let certified = certified(managed.chain, managed.key).map_err(|fault| wrong(fault.to_string()))?;
        Ok(Self::joined(certified, facts))
    }

    fn joined(certified: CertifiedKey, mut facts: CertificateFacts) -> Self {
        facts.key = kind_of(&certified);
        Self {
            key: Arc::new(certified),
            facts,
        }
    }

    /// Whether it has expired.
    pub(crate) fn has_expired(&self, now: SystemTime) -> bool {
        self.facts.not_after < now
    }

    /// Whether it is for this host, which is in lower case.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        let suffix = host.find('.').and_then(|dot| host.get(dot..));
        self.facts
            .hosts
            .iter()
            .any(|known| match known.strip_prefix('*') {
                Some(open) => Some(open) == suffix,
                None => **known == *host,
            })
    }
}

/// The certificates of a file.
pub(crate) fn pem_certificates(
    bytes: &[u8],
    file: &std::path::Path,
) -> Result<Vec<CertificateDer<'static>>, Wrong> {
    let read: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(bytes).collect();
    let read = read.map_err(|fault| Wrong::Malformed {
        file: file.to_owned(),
        reason: pem_fault(&fault).to_owned(),
    })?;
    if read.is_empty() {
        return Err(Wrong::Lacks {
            file: file.to_owned(),
            found: found_in(bytes),
            wanted: "a certificate (BEGIN CERTIFICATE)",
        });
    }
    Ok(read)
}

fn pem_chain(bytes: &[u8], plan: &CertificatePlan) -> Result<Vec<CertificateDer<'static>>, Wrong> {
    pem_certificates(bytes, &plan.certificate)
}

fn pem_key(bytes: &[u8], plan: &CertificatePlan) -> Result<PrivateKeyDer<'static>, Wrong> {
    let file = plan.key.clone();
    PrivateKeyDer::from_pem_slice(bytes).map_err(|fault| match fault {
        _ if holds(bytes, "ENCRYPTED") => Wrong::KeyEncrypted { file },
        pem::Error::NoItemsFound => Wrong::Lacks {
            file,
            found: found_in(bytes),
            wanted: "a key (BEGIN PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY)",
        },
        fault => Wrong::Malformed {
            file,
            reason: pem_fault(&fault).to_owned(),
        },
    })
}

/// What is wrong with PEM (RFC 7468), without a byte of it: of a damaged file the error's own words may quote the key.
#[must_use]
pub fn pem_fault(fault: &pem::Error) -> &'static str {
    match fault {
        pem::Error::MissingSectionEnd { .. } => "a section that -----BEGIN begins has no end",
        pem::Error::IllegalSectionStart { .. } => "a line begins with -----BEGIN and is not closed by -----",
        pem::Error::Base64Decode(_) => "what stands between BEGIN and END is no base64",
        pem::Error::NoItemsFound => "there is nothing of the kind in it",
        _ => "it is no PEM",
    }
}

/// An OCSP response is a SEQUENCE in DER (RFC 6960 section 4.2.1).
fn checked_staple(bytes: Vec<u8>, plan: &CertificatePlan) -> Result<Vec<u8>, Wrong> {
    let reason = match bytes.first() {
        Some(0x30) => return Ok(bytes),
        Some(b'-') => "it is PEM; an OCSP response should be DER, as `openssl ocsp -respout` writes it",
        Some(_) => "it is no OCSP response in DER",
        None => "it is empty; it should be an OCSP response in DER",
    };
    Err(Wrong::Malformed {
        file: plan.ocsp.clone().unwrap_or_default(),
        reason: reason.to_owned(),
    })
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, rustls::Error> {
    CertifiedKey::from_der(chain, key, &provider())
}

/// What is shown to an ACME server (RFC 8737 section 3). It is not held against the rules for certificates: its critical
/// extension is one that only such a server understands.
pub(crate) fn challenge_key(shown: Managed) -> Result<CertifiedKey, Wrong> {
    let key = provider().key_provider.load_private_key(shown.key);
    let key = key.map_err(|fault| Wrong::Managed {
        reason: fault.to_string(),
    })?;
    Ok(CertifiedKey::new(shown.chain, key))
}

fn unusable(plan: &CertificatePlan, fault: &rustls::Error) -> Wrong {
    match fault {
        rustls::Error::InconsistentKeys(_) => Wrong::KeyMismatch {
            certificate: plan.certificate.clone(),
            key: plan.key.clone(),
        },
        rustls::Error::InvalidCertificate(fault) => Wrong::Malformed {
            file: plan.certificate.clone(),
            reason: fault.to_string(),
        },
        fault => Wrong::Malformed {
            file: plan.key.clone(),
            reason: fault.to_string(),
        },
    }
}

fn kind_of(certified: &CertifiedKey) -> KeyKind {
    match certified.key.algorithm() {
        SignatureAlgorithm::ECDSA => KeyKind::Ecdsa,
        SignatureAlgorithm::ED25519 => KeyKind::Ed25519,
        SignatureAlgorithm::RSA => KeyKind::Rsa,
        _ => KeyKind::Other,
    }
}

fn facts_of(chain: &[CertificateDer<'_>], source: CertificateSource) -> Result<CertificateFacts, String> {
    let first = chain.first().ok_or("there is no certificate")?;
    let (_, parsed) =
        X509Certificate::from_der(first).map_err(|fault| format!("no X.509 certificate: {fault}"))?;
    Ok(CertificateFacts {
        hosts: names::hosts_in(&parsed),
        issuer: parsed.issuer().to_string().into(),
        serial: parsed.raw_serial_as_string().into(),
        not_before: moment(parsed.validity().not_before),
        not_after: moment(parsed.validity().not_after),
        key: KeyKind::Other,
        source,
    })
}

pub(crate) fn moment(time: ASN1Time) -> SystemTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0);
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn found_in(bytes: &[u8]) -> &'static str {
    let known = [
        ("BEGIN CERTIFICATE-", "holds a certificate"),
        ("BEGIN CERTIFICATE REQUEST", "holds a certificate request"),
        ("PRIVATE KEY-", "holds a key"),
        ("BEGIN X509 CRL", "holds a list of revoked certificates"),
        ("BEGIN ", "holds something else"),
    ];
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return "is empty";
    }
    let found = known.iter().find(|(text, _)| holds(bytes, text));
    found.map_or("holds no PEM", |(_, found)| found)
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
