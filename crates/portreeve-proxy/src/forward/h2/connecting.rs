//! A connection that is being made, for all requests that wait for it: a burst makes few.

use std::cell::{Cell, OnceCell};
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use portreeve_model::plan::BackendLimits;
use portreeve_model::{Backend, Cause, Pool};
use tokio::sync::Notify;

use super::driver::Driver;
use super::io::Io;
use super::link::{Link, State};
use super::toll::Toll;
use crate::conn::{Conn, Gone};
use crate::forward::connect;
use crate::forward::reach::trust_wanted;
use crate::timer::Timer;
use crate::worker::Worker;

/// One connection that is being made, by a task of its own: that a client leaves is no loss for the others.
pub(super) struct Connecting {
    waiting: Cell<u32>,
    /// The trust under which it is made.
    trust: Option<u64>,
    made: OnceCell<Result<(), Cause>>,
    notify: Notify,
}

impl Connecting {
    pub(super) fn begin(
        pool: &Arc<Pool>,
        backend: &Arc<Backend>,
        toll: &Rc<Toll>,
        worker: &Rc<Worker>,
    ) -> Rc<Self> {
        let this = Rc::new(Self {
            waiting: Cell::new(0),
            trust: trust_wanted(pool, backend),
            made: OnceCell::new(),
            notify: Notify::new(),
        });
        let making = make(
            Rc::clone(&this),
            Arc::clone(pool),
            Arc::clone(backend),
            Rc::clone(toll),
            Rc::clone(worker),
        );
        tokio::task::spawn_local(making);
        this
    }

    /// Whether one request more may wait for it that wants this trust, if it will have so much room.
    pub(super) fn takes(&self, wanted: Option<u64>, room: u32) -> bool {
        self.trust == wanted && self.waiting.get() < room
    }

    /// Waits until it is there or is not to be had, at most until `deadline` and as long as the client waits.
    pub(super) async fn wait(
        &self,
        deadline: Instant,
        worker: &Worker,
        mut client: Option<&mut Conn>,
    ) -> Result<(), Cause> {
        let _waiting = Waiting::begin(&self.waiting);
        let mut timer = Timer::new(&worker.wheel);
        let mut notified = pin!(self.notify.notified());
        let made = std::future::poll_fn(|context| {
            let is_notified = notified.as_mut().poll(context).is_ready();
            if let Some(made) = self.made.get() {
                return Poll::Ready(*made);
            }
            debug_assert!(!is_notified, "whoever notifies has said what came of it");
            if timer.poll_expired(context, deadline) {
                return Poll::Ready(Err(Cause::ConnectTimeout));
            }
            match &mut client {
                Some(client) => client.poll_gone(context).map(|Gone| Err(Cause::ClientLeft)),
                None => Poll::Pending,
            }
        });
        made.await
    }
}

/// One that waits, however that ends.
struct Waiting<'a>(&'a Cell<u32>);

