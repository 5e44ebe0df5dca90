//! How backends are looked at without a request.

use std::time::Duration;

/// How the backends of a pool are probed: one probe per backend for the whole process, whatever the number of threads.
///
/// Without a plan of its own, a pool's backends are connected to only when there is a reason: one that registered before
/// its first request, and any that a request could not reach, until it can be reached again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbePlan {
    /// What is done, and what passes.
    pub check: Check,
    /// Between the beginnings of two probes of a healthy backend, give or take a tenth; 100 ms to 1 h, default 2 s.
    pub every: Duration,
    /// The same while it does not pass; at most `every`, default 1 s. The first tries after a failure come sooner.
    pub every_unhealthy: Duration,
    /// How long one may take in all; at most `every`, default 1 s or `every` if that is less.
    pub timeout: Duration,
    /// Passes in a row that bring a backend back that was down; 1 to 10, default 1. A new one needs one.
    pub rise: u8,
    /// Fails in a row that take a healthy backend down; 1 to 10, default 3.
    pub fall: u8,
}

impl ProbePlan {
    /// By default, with this check.
    #[must_use]
    pub fn new(check: Check) -> Self {
        Self {
            check,
            every: Duration::from_secs(2),
            every_unhealthy: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            rise: 1,
            fall: 3,
        }
    }
}

/// What a probe does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Check {
    /// Connects, and closes at once. `connect`
    Connect,
    /// Connects, says that nothing comes, and gives the server a moment to close: for servers of packets, some of which
    /// serve one connection at a time. `packet`
    Packet,
    /// One HTTP/1.1 request on a connection of its own. `http`
    Http(HttpCheck),
    /// `grpc.health.v1.Health/Check` over HTTP/2 without TLS. `grpc`
    Grpc {
        /// The service asked for; empty: the server as a whole.
        service: String,
    },
    /// A command that ends with 0. `exec`
    Exec {
        /// The program and its arguments; `{host}`, `{port}`, `{address}` and `{id}` stand for the backend's.
        command: Vec<String>,
    },
}

impl Check {
    /// The kinds there are, by their codes.
    pub const CODES: [&str; 5] = ["connect", "packet", "http", "grpc", "exec"];

    /// What kind it is, in configuration and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        Self::CODES[self.kind()]
    }

    /// The place of its kind in [`CODES`](Self::CODES).
    #[must_use]
    pub fn kind(&self) -> usize {
        match self {
            Self::Connect => 0,
            Self::Packet => 1,
            Self::Http(_) => 2,
            Self::Grpc { .. } => 3,
            Self::Exec { .. } => 4,
        }
    }
}

/// The request of an HTTP probe, and the response that passes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HttpCheck {
    /// Default `GET`.
    pub method: String,
    /// Path and query, default `/`.
    pub target: String,
    /// What `Host` says; `None`: the backend's address.
    pub host: Option<String>,
    /// Further fields, as written.
    pub headers: Vec<(String, String)>,
    /// The statuses that pass, first and last of each range; default 200 to 399.
    pub statuses: Vec<(u16, u16)>,
    /// What the first 64 KiB of the body have to contain; `None`: the body is not read.
    pub body_contains: Option<String>,
}

impl Default for HttpCheck {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            target: "/".to_owned(),
            host: None,
            headers: Vec::new(),
            statuses: vec![(200, 399)],
            body_contains: None,
        }
    }
}
