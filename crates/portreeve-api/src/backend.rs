//! What is to be known of a backend.

use serde::{Deserialize, Serialize};

use crate::condition::Condition;

/// One backend as it stands now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackendState {
    /// Where it belongs.
    pub pool: String,
    /// Unique in the pool: the id it registered as, or the label of one that stands in the file.
    pub id: String,
    /// Where it is.
    pub address: String,
    /// What it upholds, sorted.
    pub policies: Vec<String>,
    /// Its share under weighted balancing.
    pub weight: u16,
    /// Whether it gets requests now: `serving`, `unproved`, `down`, `draining` or `gone`.
    pub standing: String,
    /// Whether it registered itself; else it stands in the file.
    pub registered: bool,
    /// Requests that it is busy with now.
    pub in_flight: u32,
    /// Requests that were ever sent to it.
    pub requests: u64,
    /// Of these, those that failed by its fault.
    #[serde(default)]
    pub failures: u64,
    /// When it registered, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_unix_ms: Option<u64>,
    /// When its word stops to count without a heartbeat, in milliseconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
    /// The public name of the token it registered by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// How busy it says it is: 0 idle, 1 full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<f32>,
    /// How many requests it says it has in flight, from everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_in_flight: Option<u32>,
    /// Which version of itself it says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where it is; not there: anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Whether it serves only while no other may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backup: bool,
    /// How it does, beside its standing.
    #[serde(default, flatten)]
    pub condition: Condition,
    /// Why it stands so, or soon may not serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// All backends that were asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackendList {
    /// By pool, in the order in which they joined it.
    pub backends: Vec<BackendState>,
}
