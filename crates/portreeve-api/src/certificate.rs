//! What is to be known of a certificate that a listener shows.

use serde::{Deserialize, Serialize};

/// All certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateList {
    /// By listener; those of files first.
    pub certificates: Vec<CertificateState>,
}

/// One certificate as it is now. Its key is told nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateState {
    /// Who shows it.
    pub listener: String,
    /// The hosts that it is for, `*.example.com` among them.
    pub hosts: Vec<String>,
    /// Who vouches for it.
    pub issuer: String,
    /// Its number, in hexadecimal.
    pub serial: String,
    /// Its key's kind: `ecdsa`, `rsa`, `ed25519` or `other`.
    pub key: String,
    /// `file` or `acme`.
    pub source: String,
    /// Which file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// It is good from then on, as RFC 3339 writes it.
    pub not_before: String,
    /// Until then.
    pub not_after: String,
    /// Whole seconds until it expires; below zero since then.
    pub expires_in_s: i64,
}
