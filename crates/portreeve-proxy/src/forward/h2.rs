//! Connections to backends that speak HTTP/2, per worker: each carries many requests at once, as streams. A stream is
//! told as a connection of HTTP/1.1 (`stream::outward`), so whoever asks a backend sees no difference.
//!
//! ```text
//!   a request ──► a link with room ──► a stream of it
//!             └─► none has room ──► waits for the one that is being made, or has one made ──► a stream of it
//! ```

mod connecting;
mod driver;
mod io;
pub(crate) mod link;
mod toll;

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portreeve_model::plan::BackendLimits;
use portreeve_model::{Backend, BackendId, Cause, Pool};

use self::connecting::Connecting;
use self::link::Link;
use self::toll::Toll;
use super::idle::IdHasher;
use super::reach::trust_wanted;
use crate::conn::Conn;
use crate::worker::Worker;

/// The HTTP/2 connections of one worker. The key is the backend's identity, as for those of HTTP/1.
#[derive(Default)]
pub(crate) struct Http2Conns {
    of: RefCell<HashMap<BackendId, Links, BuildHasherDefault<IdHasher>>>,
}

/// Those of one backend.
struct Links {
    backend: Arc<Backend>,
    /// The oldest is filled first, so that the younger can end.
    links: Vec<Link>,
    connecting: Vec<Rc<Connecting>>,
    toll: Rc<Toll>,
    /// How many streams a new connection will probably take.
    room: u32,
    keep: Duration,
    idle_max: usize,
}

/// A stream of a connection that has room, or gets made within `timeout`, as long as the client waits. A backend whose
/// connections come to nothing gives [`Cause::BackendProtocol`], without another one being made.
pub(super) async fn connect(
    pool: &Arc<Pool>,
    backend: &Arc<Backend>,
    timeout: Duration,
    worker: &Rc<Worker>,
    mut client: Option<&mut Conn>,
) -> Result<Conn, Cause> {
    let deadline = Instant::now() + timeout;
    loop {
        let wanted = trust_wanted(pool, backend);
        if let Some(stream) = worker.http2.stream(backend, wanted, worker) {
            return Ok(stream);
        }
        let connecting = worker.http2.connecting(pool, backend, worker)?;
        connecting.wait(deadline, worker, client.as_deref_mut()).await?;
    }
}

impl Http2Conns {
    /// A stream of a connection that has room and was made under the trust that is `wanted`.
    pub(super) fn stream(&self, backend: &Backend, wanted: Option<u64>, worker: &Worker) -> Option<Conn> {
        let mut of = self.of.borrow_mut();
        let links = of.get_mut(&backend.id)?;
        let stream = links.links.iter().find_map(|link| link.open(wanted));
        links.links.retain(Link::takes_streams);
        stream.map(|stream| Conn::new(stream, &worker.wheel))
    }

    /// The connection that is being made and will have room for one more; else a new one, if there may be one.
    fn connecting(
        &self,
        pool: &Arc<Pool>,
        backend: &Arc<Backend>,
        worker: &Rc<Worker>,
    ) -> Result<Rc<Connecting>, Cause> {
        let wanted = trust_wanted(pool, backend);
        let mut of = self.of.borrow_mut();
        let links = of
            .entry(backend.id)
            .or_insert_with(|| Links::new(backend, &pool.limits));
        if let Some(connecting) = links.connecting.iter().find(|one| one.takes(wanted, links.room)) {
            return Ok(Rc::clone(connecting));
        }
        if links.toll.forbids(Instant::now()) {
            return Err(Cause::BackendProtocol);
        }
        let connecting = Connecting::begin(pool, backend, &links.toll, worker);
        links.connecting.push(Rc::clone(&connecting));
        Ok(connecting)
    }

    /// What was being made is there, or is not to be had.
    fn connected(&self, backend: &Backend, connecting: &Rc<Connecting>, link: Option<Link>) {
        let mut of = self.of.borrow_mut();
        let Some(links) = of.get_mut(&backend.id) else {
            return;
        };
        links.connecting.retain(|one| !Rc::ptr_eq(one, connecting));
        if let Some(link) = link {
            links.room = link.streams_max();
            links.links.push(link);
        }
    }

    /// No further request goes over the connections to this backend; those that are under way stay.
    pub(super) fn forget(&self, backend: BackendId) {
        if let Some(links) = self.of.borrow_mut().get_mut(&backend) {
            links.links.clear();
        }
    }

    /// Lets connections go that have been without a request for long, or are too many of those.
    pub(crate) fn sweep(&self, now: Instant) {
        self.of.borrow_mut().retain(|_, links| {
            links.sweep(now);
            !links.links.is_empty() || !links.connecting.is_empty() || !links.toll.is_clear(now)
        });
    }

    /// Lets those go that no request uses, to have file descriptors again.
    pub(crate) fn forget_idle(&self) {
        for links in self.of.borrow_mut().values_mut() {
            links.links.retain(|link| link.idle_since().is_none());
        }
    }

    /// No further request goes over connections that stand on what does not last; those that are under way stay.
    pub(crate) fn forget_passed(&self) {
        for links in self.of.borrow_mut().values_mut() {
            links.links.retain(Link::lasts);
        }
    }

    /// No further request goes to backends that are no longer there.
    pub(crate) fn forget_retired(&self) {
        self.of
            .borrow_mut()
            .retain(|_, links| !links.backend.is_retired());
    }
}

impl Links {
    fn new(backend: &Arc<Backend>, limits: &BackendLimits) -> Self {
        Self {
            backend: Arc::clone(backend),
            links: Vec::new(),
            connecting: Vec::new(),
            toll: Rc::default(),
            room: ROOM_EXPECTED,
            keep: if limits.keep_alive {
                limits.keep_alive_timeout
            } else {
                Duration::ZERO
            },
            idle_max: limits.idle_connections_max as usize,
        }
    }

    fn sweep(&mut self, now: Instant) {
        let mut idle = 0;
        let (keep, idle_max) = (self.keep, self.idle_max);
        self.links.retain(|link| {
            let Some(since) = link.idle_since() else {
                return link.takes_streams();
            };
            idle += 1;
            link.takes_streams() && idle <= idle_max && now.saturating_duration_since(since) < keep
        });
    }
}

/// RFC 9113 section 6.5.2 recommends that nobody allows fewer.
const ROOM_EXPECTED: u32 = 100;
