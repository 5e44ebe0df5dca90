//! What the operator asked for, checked and with every default filled in: the one input from which, together with
//! what names resolve to, a [`Snapshot`](crate::Snapshot) is built.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::policy::{Policies, Policy};

/// A listener's, route's or pool's name: 1 to 64 bytes of `a-z A-Z 0-9 - _ .`; unique among its kind.
pub type Name = Arc<str>;

/// The whole of what the data plane is told to do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Where clients connect; at least one in a checked plan.
    pub listeners: Vec<ListenerPlan>,
    /// In the order of the file; the order decides only between routes that are equally specific.
    pub routes: Vec<RoutePlan>,
    /// Every pool that a route names, and perhaps more.
    pub pools: Vec<PoolPlan>,
    /// What is to be known of single policies; those that are not here are as by default.
    pub policies: Vec<PolicyPlan>,
    /// Who may register backends.
    pub registration: RegistrationPlan,
}

/// One place where clients connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerPlan {
    /// As in `[listener.NAME]`.
    pub name: Name,
    /// Where it listens.
    pub bind: Bind,
    /// What a client may use up.
    pub limits: ClientLimits,
    /// Peers whose `Forwarded` and `X-Forwarded-*` are believed; empty: nobody's.
    pub trusted_proxies: Vec<Network>,
    /// Whether `Forwarded` (RFC 7239) is written beside `X-Forwarded-*`.
    pub forwarded: bool,
    /// Whether packets are served here beside HTTP, and how.
    pub packets: Option<PacketPlan>,
    /// Whether backends may register here: by HTTP, and by setup packets if packets are served.
    pub registration: bool,
}

/// How a listener serves packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketPlan {
    /// Whose backends serve them.
    pub pool: Name,
    /// Bytes of a request's payload, decoded, as UTF-8; at most 64 KiB, default 1,024.
    pub payload_bytes_max: u32,
    /// Bytes of a packet as a whole; default 64 KiB, which is also the most.
    pub packet_bytes_max: u32,
    /// How long a client may be silent between packets or within one; default 10 s.
    pub idle_timeout: Duration,
    /// Whether the connection is closed after each answer; default no.
    pub closes_after_answer: bool,
    /// Whether connections to servers are kept for later packets; default no, since some servers serve one at a time.
    pub keep_alive: bool,
}

impl PacketPlan {
    /// By default, with this pool.
    #[must_use]
    pub fn new(pool: Name) -> Self {
        Self {
            pool,
            payload_bytes_max: 1_024,
            packet_bytes_max: 64 * 1024,
            idle_timeout: Duration::from_secs(10),
            closes_after_answer: false,
            keep_alive: false,
        }
    }
}

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Bind {
    /// TCP over IPv4 or IPv6; port 0 asks the kernel for a free one.
    Tcp(SocketAddr),
    /// A Unix stream socket at this path.
    Unix(PathBuf),
}

/// An IP network in CIDR form; `prefix` is at most 32 for IPv4 and 128 for IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// Any address of the network.
    pub address: IpAddr,
    /// How many leading bits count.
    pub prefix: u8,
}

/// What one client, or all clients of a listener together, may use up. `None` always means "no bound".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientLimits {
    /// Bytes of request line and fields together; default 32 KiB, at most 60 KiB.
    pub head_bytes_max: u32,
    /// Number of fields in a head or trailer section; default 128.
    pub fields_max: u16,
    /// Bytes of the request target; default 16 KiB.
    pub target_bytes_max: u32,
    /// From a connection's or a request's first moment until its head is complete; default 10 s.
    pub head_timeout: Duration,
    /// How long a connection may be idle between two requests; default 75 s.
    pub keep_alive_timeout: Duration,
    /// The longest silence within a request body, or within the sending of a response; default 30 s.
    pub body_idle_timeout: Duration,
    /// The least bytes per second that a client must send of a body, or take of a response, after a grace of 5 s, while we wait for it; default 240.
    pub rate_min: Option<u32>,
    /// Bytes of a request body; default none.
    pub body_bytes_max: Option<u64>,
    /// Connections open at once on this listener; default 10,000.
    pub connections_max: u32,
    /// Connections open at once from one address, trusted proxies excepted; default 2,048.
    pub connections_per_client_max: Option<u32>,
    /// How long a new connection waits for a slot when the listener is full, before it is refused with 503; default 1 s.
    pub full_wait: Duration,
    /// After so many requests a connection is closed politely; default 10,000.
    pub requests_per_connection_max: Option<u32>,
    /// The longest silence of a tunnel (after `Upgrade` or `CONNECT`), both directions together; default 1 h.
    pub tunnel_idle_timeout: Duration,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            head_bytes_max: 32 * 1024,
            fields_max: 128,
            target_bytes_max: 16 * 1024,
            head_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(75),
            body_idle_timeout: Duration::from_secs(30),
            rate_min: Some(240),
            body_bytes_max: None,
            connections_max: 10_000,
            connections_per_client_max: Some(2_048),
            full_wait: Duration::from_secs(1),
            requests_per_connection_max: Some(10_000),
            tunnel_idle_timeout: Duration::from_secs(3_600),
        }
    }
}

