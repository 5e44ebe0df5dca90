//! Backends that serve the same thing, and how one of them is chosen and used.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{
    BackendTlsPlan, EjectionPlan, FailMode, HedgePlan, HoldPlan, InFlightPlan, MembersPlan, Name, ProbePlan,
    RetryPlan, ScalePlan, Scheme,
};
use crate::policy::Policies;

/// Backends that serve the same thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolPlan {
    /// As in `[pool.NAME]`.
    pub name: Name,
    /// The backends the file names.
    pub targets: Vec<Target>,
    /// What is spoken with those that register.
    pub scheme: Scheme,
    /// How connections are secured where the scheme says so.
    pub tls: BackendTlsPlan,
    /// Whether backends are told by the PROXY protocol whose connection it is, and in which version (1 or 2); for pools
    /// that carry bytes.
    pub proxy_protocol: Option<u8>,
    /// How one of them is chosen.
    pub balance: BalancePlan,
    /// What a backend may make us wait for.
    pub limits: BackendLimits,
    /// How often names are looked up again; default 10 s.
    pub resolve_every: Duration,
    /// Whether backends may register in it, and how long that counts; `None`: they may not.
    pub members: Option<MembersPlan>,
    /// How its backends are probed; `None`: only when there is a reason.
    pub probe: Option<ProbePlan>,
    /// When a backend is left alone because of how it serves.
    pub ejection: EjectionPlan,
    /// When a request is sent to another backend.
    pub retry: RetryPlan,
    /// When a second attempt is begun beside one that takes long; default never.
    pub hedge: Option<HedgePlan>,
    /// How many requests a backend may have in flight.
    pub in_flight: InFlightPlan,
    /// What becomes of a request that finds no backend with room.
    pub hold: HoldPlan,
    /// What becomes of a request when no backend is healthy.
    pub fail_mode: FailMode,
    /// Over how long a backend's share rises from a tenth to all of it after it joined or came back; default zero: it
    /// gets all at once.
    pub slow_start: Duration,
    /// Whether and how a client stays with its backend.
    pub sticky: Option<StickyPlan>,
    /// How it grows and shrinks by itself; `None`: it does not.
    pub scale: Option<ScalePlan>,
}

/// A cookie by which a client stays with the backend that served it first, for as long as that may serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StickyPlan {
    /// The cookie's name; default `portreeve`. Its value is signed, and says nothing about the backend.
    pub cookie: String,
    /// `Max-Age` of the cookie; `None`: it ends with the browser's session.
    pub max_age: Option<Duration>,
    /// Whether it is only sent over TLS (`Secure`).
    pub is_secure: bool,
}

impl PoolPlan {
    /// A pool of this name in which nobody is and nobody can register.
    #[must_use]
    pub fn empty(name: Name) -> Self {
        Self {
            name,
            targets: Vec::new(),
            scheme: Scheme::default(),
            tls: BackendTlsPlan::default(),
            proxy_protocol: None,
            balance: BalancePlan::default(),
            limits: BackendLimits::default(),
            resolve_every: Duration::from_secs(10),
            members: None,
            probe: None,
            ejection: EjectionPlan::default(),
            retry: RetryPlan::default(),
            hedge: None,
            in_flight: InFlightPlan::default(),
            hold: HoldPlan::default(),
            fail_mode: FailMode::default(),
            slow_start: Duration::ZERO,
            sticky: None,
            scale: None,
        }
    }
}

/// A backend as the file names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// Where it is.
    pub address: TargetAddress,
    /// What is spoken with it.
    pub scheme: Scheme,
    /// Its share under weighted balancing, 1 to 1,000; default 1.
    pub weight: u16,
    /// What it upholds; those of the whole pool included.
    pub policies: Policies,
    /// Where it is; `None`: anywhere.
    pub zone: Option<Name>,
    /// Whether it serves only while no other may.
    pub is_backup: bool,
}

impl Target {
    /// One of weight 1 that upholds nothing and is anywhere.
    #[must_use]
    pub fn new(address: TargetAddress) -> Self {
        Self {
            address,
            scheme: Scheme::default(),
            weight: 1,
            policies: Policies::none(),
            zone: None,
            is_backup: false,
        }
    }
}

/// Where a backend is, before names are resolved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TargetAddress {
    /// An address that needs no lookup.
    Socket(SocketAddr),
    /// A name to look up, and a port.
    Host {
        /// As written, without scheme or port.
        host: String,
        /// 1 to 65,535.
        port: u16,
    },
    /// A Unix stream socket.
    Unix(PathBuf),
}

/// How a backend is chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BalancePlan {
    /// In turn, by weight, smoothly. `round-robin`
    #[default]
    RoundRobin,
    /// The fewest requests in flight per weight. `least-requests`
    LeastRequests,
    /// Any, by weight. `random`
    Random,
    /// The less busy of two drawn at random. `two-choices`
    TwoChoices,
    /// Of two drawn at random the one whose answer is expected first. `peak-ewma`
    PeakEwma,
    /// Of some drawn at random the quickest of those that are not among the busiest. `prequal`
    Prequal,
    /// The less busy of two drawn at random, of whom those that say that they are loaded are drawn less.
    /// `reported-load`
    ReportedLoad,
    /// The same key to the same backend while it is there. `hash`
    Hash(HashKey),
    /// The first in the file that is available. `first`
    First,
}

/// What consistent hashing looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashKey {
    /// A header field's first value; the name in lower case.
    Header(String),
    /// A cookie's value.
    Cookie(String),
    /// The client's IP address.
    ClientAddress,
    /// The path without the query, as the client wrote it.
    Path,
}

/// What a backend may make us wait for, and how we use it. `None` always means "no bound".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendLimits {
    /// Until a connection is made; default 5 s.
    pub connect_timeout: Duration,
    /// From the request's last byte until the response head is complete; default 60 s.
    pub first_byte_timeout: Duration,
    /// The longest silence within a response body, or while the backend does not take the request body; default 60 s.
    pub idle_timeout: Duration,
    /// From the request's head until the response's end; default none.
    pub total_timeout: Option<Duration>,
    /// Bytes of a response head; default 60 KiB, which is also the most.
    pub head_bytes_max: u32,
    /// Number of fields in a response head; default 256.
    pub fields_max: u16,
    /// How many backends one request may try, the first included; 1 to 8, default 3.
    pub attempts_max: u8,
    /// Whether connections are kept for later requests; default yes.
    pub keep_alive: bool,
    /// How long a kept connection may be idle; default 60 s.
    pub keep_alive_timeout: Duration,
    /// Idle connections kept per backend and thread; default 1,024.
    pub idle_connections_max: u32,
}

impl Default for BackendLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(60),
            total_timeout: None,
            head_bytes_max: 60 * 1024,
            fields_max: 256,
            attempts_max: 3,
            keep_alive: true,
            keep_alive_timeout: Duration::from_secs(60),
            idle_connections_max: 1_024,
        }
    }
}
