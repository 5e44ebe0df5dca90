//! A place where clients connect.

use std::sync::Arc;

use crate::network::Networks;
use crate::plan::{Bind, ClientLimits, Name, PacketPlan};
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
    /// Where the data plane says that it could not reach a backend.
    pub suspicions: Arc<Suspicions>,
    /// What it has accepted; the same for as long as a listener of this name exists.
    pub stats: Arc<ListenerStats>,
    pub(crate) router: Router,
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
}
