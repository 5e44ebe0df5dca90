//! What lines say of themselves, before anything of it is believed.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// The first line of a file.
#[derive(Debug, Deserialize)]
pub(crate) struct HeaderClaims {
    pub(crate) ledger: u64,
    pub(crate) first: u64,
    pub(crate) records: u64,
    pub(crate) previous: String,
    pub(crate) key: String,
    #[serde(rename = "chain")]
    _chain: IgnoredAny,
}

/// Any other line. A member that is there twice is an error.
#[derive(Debug, Deserialize)]
pub(crate) struct LineClaims {
    pub(crate) n: u64,
    #[serde(default)]
    pub(crate) head: Option<IgnoredAny>,
    #[serde(rename = "chain")]
    _chain: IgnoredAny,
}

/// A signed head.
#[derive(Debug, Deserialize)]
pub(crate) struct HeadClaims {
    pub(crate) n: u64,
    pub(crate) head: bool,
    pub(crate) at: String,
    pub(crate) records: u64,
    #[serde(rename = "signature")]
    _signature: IgnoredAny,
    #[serde(rename = "chain")]
    _chain: IgnoredAny,
}
