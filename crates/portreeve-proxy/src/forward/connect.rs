//! A new connection to a backend.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use portreeve_model::plan::Scheme;
use portreeve_model::{Backend, BackendAddress, Cause, Pool};
use portreeve_tls::{Trust, backend_cause};
use rustix::io::Errno;
use rustls::ClientConnection;
use tokio::net::{TcpStream, UnixStream};

use crate::conn::{Conn, Gone};
use crate::said::Subject;
use crate::stream::Stream;
use crate::stream::tls::Tls;
use crate::stream::wire::Wire;
use crate::timer::Timer;
use crate::worker::Worker;

/// Connects to a backend of the pool as its scheme wants it, all within `timeout` and as long as the client, if there is
/// one to look at, waits. For HTTP/2 the stream is one on which its preface may be sent.
pub(crate) async fn connect(
    pool: &Pool,
    backend: &Backend,
    timeout: Duration,
    worker: &Worker,
    client: Option<&mut Conn>,
) -> Result<Conn, Cause> {
    connect_behind(b"", pool, backend, timeout, worker, client).await
}

/// The same, with a few bytes ahead of all others, a handshake included.
pub(crate) async fn connect_behind(
    ahead: &[u8],
    pool: &Pool,
    backend: &Backend,
    timeout: Duration,
    worker: &Worker,
    mut client: Option<&mut Conn>,
) -> Result<Conn, Cause> {
    let deadline = Instant::now() + timeout;
    let wire = connect_wire(backend, deadline, worker, &mut client).await?;
    if !ahead.is_empty() {
        // A new connection has room for them; one that is broken already says so at once.
        wire.send_now(ahead);
    }
    let stream = if pool.scheme_of(backend).is_tls() {
        Box::pin(secure(wire, pool, backend, deadline, worker, &mut client)).await?
    } else {
        Stream::Wire(wire)
    };
    backend.vitals.note_connect();
    Ok(Conn::new(stream, &worker.wheel))
}

/// Connects to one of the backend's addresses, the one that worked last first.
async fn connect_wire(
    backend: &Backend,
    deadline: Instant,
    worker: &Worker,
    client: &mut Option<&mut Conn>,
) -> Result<Wire, Cause> {
    Ok(match &backend.address {
        BackendAddress::Tcp(addresses) => connect_any(backend, addresses, deadline, worker, client).await?,
        BackendAddress::Unix(path) => {
            Wire::Unix(within(deadline, worker, client, UnixStream::connect(path)).await?)
        }
    })
}

/// Does the TLS handshake with a backend.
async fn secure(
    wire: Wire,
    pool: &Pool,
    backend: &Backend,
    deadline: Instant,
    worker: &Worker,
    client: &mut Option<&mut Conn>,
) -> Result<Stream, Cause> {
    let scheme = pool.scheme_of(backend);
    let told = |(cause, reason): (Cause, String)| tell(pool, backend, cause, &reason, worker);
    let (session, trust) =
        session(pool, backend, scheme, worker).map_err(|reason| told((Cause::BackendTls, reason)))?;
    let mut tls = Box::new(Tls::new(wire, session).standing_on(trust));
    let shaken = until(deadline, worker, client, |context| tls.poll_shake(context)).await?;
    shaken.map_err(|error| told(backend_cause(&error)))?;
    if scheme.is_http2() && tls.session().alpn_protocol() != Some(b"h2") {
        let reason = "it has not agreed to speak HTTP/2 (ALPN h2)".to_owned();
        return Err(told((Cause::BackendProtocol, reason)));
    }
    Ok(Stream::Tls(tls))
}

fn session(
    pool: &Pool,
    backend: &Backend,
    scheme: Scheme,
    worker: &Worker,
) -> Result<(ClientConnection, Arc<Trust>), String> {
    let table = worker.tls.borrow().clone();
    let tls = table.pool_under(&pool.name, pool.plan().tls.trust);
    let tls = tls.ok_or("nothing is known of its pool")?;
    let name = tls.server_name(backend)?;
    let session = ClientConnection::new(tls.config(scheme), name).map_err(|error| error.to_string())?;
    Ok((session, Arc::clone(tls.trust())))
}

/// Logs, once per cause and interval, what is never told to a client in so many words.
fn tell(pool: &Pool, backend: &Backend, cause: Cause, reason: &str, worker: &Worker) -> Cause {
    let subject = Subject::Backend(backend.id, cause);
    if let Some(unsaid) = worker.said.may_say(subject, Instant::now()) {
        tracing::warn!(
            pool = &*pool.name,
            backend = &*backend.label,
            cause = cause.code(),
            reason,
            unsaid,
            "no secured connection to a backend"
        );
    }
    cause
}

async fn connect_any(
    backend: &Backend,
    addresses: &[SocketAddr],
    deadline: Instant,
    worker: &Worker,
    client: &mut Option<&mut Conn>,
) -> Result<Wire, Cause> {
    let first = backend.preferred();
    let mut cause = Cause::ConnectFailed;
    for turn in 0..addresses.len() {
        let index = (first + turn) % addresses.len();
        let deadline = share(deadline, addresses.len() - turn);
        match within(deadline, worker, client, TcpStream::connect(addresses[index])).await {
            Ok(stream) => {
                // Only fails on a socket that is already gone, which the first write will say.
                let _ = stream.set_nodelay(true);
                if turn > 0 {
                    backend.prefer(index);
                }
                return Ok(Wire::Tcp(stream));
            }
            Err(Cause::ClientLeft) => return Err(Cause::ClientLeft),
            Err(other) => cause = other,
        }
    }
    Err(cause)
}

/// The time that one of `addresses_left` addresses gets: a silent one must not use up that of the next.
fn share(deadline: Instant, addresses_left: usize) -> Instant {
    let now = Instant::now();
    let parts = u32::try_from(addresses_left).unwrap_or(u32::MAX).max(1);
    now + deadline.saturating_duration_since(now) / parts
}

async fn within<T>(
    deadline: Instant,
    worker: &Worker,
    client: &mut Option<&mut Conn>,
    connecting: impl Future<Output = io::Result<T>>,
) -> Result<T, Cause> {
    let mut connecting = pin!(connecting);
    let connected = until(deadline, worker, client, |context| {
        connecting.as_mut().poll(context)
    })
    .await?;
    connected.map_err(|error| cause_of(&error))
}

async fn until<T>(
    deadline: Instant,
    worker: &Worker,
    client: &mut Option<&mut Conn>,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Result<T, Cause> {
    let mut timer = Timer::new(&worker.wheel);
    std::future::poll_fn(|context| match poll(context) {
        Poll::Ready(done) => Poll::Ready(Ok(done)),
        Poll::Pending if timer.poll_expired(context, deadline) => Poll::Ready(Err(Cause::ConnectTimeout)),
        Poll::Pending => match client {
            Some(client) => client.poll_gone(context).map(|Gone| Err(Cause::ClientLeft)),
            None => Poll::Pending,
        },
    })
    .await
}

fn cause_of(error: &io::Error) -> Cause {
    match Errno::from_io_error(error) {
        Some(Errno::CONNREFUSED | Errno::NOENT) => Cause::ConnectRefused,
        Some(Errno::TIMEDOUT) => Cause::ConnectTimeout,
        // Of descriptors, or of ports of our own: none of this is the backend's fault.
        Some(Errno::MFILE | Errno::NFILE | Errno::ADDRNOTAVAIL | Errno::NOBUFS | Errno::NOMEM) => {
            Cause::OpenFilesExhausted
        }
        _ => Cause::ConnectFailed,
    }
}
