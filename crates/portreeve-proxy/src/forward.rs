//! A request on its way to a backend and its response on the way back: attempts, bounded by count, kind and time.

mod answered;
pub(crate) mod call;
pub(crate) mod choose;
pub(crate) mod connect;
mod download;
mod exchange;
pub(crate) mod h2;
mod hedge;
pub(crate) mod idle;
mod mirror;
pub(crate) mod reach;
pub(crate) mod sticky;
mod tunnel;
pub(crate) mod turn;
mod upload;
mod wait;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use portreeve_http1::Framing;
use portreeve_model::{Backend, Cause, Fault, Suspicions, Tried};

use crate::conn::Conn;
use crate::forward::call::Call;
use crate::forward::choose::Choice;
use crate::forward::turn::Turn;
use crate::record::Record;
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

    /// Whether nobody waits for its answer any more.
    fn has_left(&self) -> bool {
        let Self::Refused { refusal, .. } = self else {
            return false;
        };
        matches!(refusal.cause, Cause::ClientLeft | Cause::TotalTimeout)
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
/// asked.
struct Failed<'a> {
    /// `None`: it is no fault of anybody's.
    cause: Option<Cause>,
    /// Whether a backend may have seen the request: then the retry budget pays (RFC 9110 section 9.2.2).
    was_sent: bool,
    /// Who is asked next, if that is settled and paid already.
    next: Option<Turn<'a>>,
}

impl Failed<'_> {
    /// No backend has seen anything of it.
    fn unsent(cause: Cause) -> Self {
        Self {
            cause: Some(cause),
            was_sent: false,
            next: None,
        }
    }

    /// Whether a connection that had waited turned out to be closed.
    fn is_stale(&self) -> bool {
        matches!(self.cause, Some(Cause::BackendClosed | Cause::BackendReset))
    }
}

/// One backend being asked.
struct Attempt<'c, 'a> {
    call: &'c Call<'c>,
    choice: &'c Choice<'a>,
    turn: &'c mut Turn<'a>,
    /// Where the request has been, this backend included.
    tried: &'c mut Tried,
}

/// Asks backends of the pool until one answers or no more may be asked.
pub(crate) async fn forward(call: &Call<'_>, client: &mut Client, record: &mut Record<'_>) -> Ended {
    let worker = client.worker.clone();
    if call.is_overdue() {
        return Ended::refused(Refusal::new(Cause::TotalTimeout), call.view.request);
    }
    let choice = call.choice(&worker);
    mirror::mirror(call, client);
    call.pool.shared.budget.earn(worker.tick(record.started));
    let mut way = Way::default();
    loop {
        let mut turn = match way.next.take() {
            Some(turn) => turn,
            None => match choice
                .turn(&way.tried, Some(&mut client.conn), &worker, record)
                .await
            {
                Ok(turn) => turn,
                Err(refusal) => return way.refused(refusal, call),
            },
        };
        record.chose(turn.lease());
        way.tried.insert(turn.backend().id);
        match ask(call, &choice, &mut turn, &mut way.tried, client, record).await {
            Ok(ended) => {
                note_failure(&mut turn, call.blamed(ended.cause()));
                if ended.has_left() {
                    worker.holds.note_left(call.pool);
                }
                return ended;
            }
            Err(failed) => {
                note_failure(&mut turn, call.blamed(failed.cause));
                drop(turn);
                if !way.goes_on(failed, call, &worker, record) {
                    return way.refused(Refusal::new(Cause::NoBackend), call);
                }
            }
        }
    }
}

/// Where a request has been, and what came of it.
#[derive(Default)]
struct Way<'a> {
    tried: Tried,
    failed: Option<Cause>,
    next: Option<Turn<'a>>,
}

impl<'a> Way<'a> {
    /// Whether another attempt may be made.
    fn goes_on(&mut self, failed: Failed<'a>, call: &Call<'_>, worker: &Worker, record: &Record<'_>) -> bool {
        self.failed = failed.cause.or(self.failed);
        self.next = failed.next;
        self.next.is_some()
            || record.attempts < call.pool.limits.attempts_max
                && !call.is_overdue()
                && (!failed.was_sent || call.pays(worker))
    }

    /// What the last one failed of says more than that nobody is left.
    fn refused(&self, otherwise: Refusal, call: &Call<'_>) -> Ended {
        let refusal = match self.failed {
            Some(cause) if otherwise.cause == Cause::NoBackend && !otherwise.shows_page() => {
                Refusal::new(cause)
            }
            _ => otherwise,
        };
        Ended::refused(refusal, call.view.request)
    }
}

