//! Why the proxy answered a request itself, or ended it: one closed list.

mod facts;
mod grpc;

use std::fmt;

use self::facts::{FACTS, Facts};

/// Each failure that the proxy answers or ends itself. What is known of each stands in `cause/facts.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The request breaks the rules of HTTP/1.1.
    MalformedRequest,
    /// Request line and fields are too many bytes or too many fields.
    HeadTooLarge,
    /// The request target is too long.
    TargetTooLong,
    /// The request body is longer than the listener accepts.
    BodyTooLarge,
    /// The request head did not come in time.
    HeadTimeout,
    /// The request body paused for too long.
    BodyTimeout,
    /// The request body came slower than the minimum rate.
    SlowClient,
    /// `Expect` asks for what we do not know.
    ExpectationFailed,
    /// A transfer coding that we do not know.
    UnsupportedCoding,
    /// A version of HTTP that we do not speak.
    UnsupportedVersion,
    /// HTTP without TLS on a port for TLS.
    PlainHttp,
    /// The request is for another host than the one that the TLS handshake named.
    SniMismatch,
    /// The connection was made under another trust than the listener has now, or the client's certificate is over.
    TrustChanged,
    /// A route serves this host, but none fits.
    NoRoute,
    /// No route serves this host.
    Misdirected,
    /// The client went away before the response was complete.
    ClientLeft,
    /// The listener has as many connections as it may have.
    ListenerFull,
    /// The client's address has as many connections as it may have.
    TooManyFromClient,
    /// The proxy is draining.
    ShuttingDown,
    /// The request demands no policy where it must.
    PolicyMissing,
    /// The request demands a policy that its route does not accept.
    PolicyNotAccepted,
    /// The request demands a policy that nobody in the pool is known to uphold, now or within the grace.
    UnknownPolicy,
    /// The pool has no backend that upholds what is demanded, or none that was not tried.
    NoBackend,
    /// More requests come than the route lets through.
    RateLimited,
    /// All backends have as many requests as they can serve, and as many wait for them as may.
    Overloaded,
    /// The request waited for a backend for as long as it may.
    HoldTimeout,
    /// The request must be written to the ledger, which takes no more at the moment.
    LedgerUnavailable,
    /// What came on a port for packets is not JSON.
    NotJson,
    /// A packet breaks the rules of the packet protocol.
    BadPacket,
    /// A packet's payload is longer than the listener accepts.
    PayloadTooLarge,
    /// A registration was refused.
    RegistrationRefused,
    /// More registrations came at once than can be looked at.
    RegistrationOverload,
    /// The process may open no more files.
    OpenFilesExhausted,
    /// The backend refused the connection.
    ConnectRefused,
    /// The connection to the backend was not made in time.
    ConnectTimeout,
    /// The connection to the backend could not be made for another reason.
    ConnectFailed,
    /// The TLS handshake with the backend failed.
    BackendTls,
    /// The backend's certificate is not one that we trust for its name.
    BackendCertificate,
    /// The backend does not speak HTTP/2 as it should.
    BackendProtocol,
    /// The backend reset the connection before a response head.
    BackendReset,
    /// The backend closed the connection before a response head.
    BackendClosed,
    /// The response breaks the rules of HTTP/1.1.
    MalformedResponse,
    /// The response head is too many bytes or too many fields.
    ResponseHeadTooLarge,
    /// The response head did not come in time.
    FirstByteTimeout,
    /// The response body paused, or the request body was not taken, for too long.
    BackendIdleTimeout,
    /// The whole exchange took too long.
    TotalTimeout,
    /// The response ended, or its framing broke, within the body.
    TruncatedResponse,
    /// The client takes the response too slowly; its head had been sent, so the response is aborted.
    SlowReader,
    /// A bug of ours.
    InternalError,
}

/// On whose side a cause lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The client's.
    Client,
    /// The backend's.
    Backend,
    /// The proxy's own, or that of its limits.
    Proxy,
}

impl Cause {
    /// All of them, each at the place of its [`index`](Self::index).
    pub const ALL: &'static [Self] = &facts::causes();

