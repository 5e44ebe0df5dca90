//! The way to a backend, whatever is spoken with it: a connection that is there, or a new one.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portreeve_model::{Backend, Cause, Pool};

use super::{connect, h2};
use crate::conn::Conn;
use crate::worker::Worker;

/// A connection that waits for a request, or a stream of one that others use too.
pub(super) fn kept(pool: &Pool, backend: &Backend, worker: &Worker, now: Instant) -> Option<Conn> {
    let wanted = trust_wanted(pool, backend);
    if pool.scheme_of(backend).is_http2() {
        return worker.http2.stream(backend, wanted, worker);
    }
    worker.idle.take(backend.id, wanted, now)
}

/// Under which trust a connection to that backend has to have been made; `None`: it is one without TLS.
pub(crate) fn trust_wanted(pool: &Pool, backend: &Backend) -> Option<u64> {
    let is_tls = pool.scheme_of(backend).is_tls();
    is_tls.then(|| pool.plan().tls.trust)
}

/// A new connection, or a stream of one that has room or is made now, within `timeout` and as long as the client, if
/// there is one to look at, waits.
pub(super) async fn anew(
    pool: &Arc<Pool>,
    backend: &Arc<Backend>,
    timeout: Duration,
    worker: &Rc<Worker>,
    client: Option<&mut Conn>,
) -> Result<Conn, Cause> {
    if pool.scheme_of(backend).is_http2() {
        return Box::pin(h2::connect(pool, backend, timeout, worker, client)).await;
    }
    connect::connect(pool, backend, timeout, worker, client).await
}

/// One that waited has turned out to be dead, and the others are probably dead too.
pub(super) fn forget(backend: &Backend, worker: &Worker) {
    worker.idle.forget(backend.id);
    worker.http2.forget(backend.id);
}
