//! What happened in the registry.

use serde::{Deserialize, Serialize};

/// One line of `GET /v1/events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLine {
    /// When, as RFC 3339 writes it, UTC, milliseconds.
    pub at: String,
    /// What, as a word of a closed list: `registered`, `down`, ...
    pub event: String,
    /// The number of the change; each is one more than the last.
    pub sequence: u64,
    /// To which pool's backend.
    pub pool: String,
    /// To which backend.
    pub backend: String,
    /// Where it is.
    pub address: String,
    /// What it upholds, sorted.
    pub policies: Vec<String>,
    /// Why, if there is more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
