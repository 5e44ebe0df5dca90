//! Accepting connections: one loop per worker and listener.

pub(crate) mod crowd;
pub(crate) mod handshake;
pub(crate) mod pacer;
mod preamble;
mod queue;

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use portreeve_model::plan::Carries;
use portreeve_model::{Cause, Listener};
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;

use self::handshake::Handshaken;
use crate::conn::Conn;
use crate::refusal::{Answer, Refusal};
use crate::serve::client::{Client, Peer, Place};
use crate::serve::{h1, h2, tcp};
use crate::socket::Listening;
use crate::stream::Stream;
use crate::stream::wire::Wire;
use crate::worker::{Gate, Worker};

/// A socket that accepts on this worker.
pub(crate) enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Acceptor {
    pub(crate) fn new(socket: Listening) -> io::Result<Self> {
        Ok(match socket {
            Listening::Tcp(listener) => Self::Tcp(TcpListener::from_std(listener)?),
            Listening::Unix(listener) => Self::Unix(UnixListener::from_std(listener)?),
        })
    }

    /// The connections that the kernel had accepted before the socket closes; it is asked itself, since our notice of
    /// them may lag.
    fn last(self) -> Vec<(Wire, Option<SocketAddr>)> {
        let next: Box<dyn FnMut() -> io::Result<(Wire, Option<SocketAddr>)>> = match self {
            Self::Tcp(listener) => {
                let Ok(listener) = listener.into_std() else {
                    return Vec::new();
                };
                Box::new(move || {
                    let (stream, address) = listener.accept()?;
                    stream.set_nonblocking(true)?;
                    Ok((Wire::Tcp(TcpStream::from_std(stream)?), Some(address)))
                })
            }
            Self::Unix(listener) => {
                let Ok(listener) = listener.into_std() else {
                    return Vec::new();
                };
                Box::new(move || {
                    let (stream, _) = listener.accept()?;
                    stream.set_nonblocking(true)?;
                    Ok((Wire::Unix(UnixStream::from_std(stream)?), None))
                })
            }
        };
        std::iter::repeat_with(next)
            .map_while(Result::ok)
            .take(LAST_ACCEPTS_MAX)
            .collect()
    }

    async fn accept(&self) -> io::Result<(Wire, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                Ok((Wire::Tcp(stream), Some(address)))
            }
            Self::Unix(listener) => Ok((Wire::Unix(listener.accept().await?.0), None)),
        }
    }
}

/// Accepts until `stop` turns true; what the kernel has accepted for us until then is still served.
pub(crate) async fn accept_all(
    acceptor: Acceptor,
    gate: Rc<Gate>,
    accepting: Accepting,
    mut stop: watch::Receiver<bool>,
) {
    let worker = accepting.0.clone();
    let mut spare = Spare::new();
    let mut stopped = pin!(stop.wait_for(|stop| *stop));
    loop {
        let accepted = tokio::select! {
            biased;
            _ = &mut stopped => break,
            accepted = acceptor.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => admit(stream, address, &gate, &worker),
            Err(error) => spare.recover(&error, &acceptor, &gate, &worker).await,
        }
    }
    for (stream, address) in acceptor.last() {
        admit(stream, address, &gate, &worker);
    }
}

/// Counts an accepting loop for as long as it runs, however it ends: a drain waits for it.
pub(crate) struct Accepting(Rc<Worker>);

impl Accepting {
    pub(crate) fn begin(worker: &Rc<Worker>) -> Self {
        worker.accepting.set(worker.accepting.get() + 1);
        Self(worker.clone())
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.accepting.set(self.0.accepting.get() - 1);
    }
}

fn admit(stream: Wire, address: Option<SocketAddr>, gate: &Rc<Gate>, worker: &Rc<Worker>) {
    let (gate, worker) = (gate.clone(), worker.clone());
    let peer = Peer::new(address);
    match gate.slots.take_now(peer.ip, &gate.listener()) {
        Ok(slot) => begin(stream, peer, Place::new(gate, worker, slot)),
        Err(cause) => drop(tokio::task::spawn_local(wait_or_refuse(
            stream, peer, gate, worker, cause,
        ))),
    }
}

/// Serves a connection that has its place in a task of its own.
fn begin(stream: Wire, peer: Peer, place: Place) {
    if is_bare(&place.gate.listener()) {
        let conn = Conn::new(Stream::Wire(stream), &place.worker.wheel);
        tokio::task::spawn_local(h1::serve(Client::new(conn, Rc::new(peer), place)));
    } else {
        tokio::task::spawn_local(serve_clad(stream, peer, place));
    }
}

/// Whether connections begin with a request, and not with something about the connection.
fn is_bare(listener: &Listener) -> bool {
    listener.tls.is_none() && listener.carries == Carries::Http && listener.proxy_protocol.is_empty()
}

