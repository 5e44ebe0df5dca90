use serde::{Deserialize, Serialize};

/// How a `bench-backend` serves, as its `PUT /bench` is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// Time that a request keeps a slot, in microseconds.
    pub service_us: u64,
    /// Requests that are worked on at once; the others wait. 0: all are.
    pub slots: usize,
    /// What becomes of them.
    pub outcome: Outcome,
}

/// What becomes of a request that a `bench-backend` has worked on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// 200 and 128 bytes.
    #[default]
    Served,
    /// 500 and nothing.
    Failed,
    /// The connection is reset.
    Reset,
}

/// What a `bench-backend` got since its behaviour was last set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Counts {
    /// Connections that it accepted.
    pub connections: u64,
    /// Requests that it read.
    pub received: u64,
    /// Those that it is done with, whatever the outcome.
    pub done: u64,
}
