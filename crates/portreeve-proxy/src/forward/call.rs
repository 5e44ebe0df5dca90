//! What stays the same over all attempts to serve one request.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portreeve_http1::{Framing, HeadLimits};
use portreeve_model::plan::WaitingPage;
use portreeve_model::{Backend, Cause, Demanded, Listener, Pool, Route, spell_deadline};

use super::choose::Choice;
use crate::headers::{self, Via};
use crate::patience::Patience;
use crate::refusal::is_navigation;
use crate::request::{Request, Tunnel, View};
use crate::serve::client::Peer;
use crate::worker::Worker;

/// Where a request may go.
pub(crate) struct Admitted<'a> {
    pub(crate) route: &'a Arc<Route>,
    pub(crate) pool: &'a Arc<Pool>,
    pub(crate) group: Demanded<'a>,
}

/// One request, where it goes, and how it is sent there.
pub(crate) struct Call<'a> {
    pub(crate) listener: &'a Listener,
    pub(crate) route: &'a Arc<Route>,
    /// The route's pool, or another one that takes a share.
    pub(crate) pool: &'a Arc<Pool>,
    /// Who may serve it.
    pub(crate) group: Demanded<'a>,
    pub(crate) view: &'a View<'a>,
    peer: &'a Peer,
    /// When all must be over.
    pub(crate) until: Option<Instant>,
    /// Backends that were ejected because of how they served it.
    pub(crate) ejections: Cell<u8>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        admitted: Admitted<'a>,
        listener: &'a Listener,
        view: &'a View<'a>,
        peer: &'a Peer,
        started: Instant,
    ) -> Self {
        let Admitted { route, pool, group } = admitted;
        let allowed = [pool.limits.total_timeout, route.time_allowed(view)];
        Self {
            listener,
            route,
            pool,
            group,
            view,
            peer,
            until: allowed.into_iter().flatten().min().map(|total| started + total),
            ejections: Cell::new(0),
        }
    }

    /// How its backends are chosen.
    pub(crate) fn choice(&self, worker: &Worker) -> Choice<'_> {
        Choice {
            pool: self.pool,
            group: &self.group,
            key: self.group.key(self.view),
            sticky: self.sticky_key(worker),
            priority: self.route.priority(self.view),
            until: self.until,
            ejections: &self.ejections,
            bytes: self.request().head.bytes().len() as u64,
            page: self.page(),
        }
    }

    /// What a browser is shown instead of waiting.
    fn page(&self) -> Option<&WaitingPage> {
        let page = self.pool.plan().hold.page.as_ref()?;
        is_navigation(self.request()).then_some(page)
    }

    /// Where a sticky client has been.
    fn sticky_key(&self, worker: &Worker) -> Option<u64> {
        let plan = self.pool.plan().sticky.as_ref()?;
        worker.sticky.read(plan, &self.pool.name, self.view)
    }

    /// The cookie for a client that was served by another backend than it asked for.
    pub(crate) fn cookie(&self, was: Option<u64>, backend: &Backend, worker: &Worker) -> Option<String> {
        let plan = self.pool.plan().sticky.as_ref()?;
        let key = backend.sticky_key();
        (was != Some(key)).then(|| worker.sticky.write(plan, &self.pool.name, key))
    }

    pub(crate) fn request(&self) -> &'a Request {
        self.view.request
    }

    /// Whether the request may be done twice: by its method, or as the client says (RFC 9110 section 9.2.2).
    pub(crate) fn may_repeat(&self) -> bool {
        let mark = self.pool.plan().retry.marked_by.as_deref();
        self.request().is_idempotent()
            || mark.is_some_and(|mark| self.request().head.named(mark).next().is_some())
    }

    /// Whether the request can be sent a second time after a backend may have seen it, without anything remembered.
    pub(crate) fn is_replayable(&self) -> bool {
        self.has_no_body() && self.may_repeat()
    }

    /// What a failure may be held against the backend for: not that it has no tunnels, for which any client may ask.
    pub(crate) fn blamed(&self, cause: Option<Cause>) -> Option<Cause> {
        let has_no_tunnels =
            |cause: &Cause| *cause == Cause::BackendProtocol && self.request().tunnel != Tunnel::None;
        cause.filter(|cause| !has_no_tunnels(cause))
    }

    /// Bytes of the body that are remembered so that they can be sent again; 0 if they need not be. Where a backend may
    /// say that it did nothing with it, every body may have to be.
    pub(crate) fn remembered_max(&self, may_be_refused: bool) -> u64 {
        let most = u64::from(self.pool.plan().retry.body_bytes_max);
        match self.request().framing {
            Framing::Exact(length) if length <= most && (may_be_refused || self.may_repeat()) => most,
            Framing::Chunked if may_be_refused => most,
            _ => 0,
        }
    }

    /// Whether the pool's retry budget has room for one more.
    pub(crate) fn pays(&self, worker: &Worker) -> bool {
        self.pool
            .shared
            .budget
            .spend(&self.pool.plan().retry, worker.now())
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
            is_secured: self.peer.secured.is_some(),
            certificate: self.certificate(),
            certificate_fields: &self.listener.certificate_fields,
            deadline: self.deadline(),
        };
        headers::write_request(self.request(), &via, backend, self.pool.limits.keep_alive, out);
    }

    /// Whose certificate the client has shown, where the listener has a field for it.
    fn certificate(&self) -> Option<(&'a str, &'a [Box<str>])> {
        let clients = self.listener.tls.as_ref()?.clients.as_ref()?;
        Some((clients.header.as_deref()?, self.peer.certificate_names()))
    }

    /// What the backend is told of how long we wait.
    fn deadline(&self) -> Option<(&'a str, String)> {
        let name = self.route.deadline_field(self.view)?;
        let left = self.until?.saturating_duration_since(Instant::now());
        Some((name, spell_deadline(name, left)))
    }

    /// For waits until the client sends its body.
    pub(crate) fn client_sends(&self) -> Patience {
        let limits = &self.listener.limits;
        Patience::new(limits.body_idle_timeout, limits.rate_min, self.until)
    }

    /// For the wait of a client that wants to be told to go on: the backend's time runs meanwhile, not the client's.
    pub(crate) fn client_waits(&self) -> Patience {
        Patience::new(self.pool.limits.first_byte_timeout * 2, None, self.until)
    }

    /// For waits until the client takes the response.
    pub(crate) fn client_takes(&self) -> Patience {
        self.client_sends()
    }

    /// For waits until the backend sends or takes a body.
    pub(crate) fn backend_moves(&self) -> Patience {
        Patience::new(self.pool.limits.idle_timeout, None, self.until)
    }

    /// For the wait until the backend's response head.
    pub(crate) fn backend_answers(&self) -> Patience {
        let limit = self.pool.limits.first_byte_timeout;
        let limit = self
            .pool
            .plan()
            .retry
            .attempt_timeout
            .map_or(limit, |attempt| attempt.min(limit));
        Patience::new(limit, None, self.until)
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
        let limits = &self.pool.limits;
        HeadLimits {
            bytes_max: limits.head_bytes_max as usize,
            fields_max: usize::from(limits.fields_max),
            target_max: usize::MAX,
        }
    }
}
