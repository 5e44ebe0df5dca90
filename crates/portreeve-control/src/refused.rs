//! Why the door says no.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use portreeve_model::{MemberKey, NotRegistered, RegistrationFault, TokenId};

/// Why what was asked for is not done.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The registry refuses it.
    #[error("{0}")]
    Registration(RegistrationFault),
    /// The token that was shown is none of ours, or was revoked. Which of these is not said.
    #[error("this token is not known: it was never made here, was revoked, or is mistyped")]
    UnknownToken,
    /// No token is for the certificate that was shown, and from there one is needed.
    #[error(
        "no token is for {}; registering from {from} needs one, as it is not the proxy's own host: {MAKE_ONE}",
        certificate_of(names)
    )]
    UnknownCertificate {
        /// Where the sender is.
        from: IpAddr,
        /// The certificate's names, as many as are told, each with its kind.
        names: Vec<String>,
    },
    /// The certificate that was shown has run out since the connection was made.
    #[error("the certificate that this connection was made with ran out {} s ago: connect again with a new one", since.as_secs())]
    CertificateExpired {
        /// For how long.
        since: Duration,
    },
    /// A backend there would have the proxy talk to itself.
    #[error("{address} is an address of this proxy itself; a backend has to be somewhere else")]
    AddressIsOurs {
        /// What was to be registered.
        address: SocketAddr,
    },
    /// No backend has that name, neither registered nor in the file.
    #[error("pool {} has no backend {:?}", .0.pool, .0.id)]
    NoSuchBackend(MemberKey),
    /// It stands in the file, and only a change of the file removes it.
    #[error("{} of pool {} stands in the configuration: remove it there, or drain it", .0.id, .0.pool)]
    InTheFile(MemberKey),
    /// No token has that id.
    #[error("there is no token {0:?}")]
    NoSuchToken(TokenId),
    /// No such token can be made.
    #[error(transparent)]
    Token(TokenFault),
    /// Too many ask at once; nothing was done, and it can be asked again.
    #[error("too many registrations are waiting; try again in some seconds")]
    Overloaded,
    /// The proxy is stopping; whether it was done is not known.
    #[error("the proxy is stopping")]
    Stopping,
}

impl Refused {
    /// Its name in the API: a closed list.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Registration(fault) => fault.code(),
            Self::UnknownToken => "unknown_token",
            Self::UnknownCertificate { .. } => "unknown_certificate",
            Self::CertificateExpired { .. } => "certificate_expired",
            Self::AddressIsOurs { .. } => "address_is_ours",
            Self::NoSuchBackend(_) => "no_such_backend",
            Self::InTheFile(_) => "in_the_file",
            Self::NoSuchToken(_) => "no_such_token",
            Self::Token(fault) => fault.code(),
            Self::Overloaded => "overloaded",
            Self::Stopping => "stopping",
        }
    }

    /// Which field of what was asked it is about, if about one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Registration(fault) => fault.field(),
            Self::AddressIsOurs { .. } => Some("address"),
            Self::Token(fault) => fault.field(),
            _ => None,
        }
    }

    /// The HTTP status (RFC 9110 section 15.5).
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Registration(fault) => fault.status(),
            Self::UnknownToken => 401,
            Self::UnknownCertificate { .. } | Self::CertificateExpired { .. } => 403,
            Self::AddressIsOurs { .. } => 400,
            Self::NoSuchBackend(_) | Self::NoSuchToken(_) => 404,
            Self::InTheFile(_) => 409,
            Self::Token(fault) => fault.status(),
            Self::Overloaded | Self::Stopping => 503,
        }
    }
}

fn certificate_of(names: &[String]) -> String {
    match names {
        [] => "a certificate without names (SAN) of the kinds DNS, URI, email and IP".to_owned(),
        names => format!("the certificate of {}", names.join(", ")),
    }
}

const MAKE_ONE: &str = "the operator makes one by `portreeve token create --certificate NAME`";

impl From<RegistrationFault> for Refused {
    fn from(fault: RegistrationFault) -> Self {
        Self::Registration(fault)
    }
}

impl From<NotRegistered> for Refused {
    fn from(fault: NotRegistered) -> Self {
        Self::NoSuchBackend(fault.0)
    }
}

impl From<TokenFault> for Refused {
    fn from(fault: TokenFault) -> Self {
        Self::Token(fault)
    }
}

/// Why no such token can be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFault {
    /// The weight is out of range.
    #[error("weight_max is {asked}; 1 to 1000 is allowed")]
    WeightMax {
        /// What was asked for.
        asked: u16,
    },
    /// No time between heartbeats.
    #[error("ttl_max is zero; it has to be some time")]
    TtlMax,
    /// It would be expired from the start, or in a time that has no name.
    #[error("the token would expire at once, or too far off to be told")]
    Expires,
    /// There are as many as there may be.
    #[error("there are {max} tokens of this kind already; revoke some")]
    TooMany {
        /// How many there may be.
        max: usize,
    },
    /// The system has no random numbers for the secret.
    #[error("the system gives no random numbers: {reason}")]
    NoRandomness {
        /// What it says.
        reason: String,
    },
}

impl TokenFault {
    fn code(&self) -> &'static str {
        match self {
            Self::WeightMax { .. } => "bad_weight_max",
            Self::TtlMax => "bad_ttl_max",
            Self::Expires => "bad_expires",
            Self::TooMany { .. } => "too_many_tokens",
            Self::NoRandomness { .. } => "no_randomness",
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::WeightMax { .. } => Some("weight_max"),
            Self::TtlMax => Some("ttl_max"),
            Self::Expires => Some("expires"),
            Self::TooMany { .. } | Self::NoRandomness { .. } => None,
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::WeightMax { .. } | Self::TtlMax | Self::Expires => 400,
            Self::TooMany { .. } => 429,
            Self::NoRandomness { .. } => 500,
        }
    }
}
