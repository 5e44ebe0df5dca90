//! What a backend says of itself when it registers, and by what right.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::network::Networks;
use crate::plan::{Name, Network, SanPattern};
use crate::policy::Policies;

/// By what a registered backend, a member of its pool, is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberKey {
    /// Where it registered.
    pub pool: Name,
    /// Unique in the pool: 1 to 128 bytes of visible ASCII without `/`. That of a packet server is `ID@POLICY`, as
    /// the same server in two policies is two registrations.
    pub id: Arc<str>,
}

impl fmt::Display for MemberKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.pool, self.id)
    }
}

/// What a backend says of itself; its form is checked, its right to say so not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Who it is.
    pub key: MemberKey,
    /// Where it is.
    pub address: SocketAddr,
    /// What it upholds; at most [`Policies::UPHELD_MAX`].
    pub policies: Policies,
    /// Its share under weighted balancing, 1 to 1,000.
    pub weight: u16,
    /// How long its word counts.
    pub term: Term,
    /// A packet server that writes `type` as text; it is asked in the same spelling.
    pub spells_types_as_text: bool,
    /// Where it says it is; `None`: anywhere.
    pub zone: Option<Name>,
    /// Whether it wants to serve only while no other may.
    pub is_backup: bool,
}

/// How long a registration counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// For this long after each heartbeat; `None`: the pool's default.
    Heartbeats(Option<Duration>),
    /// As long as probes pass, and the pool's grace beyond: a packet server that registered once.
    Probes,
}

/// What a heartbeat carries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Beat {
    /// How busy it says it is: 0 idle, 1 full.
    pub load: Option<f32>,
    /// How many requests it says it has in flight, from everybody.
    pub in_flight: Option<u32>,
    /// Which version of itself it says it is: at most [`VERSION_BYTES_MAX`](Self::VERSION_BYTES_MAX) are kept; `None`: as
    /// before.
    pub version: Option<Arc<str>>,
    /// Whether it wants no new requests; `None`: as before.
    pub is_draining: Option<bool>,
}

impl Beat {
    /// The longest version that is kept.
    pub const VERSION_BYTES_MAX: usize = 64;
}

/// Who sends a registration, renewal or deregistration.
#[derive(Debug, Clone, Default)]
pub struct Sender {
    /// The other end of the connection; `None` over a Unix socket.
    pub source: Option<IpAddr>,
    /// The token it showed, or that is for the certificate that it showed; it was checked to be the right one.
    pub token: Option<Arc<Token>>,
}

/// A token's public name: 1 to 32 characters.
pub type TokenId = Arc<str>;

/// A certificate that a client has shown and a TLS handshake has verified, as far as it says who the client is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCertificate {
    /// Its names (SAN, RFC 5280 section 4.2.1.6), each with its kind: `URI:spiffe://example.com/api`. Perhaps none.
    pub names: Box<[Box<str>]>,
    /// Until when it is valid, in milliseconds since 1970; a connection may live longer.
    pub until_unix_ms: u64,
}

/// What the holder of a token may do. The secret is not here, only what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its public name.
    pub id: TokenId,
    /// Who has it: clients with a certificate of such a name; `None`: whoever knows its secret.
    pub certificate: Option<SanPattern>,
    /// In these pools; empty: in any.
    pub pools: Vec<Name>,
    /// With these policies.
    pub policies: PolicyScope,
    /// With addresses in these networks (`0.0.0.0/0` and `::/0` have all of their kind); empty: with the sender's own
    /// address only, where all of loopback is one host.
    pub networks: Vec<Network>,
    /// With at most this weight.
    pub weight_max: u16,
    /// With at most this time between heartbeats; `None`: as the pool allows.
    pub ttl_max: Option<Duration>,
    /// Until then, in milliseconds since 1970; `None`: until it is revoked.
    pub expires_unix_ms: Option<u64>,
}

/// The policies that a token allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyScope {
    /// All there are and will be.
    Any,
    /// Only these.
    These(Policies),
}

impl Token {
    /// Whether it has run out.
    #[must_use]
    pub fn is_expired(&self, unix_ms: u64) -> bool {
        self.expires_unix_ms.is_some_and(|end| unix_ms >= end)
    }

    /// Whether an address is in one of its networks.
    #[must_use]
    pub fn names(&self, address: IpAddr) -> bool {
        Networks::new(&self.networks).contains(address)
    }
}

/// A moment as the registry counts: it has no clock of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Since the process started, never going back; leases are counted in it.
    pub since_start: Duration,
    /// Milliseconds since 1970; for what people read and for tokens that expire.
    pub unix_ms: u64,
}
