use std::fmt;

/// What goes wrong with a packet, as the member `error` of an error packet says it. Closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The bytes are no JSON; where the next packet would begin is unknown, so the connection ends.
    NotJson,
    /// JSON, but not a packet that we take.
    BadPacket,
    /// The payload, or the packet around it, has more bytes than allowed.
    PayloadTooLarge,
    /// No pool knows the policy asked for.
    UnknownPolicy,
    /// The policy is known, but no server of it is alive.
    NoBackend,
    /// A setup that its sender may not make.
    RegistrationRefused,
    /// The server closed, reset, or answered what is no acknowledgement.
    BackendFailed,
    /// The server took too long.
    Timeout,
    /// We have too much to do.
    Overloaded,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 9] = [
        Self::NotJson,
        Self::BadPacket,
        Self::PayloadTooLarge,
        Self::UnknownPolicy,
        Self::NoBackend,
        Self::RegistrationRefused,
        Self::BackendFailed,
        Self::Timeout,
        Self::Overloaded,
    ];

    /// The word on the wire.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::BadPacket => "bad_packet",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnknownPolicy => "unknown_policy",
            Self::NoBackend => "no_backend",
            Self::RegistrationRefused => "registration_refused",
            Self::BackendFailed => "backend_failed",
            Self::Timeout => "timeout",
            Self::Overloaded => "overloaded",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// Why bytes are no packet that we take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// [`Code::NotJson`], [`Code::BadPacket`] or [`Code::PayloadTooLarge`].
    pub code: Code,
    /// A sentence for people: which field, what was found, what is allowed.
    pub detail: String,
}

impl Fault {
    pub(crate) fn not_json(detail: impl Into<String>) -> Self {
        Self {
            code: Code::NotJson,
            detail: detail.into(),
        }
    }

    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self {
            code: Code::BadPacket,
            detail: detail.into(),
        }
    }

    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self {
            code: Code::PayloadTooLarge,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for Fault {}
