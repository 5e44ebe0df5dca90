//! What happens at a connection before and beside its requests: a closed list, for counts and records.

use std::fmt;

/// Something that happened at a client's connection, and is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EdgeEvent {
    /// A whole TLS handshake was done.
    TlsFull,
    /// A TLS session was resumed.
    TlsResumed,
    /// HTTP without TLS came on a port for TLS.
    TlsPlainHttp,
    /// A TLS handshake came on a port without TLS.
    PlainTls,
    /// Bytes came that are no TLS handshake, or break its rules.
    TlsMalformed,
    /// The client named a host that no certificate is for, or none where it must.
    TlsUnknownName,
    /// No version, cipher or protocol that both sides speak.
    TlsNothingShared,
    /// The client showed no certificate where it must.
    TlsCertificateMissing,
    /// The client's certificate is not one that we trust.
    TlsCertificateRefused,
    /// The client did not take our certificate.
    TlsRefusedByClient,
    /// The handshake was not over in time.
    TlsTimeout,
    /// The client left within the handshake.
    TlsClosed,
    /// There were more handshakes than may wait.
    TlsOverload,
    /// An open connection was ended, since what its handshake has shown does not count any more.
    TlsTrustChanged,
    /// A PROXY header was missing where it must be, or broke the rules.
    ProxyHeaderMalformed,
    /// A PROXY header did not come in time.
    ProxyHeaderTimeout,
    /// A connection that speaks HTTP/2 was begun.
    Http2Opened,
    /// A client reset more streams than it may.
    Http2RapidReset,
    /// Fields without end, or more of them than may be.
    Http2HeadersTooLarge,
    /// More frames that carry nothing than may be.
    Http2IdleFrames,
    /// Frames that break the rules of RFC 9113, on the connection as a whole.
    Http2ProtocolError,
    /// A stream that broke the rules of RFC 9113, and was reset.
    Http2StreamError,
    /// A connection that speaks HTTP/2 did not take our bytes, or said nothing, for too long.
    Http2Timeout,
}

impl EdgeEvent {
    /// All of them, each at the place of its [`index`](Self::index).
    pub const ALL: [Self; 23] = [
        Self::TlsFull,
        Self::TlsResumed,
        Self::TlsPlainHttp,
        Self::PlainTls,
        Self::TlsMalformed,
        Self::TlsUnknownName,
        Self::TlsNothingShared,
        Self::TlsCertificateMissing,
        Self::TlsCertificateRefused,
        Self::TlsRefusedByClient,
        Self::TlsTimeout,
        Self::TlsClosed,
        Self::TlsOverload,
        Self::TlsTrustChanged,
        Self::ProxyHeaderMalformed,
        Self::ProxyHeaderTimeout,
        Self::Http2Opened,
        Self::Http2RapidReset,
        Self::Http2HeadersTooLarge,
        Self::Http2IdleFrames,
        Self::Http2ProtocolError,
        Self::Http2StreamError,
        Self::Http2Timeout,
    ];

    /// A number from 0 up to the number of events.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its name in metrics and records: snake case, for ever the same.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TlsFull => "tls_full",
            Self::TlsResumed => "tls_resumed",
            Self::TlsPlainHttp => "tls_plain_http",
            Self::PlainTls => "plain_tls",
            Self::TlsMalformed => "tls_malformed",
            Self::TlsUnknownName => "tls_unknown_name",
            Self::TlsNothingShared => "tls_nothing_shared",
            Self::TlsCertificateMissing => "tls_certificate_missing",
            Self::TlsCertificateRefused => "tls_certificate_refused",
            Self::TlsRefusedByClient => "tls_refused_by_client",
            Self::TlsTimeout => "tls_timeout",
            Self::TlsClosed => "tls_closed",
            Self::TlsOverload => "tls_overload",
            Self::TlsTrustChanged => "tls_trust_changed",
            Self::ProxyHeaderMalformed => "proxy_header_malformed",
            Self::ProxyHeaderTimeout => "proxy_header_timeout",
            Self::Http2Opened => "http2_opened",
            Self::Http2RapidReset => "http2_rapid_reset",
            Self::Http2HeadersTooLarge => "http2_headers_too_large",
            Self::Http2IdleFrames => "http2_idle_frames",
            Self::Http2ProtocolError => "http2_protocol_error",
            Self::Http2StreamError => "http2_stream_error",
            Self::Http2Timeout => "http2_timeout",
        }
    }
}

impl fmt::Display for EdgeEvent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_stands_at_its_index_under_a_name_of_its_own() {
        let indices: Vec<_> = EdgeEvent::ALL.iter().map(|event| event.index()).collect();
        assert_eq!(indices, (0..EdgeEvent::ALL.len()).collect::<Vec<_>>());
        let codes: BTreeSet<_> = EdgeEvent::ALL.iter().map(|event| event.code()).collect();
        assert_eq!(codes.len(), EdgeEvent::ALL.len());
    }
}