/// Serves a connection that has something before its requests, or no requests at all.
fn serve_clad(stream: Wire, peer: Peer, place: Place) -> impl Future<Output = ()> {
    // In a box, so that nothing of it is left in an idle connection's task.
    let undressed = Box::pin(undress(stream, peer, place));
    async move {
        match undressed.await {
            Some(Undressed::Http1(client)) => h1::serve(client).await,
            Some(Undressed::Http2(client)) => Box::pin(h2::serve(client)).await,
            Some(Undressed::Tcp(client)) => Box::pin(tcp::serve(client)).await,
            None => {}
        }
    }
}

/// A connection, and what comes on it.
enum Undressed {
    Http1(Client),
    Http2(Client),
    /// Bytes, whatever they mean.
    Tcp(Client),
}

/// Takes off what is before the requests; `None`: the connection is over, and what there was to say and to count is.
async fn undress(mut stream: Wire, mut peer: Peer, mut place: Place) -> Option<Undressed> {
    let listener = place.gate.listener();
    if preamble::is_due(&peer, &listener) {
        peer = preamble::read(&mut stream, peer, &listener, &mut place).await?;
    }
    let (client, is_http2) = if listener.tls.is_some() {
        let Handshaken { client, is_http2 } = handshake::accept(stream, peer, place).await?;
        (client, is_http2)
    } else {
        let conn = Conn::new(Stream::Wire(stream), &place.worker.wheel);
        (Client::new(conn, Rc::new(peer), place), false)
    };
    Some(match listener.carries {
        Carries::Tcp => Undressed::Tcp(client),
        Carries::Http if is_http2 => Undressed::Http2(client),
        Carries::Http => Undressed::Http1(client),
    })
}

/// A full listener: a bounded number of connections wait a bounded time, the others are told at once.
async fn wait_or_refuse(stream: Wire, peer: Peer, gate: Rc<Gate>, worker: Rc<Worker>, cause: Cause) {
    let listener = gate.listener();
    let taken = match cause {
        Cause::ListenerFull => gate.slots.take(peer.ip, &listener).await,
        other => Err(other),
    };
    match taken {
        Ok(slot) => begin(stream, peer, Place::new(gate, worker, slot)),
        Err(cause) => refuse(stream, cause, &gate, &worker).await,
    }
}

fn refusal(cause: Cause, worker: &Worker) -> Vec<u8> {
    let date = worker.date(Instant::now());
    let mut out = Vec::new();
    let answer = Answer {
        html: false,
        grpc: None,
        head_only: false,
        date: &date,
        connection: Some("close"),
    };
    Refusal::new(cause).write(&answer, &mut out);
    out
}

/// Tells a client that there is no place for it. So many at once that telling them would cost more than serving are
/// told in one write, if it fits, and closed.
async fn refuse(stream: Wire, cause: Cause, gate: &Gate, worker: &Rc<Worker>) {
    let listener = gate.listener();
    listener.stats.refused(worker.shard, cause);
    if listener.tls.is_some() || listener.carries != Carries::Http {
        // Whatever we said would be something else to it.
        return stream.reset_on_close();
    }
    let mut conn = Conn::new(Stream::Wire(stream), &worker.wheel);
    let out = refusal(cause, worker);
    if worker.refusing.get() >= REFUSING_MAX {
        return conn.stream.send_now(&out);
    }
    worker.refusing.set(worker.refusing.get() + 1);
    let mut patience = crate::patience::Patience::new(REFUSAL_WAIT, None, None);
    if conn.write_all(&out, &mut patience).await.is_ok() {
        conn.linger().await;
    }
    worker.refusing.set(worker.refusing.get() - 1);
}

/// One file descriptor in reserve: when the process has no other, it is given up for the moment it takes to tell a
/// client so. Otherwise the kernel would offer the same connection for ever, and the client would wait for ever.
struct Spare(Option<File>);

impl Spare {
    fn new() -> Self {
        Self(File::open("/dev/null").ok())
    }

    async fn recover(
        &mut self,
        error: &io::Error,
        acceptor: &Acceptor,
        gate: &Rc<Gate>,
        worker: &Rc<Worker>,
    ) {
        if !matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE)) {
            // The client was gone before we looked, or the kernel is short of memory.
            tracing::debug!(%error, listener = &*gate.name, "accepting failed");
            tokio::time::sleep(PAUSE).await;
            return;
        }
        self.0 = None;
        if let Ok(Ok((stream, _))) = tokio::time::timeout(PAUSE, acceptor.accept()).await {
            // No lingering here: the descriptor is needed for the next one.
            let listener = gate.listener();
            listener.stats.refused(worker.shard, Cause::OpenFilesExhausted);
            if is_bare(&listener) {
                Stream::Wire(stream).send_now(&refusal(Cause::OpenFilesExhausted, worker));
            }
        }
        self.0 = File::open("/dev/null").ok();
        tokio::time::sleep(PAUSE).await;
    }
}

/// Connections that are still taken from the kernel's queue when a listener closes.
const LAST_ACCEPTS_MAX: usize = 4_096;
/// Refusals under way at once, per worker.
const REFUSING_MAX: usize = 256;
const PAUSE: Duration = Duration::from_millis(10);
const REFUSAL_WAIT: Duration = Duration::from_secs(2);