/// Counts against the backend only what was its fault.
pub(crate) fn note_failure(turn: &mut Turn<'_>, cause: Option<Cause>) {
    // How long all may take is the operator's or the client's word, and who may serve no more has not failed.
    let is_its_own = |cause: Cause| {
        cause.fault() == Fault::Backend && !matches!(cause, Cause::TotalTimeout | Cause::NoBackend)
    };
    if cause.is_some_and(is_its_own) {
        turn.failed();
    }
}

/// Asks one backend: on a connection that waits for it, else on a new one.
async fn ask<'a>(
    call: &Call<'_>,
    choice: &Choice<'a>,
    turn: &mut Turn<'a>,
    tried: &mut Tried,
    client: &mut Client,
    record: &mut Record<'_>,
) -> Result<Ended, Failed<'a>> {
    let backend = Arc::clone(turn.backend());
    if let Some(upstream) = take_idle(call, client, &backend, record.started) {
        record.reused = true;
        record.phases.connected = record.phases.chosen;
        let attempt = Attempt {
            call,
            choice,
            turn,
            tried: &mut *tried,
        };
        match exchange::exchange(attempt, client, upstream, record).await {
            // It died while it waited, which is nobody's fault and no attempt. The others are probably dead too.
            Err(failed) if failed.is_stale() && failed.was_sent => reach::forget(&backend, &client.worker),
            Err(failed) if failed.is_stale() => {}
            ended => return ended,
        }
    }
    record.reused = false;
    match ask_anew(call, choice, turn, tried, client, record).await {
        // A stream that was not processed, as its connection was said goodbye to in that very moment.
        Err(failed) if failed.is_stale() && !failed.was_sent && is_shared(call, &backend) => {
            ask_anew(call, choice, turn, tried, client, record).await
        }
        ended => ended,
    }
}

/// Whether what is asked goes over connections that others use too.
fn is_shared(call: &Call<'_>, backend: &Backend) -> bool {
    call.pool.scheme_of(backend).is_http2()
}

/// Asks one backend on a new connection, or a stream of one that is new to the request.
async fn ask_anew<'a>(
    call: &Call<'_>,
    choice: &Choice<'a>,
    turn: &mut Turn<'a>,
    tried: &mut Tried,
    client: &mut Client,
    record: &mut Record<'_>,
) -> Result<Ended, Failed<'a>> {
    let backend = Arc::clone(turn.backend());
    let worker = client.worker.clone();
    let upstream = match connect_anew(call, &backend, &worker, Some(&mut client.conn)).await {
        // Time has passed: it may have left, or have come to stand under other policies.
        Ok(_) if !call.group.admits(turn.lease()) => {
            return Err(Failed {
                cause: None,
                was_sent: false,
                next: None,
            });
        }
        Ok(upstream) => upstream,
        Err(Cause::ClientLeft) => return Ok(Ended::refused(Refusal::new(Cause::ClientLeft), call.request())),
        // The request is still whole, so whatever its method, another backend may be asked.
        Err(cause) => return Err(Failed::unsent(cause)),
    };
    record.phases.connected = Some(record.elapsed());
    let attempt = Attempt {
        call,
        choice,
        turn,
        tried,
    };
    exchange::exchange(attempt, client, upstream, record).await
}

/// A new connection. That there is none is told to all if it is the backend's fault.
async fn connect_anew(
    call: &Call<'_>,
    backend: &Arc<Backend>,
    worker: &Rc<Worker>,
    client: Option<&mut Conn>,
) -> Result<Conn, Cause> {
    let timeout = call.time_left(call.pool.limits.connect_timeout);
    let connected = reach::anew(call.pool, backend, timeout, worker, client).await;
    connected.map_err(|cause| {
        if cause == Cause::ConnectTimeout && call.is_overdue() {
            return Cause::TotalTimeout;
        }
        if cause == Cause::OpenFilesExhausted {
            worker.idle.forget_all();
            worker.http2.forget_idle();
        }
        note_unreachable(backend, cause, &call.listener.suspicions);
        cause
    })
}

/// A backend that cannot be reached gets no more requests until a probe has passed.
pub(crate) fn note_unreachable(backend: &Backend, cause: Cause, suspicions: &Suspicions) {
    if matches!(
        cause,
        Cause::ConnectRefused
            | Cause::ConnectFailed
            | Cause::ConnectTimeout
            | Cause::BackendTls
            | Cause::BackendCertificate
            | Cause::BackendProtocol
    ) && backend.suspect()
    {
        suspicions.raise();
    }
}

/// A kept connection. For a request that could not be sent again, the kernel is asked whether it still stands.
fn take_idle(call: &Call<'_>, client: &Client, backend: &Backend, now: Instant) -> Option<Conn> {
    loop {
        let conn = reach::kept(call.pool, backend, &client.worker, now)?;
        if call.is_replayable() || conn.stream.is_silent() {
            return Some(conn);
        }
    }
}
