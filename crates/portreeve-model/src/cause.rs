//! Why the proxy answered a request itself, or ended it: one closed list.

mod facts;

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
    /// The pool has no backend, or none that was not tried.
    NoBackend,
    /// The process may open no more files.
    OpenFilesExhausted,
    /// The backend refused the connection.
    ConnectRefused,
    /// The connection to the backend was not made in time.
    ConnectTimeout,
    /// The connection to the backend could not be made for another reason.
    ConnectFailed,
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
