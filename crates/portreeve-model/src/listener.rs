//! A place where clients connect.

use std::sync::Arc;

use crate::network::Networks;
use crate::plan::{Bind, ClientLimits, Name};
use crate::route::RequestView;
use crate::router::{Routed, Router};
use crate::stats::ListenerStats;

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
    /// What it has accepted; the same for as long as a listener of this name exists.
    pub stats: Arc<ListenerStats>,
    pub(crate) router: Router,
}

impl Listener {
    /// The most specific route that accepts the request.
    pub fn route(&self, request: &dyn RequestView) -> Routed<'_> {
        self.router.route(request)
    }
}
