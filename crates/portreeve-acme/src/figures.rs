//! How it is with the names, for metrics and for people.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::AcmeFault;

/// All names, and what became of orders so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AcmeFigures {
    /// In the order of the alphabet.
    pub names: BTreeMap<String, Name>,
    /// Orders that ended with a certificate.
    pub received: u64,
    /// Orders that ended without one, and attempts to open the account, by their fault: as in [`AcmeFault::CODES`].
    pub failed: [u64; AcmeFault::CODES.len()],
}

/// One name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Until when its certificate holds; `None`: it has none.
    pub not_after: Option<SystemTime>,
    /// When a certificate is ordered next; in the past: it is on order, or about to be.
    pub next: SystemTime,
    /// Orders in a row that brought none.
    pub failures: u32,
    /// Why the last order brought none, if it did not.
    pub fault: Option<String>,
}
