//! Why a name has no new certificate.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use rustls::CertificateError;

/// Why a name has no new certificate. None of them harms what is already there.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AcmeFault {
    /// The authority does not answer, or not as RFC 8555 says.
    #[error("the authority {directory} cannot be asked: {reason}")]
    Unreachable {
        /// Where it was asked.
        directory: String,
        /// What went wrong.
        reason: String,
    },
    /// The authority said no.
    #[error("the authority refused: {reason}")]
    Refused {
        /// What it said.
        reason: String,
        /// Whether it does not know our account.
        is_stranger: bool,
    },
    /// The authority saw no proof that the name is ours.
    #[error("{domain} was not proved to be ours by {proof}: {reason}; it must lead here, at port {port}")]
    Unproved {
        /// The name.
        domain: String,
        /// The challenge, as RFC 8555 names it.
        proof: &'static str,
        /// What the authority said.
        reason: String,
        /// Where the authority asked.
        port: u16,
    },
    /// The authority offers no challenge that we can answer.
    #[error("the authority offers for {domain} none of the challenges that are configured ({wanted})")]
    NoChallenge {
        /// The name.
        domain: String,
        /// What we could answer.
        wanted: String,
    },
    /// It took too long.
    #[error("the authority had not finished the order after {seconds} s")]
    Late {
        /// How long it had.
        seconds: u64,
    },
    /// What came is no certificate for that name and key.
    #[error("the authority sent what cannot be used: {reason}")]
    Unusable {
        /// What is wrong with it.
        reason: String,
    },
    /// It cannot be kept.
    #[error("cannot keep {}: {reason}; nothing is ordered that could not be kept", path.display())]
    Unstored {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// What the operator named cannot be used.
    #[error("cannot use {}: {reason}", path.display())]
    Setting {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
}

impl AcmeFault {
    /// All codes, each once.
    pub const CODES: [&'static str; 8] = [
        "unreachable",
        "refused",
        "unproved",
        "no_challenge",
        "late",
        "unusable",
        "unstored",
        "setting",
    ];

    /// In one word, for metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        Self::CODES[self.place()]
    }

    /// Its place in [`AcmeFault::CODES`].
    pub(crate) fn place(&self) -> usize {
        match self {
            Self::Unreachable { .. } => 0,
            Self::Refused { .. } => 1,
            Self::Unproved { .. } => 2,
            Self::NoChallenge { .. } => 3,
            Self::Late { .. } => 4,
            Self::Unusable { .. } => 5,
            Self::Unstored { .. } => 6,
            Self::Setting { .. } => 7,
        }
    }

    /// What the protocol's crate said of the authority at `directory`.
    pub(crate) fn of(directory: &str, error: &instant_acme::Error) -> Self {
        match error {
            instant_acme::Error::Api(problem) => Self::Refused {
                reason: said(problem),
                is_stranger: is_stranger(problem),
            },
            error => Self::Unreachable {
                directory: directory.to_owned(),
                reason: advised(error),
            },
        }
    }

    pub(crate) fn unstored(path: impl Into<PathBuf>, error: &io::Error) -> Self {
        Self::Unstored {
            path: path.into(),
            reason: error.to_string(),
        }
    }
}

/// What a problem document says, on one line and not too long: it is somebody else's text.
pub(crate) fn said(problem: &instant_acme::Problem) -> String {
    let text = problem.to_string();
    let text = text.strip_prefix("API error: ").unwrap_or(&text);
    text.chars()
        .map(|one| if one.is_control() { ' ' } else { one })
        .take(SAID_MAX)
        .collect()
}

/// RFC 8555 section 6.7; some say `unauthorized` of an account they do not know.
fn is_stranger(problem: &instant_acme::Problem) -> bool {
    let kind = problem.r#type.as_deref().unwrap_or_default();
    kind.ends_with(":accountDoesNotExist")
}

/// With all that caused it, and what would be right where that is known.
fn advised(error: &instant_acme::Error) -> String {
    let text = whole(error);
    match advice(error) {
        Some(advice) => format!("{text}; {advice}"),
        None => text,
    }
}

fn advice(error: &instant_acme::Error) -> Option<&'static str> {
    if matches!(error, instant_acme::Error::Json(_)) {
        return Some("is this the URL of an ACME directory?");
    }
    match refused_certificate(error)? {
        CertificateError::UnknownIssuer => {
            Some("name those who vouch for the authority's own certificate (acme.authorities)")
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => Some("is the clock of this machine right?"),
        _ => None,
    }
}

/// Why the authority's own certificate was not taken, if that is the cause.
fn refused_certificate<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CertificateError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(fault)) = error.downcast_ref() {
            return Some(fault);
        }
        cause = within(error);
    }
    None
}

/// What is within an error of input and output is not among its sources.
fn within<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(within) => Some(within),
        None => error.source(),
    }
}

/// With all that caused it.
fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            // Writing to memory cannot fail.
            let _ = write!(text, ": {next}");
        }
        cause = error.source();
    }
    text
}

const SAID_MAX: usize = 500;
