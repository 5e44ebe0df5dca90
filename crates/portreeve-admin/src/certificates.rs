//! Certificates that listeners show, as metrics and `/v1` tell of them.

use std::path::PathBuf;
use std::time::SystemTime;

/// A certificate that a listener shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFigures {
    /// Who shows it.
    pub listener: String,
    /// The hosts that it is for, `*.example.com` among them.
    pub hosts: Vec<String>,
    /// Who vouches for it.
    pub issuer: String,
    /// Its number, in hexadecimal.
    pub serial: String,
    /// `ecdsa`, `rsa`, `ed25519` or `other`.
    pub key: &'static str,
    /// Its file; `None`: it was had by ACME.
    pub file: Option<PathBuf>,
    /// It is good from then on.
    pub not_before: SystemTime,
    /// Until then.
    pub not_after: SystemTime,
}

impl CertificateFigures {
    /// Whole seconds until it expires; below zero since then.
    pub(crate) fn expires_in_s(&self, now: SystemTime) -> i64 {
        let seconds = |time: std::time::Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        match self.not_after.duration_since(now) {
            Ok(left) => seconds(left),
            Err(past) => -seconds(past.duration()),
        }
    }

    /// What it goes by: the first of its hosts.
    pub(crate) fn name(&self) -> &str {
        self.hosts.first().map_or("", String::as_str)
    }
}
