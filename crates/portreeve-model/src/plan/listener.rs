//! Where clients connect, and what they may use up.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::{Http2Plan, Name, RedirectPlan, TlsPlan};

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
    /// What it carries.
    pub carries: Carries,
    /// How it is secured; `None`: it is not.
    pub tls: Option<TlsPlan>,
    /// How it speaks HTTP/2.
    pub http2: Http2Plan,
    /// Peers that say by the PROXY protocol whose connection it is, which they have to; empty: nobody is asked.
    pub proxy_protocol: Vec<Network>,
    /// Where every request is sent instead of being served, but for those of ACME; `None`: they are served.
    pub redirect: Option<RedirectPlan>,
}

impl ListenerPlan {
    /// HTTP without TLS, by default in everything.
    #[must_use]
    pub fn new(name: Name, bind: Bind) -> Self {
        Self {
            name,
            bind,
            limits: ClientLimits::default(),
            trusted_proxies: Vec::new(),
            forwarded: false,
            packets: None,
            registration: false,
            carries: Carries::Http,
            tls: None,
            http2: Http2Plan::default(),
            proxy_protocol: Vec::new(),
            redirect: None,
        }
    }
}

/// What a listener carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Carries {
    /// Requests; packets beside them if it has `packets`. `http`
    #[default]
    Http,
    /// Connections, each as a whole to one backend. Its routes look at the host that a client names in its TLS
    /// handshake (SNI), and at its address. `tcp`
    Tcp,
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
