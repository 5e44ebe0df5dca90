//! A place where clients connect.

use std::sync::Arc;

use crate::network::Networks;
use crate::plan::{Bind, Carries, ClientLimits, Http2Plan, Name, PacketPlan, TlsPlan};
use crate::route::{RequestView, Route};
use crate::router::{Routed, Router};
use crate::stats::ListenerStats;
use crate::suspicions::Suspicions;

/// A place where clients connect, and the routes that it serves.
#[derive(Debug)]
pub struct Listener {
    /// As in `[listener.NAME]`.
    pub name: Name,
    /// Where it listens.
    pub bind: Bind,
    /// What a client may use up.
    pub limits: ClientLimits,
    /// Peers whose `Forwarded` and `X-Forwarded-*` are believed.
    pub trusted_proxies: Networks,
    /// Whether `Forwarded` (RFC 7239) is written beside `X-Forwarded-*`.
    pub forwarded: bool,
    /// The number of the snapshot that it belongs to.
    pub sequence: u64,
    /// How packets are served here beside HTTP, if they are.
    pub packets: Option<Packets>,
    /// Whether backends may register here.
    pub registration: bool,
    /// What it carries.
    pub carries: Carries,
    /// How it is secured; `None`: it is not.
    pub tls: Option<Arc<TlsPlan>>,
    /// The request fields, in lower case, by which any listener tells backends whose certificate a client has shown: as
    /// routes may serve several, no client of any of them may write one.
    pub certificate_fields: Arc<[Box<str>]>,
    /// How it speaks HTTP/2.
    pub http2: Http2Plan,
    /// Peers that have to say by the PROXY protocol whose connection it is.
    pub proxy_protocol: Networks,
    /// Where every request is sent instead of being served.
    pub redirect: Option<Redirect>,
    /// Where the data plane says that it could not reach a backend.
    pub suspicions: Arc<Suspicions>,
    /// What it has accepted; the same for as long as a listener of this name exists.
    pub stats: Arc<ListenerStats>,
    pub(crate) router: Router,
}

/// Where a listener without TLS sends its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redirect {
    /// Of the TLS listener, as the plan has it.
    pub port: u16,
    /// Of the response.
    pub status: u16,
}

/// How a listener serves packets.
#[derive(Debug)]
pub struct Packets {
    /// The bounds of it.
    pub plan: PacketPlan,
    /// Where packets go, and what is counted of them.
    pub route: Arc<Route>,
}

impl Listener {
    /// The most specific route that accepts the request.
    pub fn route(&self, request: &dyn RequestView) -> Routed<'_> {
        self.router.route(request)
    }

    /// Whether any route, or what it demands, looks at the host: else a connection that is carried as it is need not
    /// be asked for it.
    #[must_use]
    pub fn asks_host(&self) -> bool {
        self.router.asks_host()
    }
}
