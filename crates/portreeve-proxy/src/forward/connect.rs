//! A new connection to a backend.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use portreeve_model::{Backend, BackendAddress, Cause, Pool};
use rustix::io::Errno;
use tokio::net::{TcpStream, UnixStream};

use crate::conn::{Conn, Gone};
use crate::stream::Stream;
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
    mut client: Option<&mut Conn>,
) -> Result<Conn, Cause> {
    let deadline = Instant::now() + timeout;
    let wire = connect_wire(backend, deadline, worker, &mut client).await?;
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
    let _ = (wire, pool, backend, deadline, worker, client);
    Err(Cause::BackendTls)
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
    let mut timer = Timer::new(&worker.wheel);
    let mut connecting = pin!(connecting);
    std::future::poll_fn(|context| match connecting.as_mut().poll(context) {
        Poll::Ready(connected) => Poll::Ready(connected.map_err(|error| cause_of(&error))),
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
