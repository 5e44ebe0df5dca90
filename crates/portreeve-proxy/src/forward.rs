//! A request on its way to a backend and its response on the way back: attempts, bounded by count, kind and time.

pub(crate) mod call;
pub(crate) mod connect;
mod download;
mod exchange;
pub(crate) mod idle;
mod tunnel;
mod upload;
mod wait;

use std::time::{Duration, Instant};

use portreeve_http1::Framing;
use portreeve_model::{Ask, Backend, Cause, Fault, Lease, Listener, Tried};

use crate::conn::Conn;
use crate::forward::call::Call;
use crate::record::{Phases, Record};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::serve::client::Client;
use crate::serve::h1::Next;
use crate::worker::Worker;

/// How serving a request ended.
pub(crate) enum Ended {
    /// The client has all of it.
    Done(Next),
    /// The client has none of it yet, so it can be told.
    Refused {
        refusal: Refusal,
        /// Whether the connection stands at the start of the next request.
        body_is_read: bool,
    },
    /// The client has a part of it, so the connection must end in a way that says so.
    Aborted(Cause),
}

impl Ended {
    /// A refusal before anything of the body was read.
    pub(crate) fn refused(refusal: Refusal, request: &Request) -> Self {
        Self::Refused {
            refusal,
            body_is_read: request.framing == Framing::Empty,
        }
    }

    fn cause(&self) -> Option<Cause> {
        match self {
            Self::Done(_) => None,
            Self::Refused { refusal, .. } => Some(refusal.cause),
            Self::Aborted(cause) => Some(*cause),
        }
    }
}

/// Why an attempt came to nothing. The client has seen nothing of it, the request is whole, and another backend may be
/// asked (RFC 9110 section 9.2.2).
struct Failed(Cause);

/// Asks backends of the route's pool until one answers or no more may be asked.
pub(crate) async fn forward(call: &mut Call<'_>, client: &mut Client, record: &mut Record<'_>) -> Ended {
    let pool = &call.route.pool;
    let key = call.group.key(call.view);
    let mut tried = Tried::default();
    let mut failed = Cause::NoBackend;
    call.begin(record.started, pool);
    while record.attempts < pool.limits.attempts_max {
        let Ok(lease) = call.group.pick(&Ask {
            key,
            dice: client.worker.dice(),
            tried: &tried,
            now: client.worker.tick(record.started),
            sticky: None,
        }) else {
            record.is_outdated = tried.is_empty() && !record.is_outdated && call.group.is_outdated();
            break;
        };
        tried.insert(lease.backend().id);
        note_choice(record, &lease);
        match attempt(call, client, &lease, record).await {
            Ok(ended) => {
                note_failure(&lease, ended.cause());
                return ended;
            }
            Err(Failed(cause)) => {
                note_failure(&lease, Some(cause));
                failed = cause;
                if call.is_overdue() {
                    break;
                }
            }
        }
    }
    Ended::refused(Refusal::new(failed), call.view.request)
}

pub(crate) fn note_choice(record: &mut Record<'_>, lease: &Lease) {
    // The first choice is made at once: looking at the clock again would only measure the clock.
    let chosen = if record.attempts == 0 {
        Duration::ZERO
    } else {
        record.elapsed()
    };
    record.phases = Phases {
        chosen: Some(chosen),
        ..Phases::default()
    };
    record.attempts += 1;
    record.backend = Some(lease.backend().clone());
}

/// Counts against the backend only what was its fault.
fn note_failure(lease: &Lease, cause: Option<Cause>) {
    if cause.is_some_and(|cause| cause.fault() == Fault::Backend) {
        lease.backend().vitals.note_failure();
    }
}

/// Asks one backend: on a connection that waits for it, else on a new one.
async fn attempt(
    call: &mut Call<'_>,
    client: &mut Client,
    lease: &Lease,
    record: &mut Record<'_>,
) -> Result<Ended, Failed> {
    let backend = lease.backend();
    if let Some(upstream) = take_idle(call, client, backend, record.started) {
        record.reused = true;
        record.phases.connected = record.phases.chosen;
        match exchange::exchange(call, client, upstream, backend, record).await {
            // It died while it waited, which is nobody's fault and no attempt. The others are probably dead too.
            Err(Failed(_)) => client.worker.idle.forget(backend.id),
            ended => return ended,
        }
    }
    record.reused = false;
    let timeout = call.time_left(call.route.pool.limits.connect_timeout);
    let worker = client.worker.clone();
    let upstream = match connect::connect(backend, timeout, &worker, Some(&mut client.conn)).await {
        // Time has passed: it may have left, or have come to stand under other policies.
        Ok(_) if !backend.may_serve(call.group.policies()) => return Err(Failed(Cause::NoBackend)),
        Ok(upstream) => upstream,
        Err(Cause::ClientLeft) => return Ok(Ended::refused(Refusal::new(Cause::ClientLeft), call.request())),
        Err(cause) => {
            note_unreachable(backend, cause, call.listener);
            return Err(not_connected(cause, &worker));
        }
    };
    record.phases.connected = Some(record.elapsed());
    exchange::exchange(call, client, upstream, backend, record).await
}

/// A registered backend that refuses gets no more requests until a probe has passed.
pub(crate) fn note_unreachable(backend: &Backend, cause: Cause, listener: &Listener) {
    if matches!(cause, Cause::ConnectRefused | Cause::ConnectFailed) && backend.suspect() {
        listener.suspicions.raise();
    }
}

/// The request is still whole, so whatever its method, another backend may be asked.
fn not_connected(cause: Cause, worker: &Worker) -> Failed {
    if cause == Cause::OpenFilesExhausted {
        worker.idle.forget_all();
    }
    Failed(cause)
}

/// A kept connection. For a request that could not be sent again, the kernel is asked whether it still stands.
fn take_idle(call: &Call<'_>, client: &Client, backend: &Backend, now: Instant) -> Option<Conn> {
    loop {
        let conn = client.worker.idle.take(backend.id, now)?;
        if call.is_replayable() || conn.stream.is_silent() {
            return Some(conn);
        }
    }
}
