//! How a backend does, beside its standing.

use serde::{Deserialize, Serialize};

/// How a backend does, beside its standing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Condition {
    /// Why it gets no requests although it serves; not there: it gets them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ejected: Option<Ejection>,
    /// How many requests it may have in flight now; not there: as many as come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight_limit: Option<u32>,
    /// How long it is expected to take until a response head, in milliseconds; not there before its first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_latency_ms: Option<f64>,
    /// How much of its share it gets, from 0.1 to 1; not there: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmth: Option<f32>,
    /// Whether it has several requests in flight and answers none of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stalled: bool,
}

/// That a backend is left alone because of how it served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ejection {
    /// `failures_in_a_row`, `success_rate` or `latency`.
    pub by: String,
    /// How often in a row, from 1.
    pub times: u32,
    /// When the next request may try it, in milliseconds from now; 0: any time.
    pub trial_in_ms: u64,
    /// Whether such a request is under way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_trial: bool,
}