/// One rule that sends requests to a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePlan {
    /// As in `[route.NAME]`.
    pub name: Name,
    /// The listeners it serves; empty: all.
    pub listeners: Vec<Name>,
    /// Any of these hosts; empty: any host.
    pub hosts: Vec<HostPattern>,
    /// Any of these paths; empty: any path.
    pub paths: Vec<PathPattern>,
    /// Any of these methods, compared exactly; empty: any method.
    pub methods: Vec<String>,
    /// All of these fields.
    pub headers: Vec<HeaderPattern>,
    /// Where matching requests go.
    pub pool: Name,
    /// Where the policies come from that its requests demand, all of them together; empty: none is demanded.
    pub demands: Vec<DemandPlan>,
    /// Whether its requests are written to the ledger, whatever their policies say.
    pub ledger: LedgerMode,
}

/// One place from which a route takes the policies that a request demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemandPlan {
    /// Where to look.
    pub from: PolicySource,
    /// The policies that may be asked for; empty: any that a backend of the pool upholds.
    pub accepts: Policies,
    /// What is demanded of a request that names none; empty: see `is_optional`.
    pub otherwise: Policies,
    /// Whether a request that names none, where nothing stands in for it, may go to any backend of the pool; default
    /// no: it is refused.
    pub is_optional: bool,
}

/// Where policies are read. Several are separated by commas; from a cookie, query field or path segment they are
/// percent-decoded (RFC 3986 section 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySource {
    /// These, whatever the request says.
    Fixed(Policies),
    /// A header field, all of its lines; the name in lower case.
    Header(String),
    /// A cookie's value.
    Cookie(String),
    /// A field of the query.
    Query(String),
    /// A label of the host, the first (leftmost) is 1.
    HostLabel(u8),
    /// A segment of the path, the first is 1.
    PathSegment(u8),
}

/// Whether requests are written to the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum LedgerMode {
    /// They are not. `off`
    #[default]
    Off,
    /// They are; where the ledger cannot keep up, what it lacks is counted. `on`
    On,
    /// They are, or they are refused. `required`
    Required,
}

/// What is to be known of one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyPlan {
    /// As in `[policy.NAME]`.
    pub policy: Policy,
    /// Whether requests that demand it are written to the ledger.
    pub ledger: LedgerMode,
}

/// Who may register backends, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationPlan {
    /// Where registrations may come from; default the loopback networks.
    pub networks: Vec<Network>,
    /// Whether those that come from elsewhere than loopback need no token; default no.
    pub is_insecure: bool,
    /// Whether link-local and metadata addresses may be registered; default no.
    pub allows_link_local: bool,
    /// Registrations at once, in all; default 20,000.
    pub registrations_max: u32,
    /// Registrations at once from one address; default 1,024.
    pub per_source_max: u32,
    /// Registrations at once by one token; default 1,024.
    pub per_token_max: u32,
}

impl Default for RegistrationPlan {
    fn default() -> Self {
        let loopback = |address: IpAddr, prefix| Network { address, prefix };
        Self {
            networks: vec![
                loopback([127, 0, 0, 0].into(), 8),
                loopback(std::net::Ipv6Addr::LOCALHOST.into(), 128),
            ],
            is_insecure: false,
            allows_link_local: false,
            registrations_max: 20_000,
            per_source_max: 1_024,
            per_token_max: 1_024,
        }
    }
}

/// What a route asks of the host: compared without case and without port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// `shop.example.com`, in lower case.
    Exact(String),
    /// `*.example.com`, kept as `.example.com` in lower case: one or more labels before it.
    Suffix(String),
}

/// What a route asks of the path (without the query), after the normalisation that matching uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathPattern {
    /// `/api/users`: this very path.
    Exact(String),
    /// `/api/*`, kept as `/api/`: every path that begins so.
    Prefix(String),
}

/// What a route asks of a header field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HeaderPattern {
    /// The field's name, in lower case.
    pub name: String,
    /// The exact value that one of its lines must have; `None`: it must be there.
    pub value: Option<String>,
}

/// Backends that serve the same thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolPlan {
    /// As in `[pool.NAME]`.
    pub name: Name,
    /// The backends the file names.
    pub targets: Vec<Target>,
    /// How one of them is chosen.
    pub balance: BalancePlan,
    /// What a backend may make us wait for.
    pub limits: BackendLimits,
    /// How often names are looked up again; default 10 s.
    pub resolve_every: Duration,
    /// Whether backends may register in it, and how long that counts; `None`: they may not.
    pub members: Option<MembersPlan>,
}

impl PoolPlan {
    /// A pool of this name in which nobody is and nobody can register.
    #[must_use]
    pub fn empty(name: Name) -> Self {
        Self {
            name,
            targets: Vec::new(),
            balance: BalancePlan::default(),
            limits: BackendLimits::default(),
            resolve_every: Duration::from_secs(10),
            members: None,
        }
    }
}

/// How long registrations in a pool count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembersPlan {
    /// How long a registration that says nothing else counts without a heartbeat; default 10 s.
    pub ttl: Duration,
    /// The longest that a registration may ask for; default 1 h.
    pub ttl_max: Duration,
    /// How long an expired registration is still known (its policies too) before it is forgotten; default 60 s.
    pub grace: Duration,
}

impl Default for MembersPlan {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(10),
            ttl_max: Duration::from_secs(3_600),
            grace: Duration::from_secs(60),
        }
    }
}

/// A backend as the file names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// Where it is.
    pub address: TargetAddress,
    /// Its share under weighted balancing, 1 to 1,000; default 1.
    pub weight: u16,
    /// What it upholds; those of the whole pool included.
    pub policies: Policies,
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

/// How access records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecordFormat {
    /// One JSON object a line, with every phase. `json`
    #[default]
    Json,
    /// The common combined format of NCSA and Apache. `combined`
    Combined,
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