    /// A number from 0 up to the number of causes.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its name in metrics, records and error bodies: snake case, for ever the same.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.facts().code
    }

    /// What the client is told, or would have been had the head not been sent; 499 (nginx's) where it is gone.
    #[must_use]
    pub fn status(self) -> u16 {
        self.facts().status
    }

    /// The nearest error type of RFC 9209 section 2.3, for `Proxy-Status`.
    #[must_use]
    pub fn proxy_error(self) -> &'static str {
        self.facts().proxy_error
    }

    /// On whose side it lies.
    #[must_use]
    pub fn fault(self) -> Fault {
        self.facts().fault
    }

    /// One sentence for people, without a full stop.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.facts().title
    }

    /// Whether no backend can have processed anything of the request, and trying again, elsewhere or later, may
    /// help: any method may be repeated.
    #[must_use]
    pub fn is_retry_safe(self) -> bool {
        self.facts().is_retry_safe
    }

    fn facts(self) -> &'static Facts {
        &FACTS[self.index()]
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl Fault {
    /// Its name in metrics and records.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Backend => "backend",
            Self::Proxy => "proxy",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// RFC 9209 section 2.3, those of version-independent HTTP and its connections.
    const PROXY_ERRORS: &[&str] = &[
        "dns_timeout",
        "dns_error",
        "destination_not_found",
        "destination_unavailable",
        "destination_ip_prohibited",
        "destination_ip_unroutable",
        "connection_refused",
        "connection_terminated",
        "connection_timeout",
        "connection_read_timeout",
        "connection_write_timeout",
        "connection_limit_reached",
        "http_request_error",
        "http_request_denied",
        "http_response_incomplete",
        "http_response_header_section_size",
        "http_response_timeout",
        "http_protocol_error",
        "tls_protocol_error",
        "tls_certificate_error",
        "proxy_internal_response",
        "proxy_internal_error",
        "proxy_configuration_error",
    ];

    #[test]
    fn each_fact_stands_at_the_place_of_its_cause() {
        assert_eq!(
            Cause::ALL.len(),
            Cause::InternalError.index() + 1,
            "the last of the enum is the last fact"
        );
        for (place, cause) in Cause::ALL.iter().enumerate() {
            assert_eq!(cause.index(), place, "{cause}");
        }
    }

    #[test]
    fn codes_are_unique_and_in_snake_case() {
        let codes: BTreeSet<&str> = Cause::ALL.iter().map(|cause| cause.code()).collect();
        assert_eq!(codes.len(), Cause::ALL.len());
        let is_snake = |code: &str| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(
            codes
                .iter()
                .all(|code| is_snake(code) && !code.starts_with('_') && !code.ends_with('_'))
        );
    }

    #[test]
    fn a_code_is_the_name_of_its_variant() {
        for cause in Cause::ALL {
            let camel: String = cause
                .code()
                .split('_')
                .map(|word| word[..1].to_uppercase() + &word[1..])
                .collect();
            assert_eq!(camel, format!("{cause:?}"));
        }
    }

    #[test]
    fn statuses_are_errors_and_fit_the_fault() {
        for cause in Cause::ALL {
            match cause.fault() {
                Fault::Client => assert!(matches!(cause.status(), 400..=499 | 501 | 503 | 505), "{cause}"),
                Fault::Backend => assert!(matches!(cause.status(), 502..=504), "{cause}"),
                Fault::Proxy => assert!(matches!(cause.status(), 500 | 503), "{cause}"),
            }
        }
    }

    #[test]
    fn proxy_errors_are_registered_types() {
        for cause in Cause::ALL {
            assert!(PROXY_ERRORS.contains(&cause.proxy_error()), "{cause}");
        }
    }

    #[test]
    fn no_retry_is_safe_once_a_backend_may_have_seen_the_request() {
        let safe: Vec<&str> = Cause::ALL
            .iter()
            .filter(|cause| cause.is_retry_safe())
            .map(|cause| cause.code())
            .collect();
        assert_eq!(
            safe,
            [
                "trust_changed",
                "listener_full",
                "too_many_from_client",
                "shutting_down",
                "no_backend",
                "rate_limited",
                "overloaded",
                "hold_timeout",
                "ledger_unavailable",
                "registration_overload",
                "open_files_exhausted",
                "connect_refused",
                "connect_timeout",
                "connect_failed",
                "backend_tls",
                "backend_certificate",
            ]
        );
    }

    #[test]
    fn titles_are_single_sentences_without_a_full_stop() {
        let titles: BTreeSet<&str> = Cause::ALL.iter().map(|cause| cause.title()).collect();
        assert_eq!(titles.len(), Cause::ALL.len());
        assert!(
            titles
                .iter()
                .all(|title| title.len() > 10 && !title.ends_with('.') && !title.contains('"'))
        );
    }
}
