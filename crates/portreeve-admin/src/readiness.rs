//! Whether new requests should be sent here.

/// What `/readyz` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Not all listeners accept yet: 503.
    Starting,
    /// Every listener accepts: 200.
    Ready,
    /// No new connections are accepted, running requests finish: 503.
    Draining,
}

impl Readiness {
    /// Whether new requests are welcome.
    #[must_use]
    pub fn is_ready(self) -> bool {
        self == Self::Ready
    }

    /// One word, as the body of `/readyz` begins.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }

    /// One sentence on why.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Starting => "not every listener accepts connections yet",
            Self::Ready => "every listener accepts connections",
            Self::Draining => "shutting down: new connections are refused, running requests finish",
        }
    }
}