impl<'a> Waiting<'a> {
    fn begin(count: &'a Cell<u32>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

async fn make(
    connecting: Rc<Connecting>,
    pool: Arc<Pool>,
    backend: Arc<Backend>,
    toll: Rc<Toll>,
    worker: Rc<Worker>,
) {
    let (made, link) = match link_in_time(&pool, &backend, &toll, &worker).await {
        Ok(link) => (Ok(()), Some(link)),
        Err(cause) => (Err(cause), None),
    };
    worker.http2.connected(&backend, &connecting, link);
    connecting
        .made
        .set(made)
        .expect("only this task says what came of it");
    connecting.notify.notify_waiters();
}

/// A connection, unless those before it came to nothing too often; that may have shown since this was begun.
async fn link_in_time(
    pool: &Arc<Pool>,
    backend: &Arc<Backend>,
    toll: &Rc<Toll>,
    worker: &Rc<Worker>,
) -> Result<Link, Cause> {
    if toll.forbids(Instant::now()) {
        return Err(Cause::BackendProtocol);
    }
    if let Some(next) = toll.next() {
        tokio::time::sleep_until(next.into()).await;
    }
    let made = link(pool, backend, toll, worker).await;
    if made.as_ref().is_err_and(|cause| *cause == Cause::BackendProtocol) {
        toll.note_in_vain(Instant::now());
    }
    made
}

async fn link(
    pool: &Arc<Pool>,
    backend: &Arc<Backend>,
    toll: &Rc<Toll>,
    worker: &Rc<Worker>,
) -> Result<Link, Cause> {
    let timeout = pool.limits.connect_timeout;
    let deadline = Instant::now() + timeout;
    let conn = connect::connect(pool, backend, timeout, worker, None).await?;
    let trust = conn.stream.trust().map(Arc::clone);
    let state = State::new(conn.stream, toll);
    let mut timer = Timer::new(&worker.wheel);
    let mut shaking = pin!(builder(&pool.limits).handshake(Io(Rc::clone(&state))));
    let shaken = std::future::poll_fn(|context| match shaking.as_mut().poll(context) {
        Poll::Ready(shaken) => Poll::Ready(shaken.map_err(|_| Cause::ConnectFailed)),
        Poll::Pending if timer.poll_expired(context, deadline) => Poll::Ready(Err(Cause::ConnectTimeout)),
        Poll::Pending => Poll::Pending,
    });
    let (send, mut connection) = shaken.await?;
    told(&mut connection, &send, &mut timer, deadline).await?;
    let link = Link::new(send, Rc::clone(&state), trust);
    if link.streams_max() == 0 {
        return Err(Cause::BackendProtocol);
    }
    timer.disarm();
    tokio::task::spawn_local(Driver::new(connection, state, timer, &backend.label));
    Ok(link)
}

/// Waits until the other side has told its settings: how much it takes at once, and that it speaks HTTP/2 at all,
/// before it has seen any request.
async fn told(
    connection: &mut Connection<Io, Bytes>,
    send: &SendRequest<Bytes>,
    timer: &mut Timer,
    deadline: Instant,
) -> Result<(), Cause> {
    std::future::poll_fn(|context| {
        let ended = Pin::new(&mut *connection).poll(context);
        if let Poll::Ready(ended) = ended {
            // However it hangs up on a preface: it does not want to speak HTTP/2.
            tracing::debug!(?ended, "no settings came");
            return Poll::Ready(Err(Cause::BackendProtocol));
        }
        if send.current_max_send_streams() != UNTOLD {
            return Poll::Ready(Ok(()));
        }
        if timer.poll_expired(context, deadline) {
            return Poll::Ready(Err(Cause::ConnectTimeout));
        }
        Poll::Pending
    })
    .await
}

fn builder(limits: &BackendLimits) -> Builder {
    let mut builder = Builder::new();
    let fields = u32::from(limits.fields_max) * FIELD_OVERHEAD;
    builder
        .enable_push(false)
        .initial_max_send_streams(UNTOLD)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        // Beyond this the library calls a head a broken rule; below, we call it too large.
        .max_header_list_size(limits.head_bytes_max.saturating_mul(2).saturating_add(fields))
        .max_send_buffer_size(SEND_BUFFER_MAX);
    builder
}

/// Stands for the number of streams that the other side allows, until it says so; it cannot say this.
const UNTOLD: usize = usize::MAX - 1;
/// Bytes of a response that may come before its client takes them.
const STREAM_WINDOW: u32 = 128 * 1024;
/// The same of all responses of a connection, so that those with slow readers do not hold up the others: as much as all
/// streams together may have.
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;
/// Bytes of a request that may wait here to be sent.
const SEND_BUFFER_MAX: usize = 64 * 1024;
/// What a field counts beyond its bytes (RFC 9113 section 6.5.2).
const FIELD_OVERHEAD: u32 = 32;
