//! Why a call has no answer.

use std::fmt;

use portreeve_api::Problem;

use crate::peer_address::PeerAddress;

/// Why a call has no answer.
#[derive(Debug, Clone)]
pub(crate) enum CallError {
    /// Nobody answered.
    Unreachable { peer: PeerAddress, reason: String },
    /// The answer was no.
    Refused(Box<Problem>),
    /// An answer came that cannot be read.
    Garbled(String),
}

impl CallError {
    pub(super) fn of(peer: &PeerAddress, error: &ureq::Error) -> Self {
        let reason = match error {
            ureq::Error::Io(error) => error.kind().to_string(),
            ureq::Error::Timeout(_) => "timed out".to_owned(),
            ureq::Error::HostNotFound => "the name is not known".to_owned(),
            ureq::Error::Protocol(_) | ureq::Error::BodyExceedsLimit(_) => {
                return Self::Garbled(format!("{peer} speaks no HTTP that is understood: {error}"));
            }
            other => other.to_string(),
        };
        Self::Unreachable {
            peer: peer.clone(),
            reason,
        }
    }

    /// The cause of a refusal.
    pub(crate) fn cause(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.cause),
            Self::Unreachable { .. } | Self::Garbled(_) => None,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { peer, reason } => write!(out, "nothing answers at {peer} ({reason})"),
            Self::Refused(problem) => out.write_str(&printable(&problem.detail)),
            Self::Garbled(what) => write!(out, "the answer cannot be read: {}", printable(what)),
        }
    }
}

/// Without what a terminal would obey.
fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}
