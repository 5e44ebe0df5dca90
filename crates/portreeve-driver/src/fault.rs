//! Why a driver could not do what it was asked for.

use std::time::Duration;

/// Why a driver could not do what it was asked for. Each sentence says what happened, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DriverFault {
    /// The command, image, network or group does not exist.
    #[error("{what} does not exist: {reason}")]
    NotFound {
        /// Which, as the operator wrote it.
        what: String,
        /// What the system says, and what would be right.
        reason: String,
    },
    /// All ports of the range are taken.
    #[error("no port from {first} to {last} is free on {host}: widen `ports`, or lower `max`")]
    NoPort {
        /// Of the range.
        first: u16,
        /// Of the range.
        last: u16,
        /// Where.
        host: String,
    },
    /// We may not.
    #[error("{what} is not allowed: {reason}")]
    Denied {
        /// What was tried.
        what: String,
        /// What the system says.
        reason: String,
    },
    /// The machine or the account has no more of something: processes, memory, disk, open files, quota.
    #[error("a limit is reached: {reason}")]
    LimitReached {
        /// Which, and where it is set.
        reason: String,
    },
    /// Who should do it cannot be reached.
    #[error("{what} cannot be reached: {reason}")]
    Unreachable {
        /// The engine, the API.
        what: String,
        /// What the system says.
        reason: String,
    },
    /// It took too long.
    #[error("{what} took longer than {limit:?}")]
    TimedOut {
        /// What was asked.
        what: String,
        /// How long it may take.
        limit: Duration,
    },
    /// It says something that makes no sense, or ended with an error of its own.
    #[error("{what} failed: {reason}")]
    Failed {
        /// What was asked.
        what: String,
        /// What it said, at most 1 KiB.
        reason: String,
    },
    /// This build has no such driver.
    #[error("this build has no driver `{driver}`: build with `--features {driver}`")]
    NotBuilt {
        /// As in the file.
        driver: &'static str,
    },
}

impl DriverFault {
    /// Its name in events and metrics: a closed list.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::NoPort { .. } => "no_port",
            Self::Denied { .. } => "denied",
            Self::LimitReached { .. } => "limit_reached",
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "timed_out",
            Self::Failed { .. } => "failed",
            Self::NotBuilt { .. } => "not_built",
        }
    }

    /// All names that [`code`](Self::code) gives.
    pub const CODES: [&'static str; 8] = [
        "not_found",
        "no_port",
        "denied",
        "limit_reached",
        "unreachable",
        "timed_out",
        "failed",
        "not_built",
    ];
}
