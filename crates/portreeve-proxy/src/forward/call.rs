//! What stays the same over all attempts to serve one request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use portreeve_http1::{Framing, HeadLimits};
use portreeve_model::{Backend, Demanded, Listener, Pool, Route};

use crate::headers::{self, Via};
use crate::patience::Patience;
use crate::request::{Request, View};
use crate::serve::client::Peer;

/// One request, where it goes, and how it is sent there.
pub(crate) struct Call<'a> {
    pub(crate) listener: &'a Listener,
    pub(crate) route: &'a Arc<Route>,
    /// Who may serve it.
    pub(crate) group: Demanded<'a>,
    pub(crate) view: &'a View<'a>,
    peer: &'a Peer,
    /// When all must be over.
    pub(crate) until: Option<Instant>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        listener: &'a Listener,
        route: &'a Arc<Route>,
        group: Demanded<'a>,
        view: &'a View<'a>,
        peer: &'a Peer,
    ) -> Self {
        Self {
            listener,
            route,
            group,
            view,
            peer,
            until: None,
        }
    }

    pub(crate) fn begin(&mut self, started: Instant, pool: &Pool) {
        self.until = pool.limits.total_timeout.map(|total| started + total);
    }

    pub(crate) fn request(&self) -> &'a Request {
        self.view.request
    }

    /// Whether the request can be sent a second time after a backend may have seen it.
    pub(crate) fn is_replayable(&self) -> bool {
        self.request().is_idempotent() && self.request().framing == Framing::Empty
    }

    pub(crate) fn has_no_body(&self) -> bool {
        self.request().framing == Framing::Empty
    }

    pub(crate) fn is_overdue(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// `limit`, or what is left of the total time if that is less.
    pub(crate) fn time_left(&self, limit: Duration) -> Duration {
        self.until.map_or(limit, |until| {
            limit.min(until.saturating_duration_since(Instant::now()))
        })
    }

    /// Writes the head as the backend gets it.
    pub(crate) fn write_head(&self, backend: &Backend, out: &mut Vec<u8>) {
        let via = Via {
            client: &self.peer.text,
            trusted: self.peer.is_trusted(self.listener),
            forwarded: self.listener.forwarded,
        };
        headers::write_request(
            self.request(),
            &via,
            backend,
            self.route.pool.limits.keep_alive,
            out,
        );
    }

    /// For waits until the client sends its body.
    pub(crate) fn client_sends(&self) -> Patience {
        let limits = &self.listener.limits;
        Patience::new(limits.body_idle_timeout, limits.rate_min, self.until)
    }

    /// For the wait of a client that wants to be told to go on: the backend's time runs meanwhile, not the client's.
    pub(crate) fn client_waits(&self) -> Patience {
        Patience::new(self.route.pool.limits.first_byte_timeout * 2, None, self.until)
    }

    /// For waits until the client takes the response.
    pub(crate) fn client_takes(&self) -> Patience {
        self.client_sends()
    }

    /// For waits until the backend sends or takes a body.
    pub(crate) fn backend_moves(&self) -> Patience {
        Patience::new(self.route.pool.limits.idle_timeout, None, self.until)
    }

    /// For the wait until the backend's response head.
    pub(crate) fn backend_answers(&self) -> Patience {
        Patience::new(self.route.pool.limits.first_byte_timeout, None, self.until)
    }

    /// For trailers, which have no target.
    pub(crate) fn request_limits(&self) -> HeadLimits {
        let limits = &self.listener.limits;
        HeadLimits {
            bytes_max: limits.head_bytes_max as usize,
            fields_max: usize::from(limits.fields_max),
            target_max: usize::MAX,
        }
    }

    pub(crate) fn response_limits(&self) -> HeadLimits {
        let limits = &self.route.pool.limits;
        HeadLimits {
            bytes_max: limits.head_bytes_max as usize,
            fields_max: usize::from(limits.fields_max),
            target_max: usize::MAX,
        }
    }
}
