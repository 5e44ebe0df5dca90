use serde::{Deserialize, Serialize};

/// What `bench-open-load` counted of the requests that were due in one phase; times in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Phase {
    /// How long the phase was.
    pub length_us: u64,
    /// All that were due.
    pub sent: u64,
    /// Answered with 200.
    pub served: u64,
    /// Of these, the ones that took long.
    pub late: u64,
    /// Answered with 503 or 429.
    pub refused: u64,
    /// Answered with any other status.
    pub failed: u64,
    /// Connections that could not be made, or ended before the answer.
    pub broken: u64,
    /// Not answered within the client's patience.
    pub gave_up: u64,
    /// Answers with 200 that came while the phase went on, to whichever request.
    pub served_meanwhile: u64,
    /// Of those served.
    pub p50_us: u64,
    /// Of those served.
    pub p99_us: u64,
    /// Of those served.
    pub p999_us: u64,
    /// Of those refused.
    pub refused_p99_us: u64,
}

impl Phase {
    /// Requests without a good answer, whatever they had instead.
    #[must_use]
    pub fn unserved(&self) -> u64 {
        self.sent - self.served
    }
}
