//! The admin socket: bound early, with a clear error; bounded in connections and in their idle time.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// A bound admin socket that does not answer yet.
#[derive(Debug)]
pub struct AdminListener {
    socket: std::net::TcpListener,
    local: SocketAddr,
}

impl AdminListener {
    /// Binds; port 0 asks the kernel for a free one.
    ///
    /// # Errors
    /// The address is in use, not ours, or not permitted.
    pub fn bind(address: SocketAddr) -> Result<Self, AdminBindError> {
        let socket = std::net::TcpListener::bind(address).and_then(|socket| {
            socket.set_nonblocking(true)?;
            Ok((socket.local_addr()?, socket))
        });
        let (local, socket) = socket.map_err(|source| AdminBindError { address, source })?;
        Ok(Self { socket, local })
    }

    /// The address with the port that the kernel gave.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Hands the socket to the runtime.
    pub(crate) fn into_bounded(self) -> io::Result<Bounded> {
        let socket = TcpListener::from_std(self.socket)?;
        Ok(Bounded {
            socket,
            slots: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        })
    }
}

/// The admin address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on the admin address {address}: {source}; {}", advice(source))]
pub struct AdminBindError {
    /// The address asked for.
    pub address: SocketAddr,
    /// What the kernel said.
    #[source]
    pub source: io::Error,
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program (perhaps another Portreeve) listens there: stop it, choose another with --admin ADDR \
             or `admin`, or turn it off with `off`"
        }
        io::ErrorKind::AddrNotAvailable => "it is not an address of this machine; 127.0.0.1:9091 would be",
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need the capability CAP_NET_BIND_SERVICE; take a higher one"
        }
        _ => "choose another with --admin ADDR or `admin`, or turn it off with `off`",
    }
}

/// Accepts no more than [`CONNECTIONS_MAX`] at once; further clients wait in the kernel's queue.
pub(crate) struct Bounded {
    socket: TcpListener,
    slots: Arc<Semaphore>,
}

impl Listener for Bounded {
    type Io = Guarded;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guarded, SocketAddr) {
        let slots = Arc::clone(&self.slots);
        let slot = slots
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let (stream, peer) = Listener::accept(&mut self.socket).await;
        (Guarded::new(stream, slot), peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

/// One admin connection: holds its slot, and fails when nothing moves for [`IDLE_TIMEOUT`].
pub(crate) struct Guarded {
    stream: TcpStream,
    idle: Pin<Box<Sleep>>,
    _slot: OwnedSemaphorePermit,
}

impl Guarded {
    fn new(stream: TcpStream, slot: OwnedSemaphorePermit) -> Self {
        Self {
            stream,
            idle: Box::pin(sleep(IDLE_TIMEOUT)),
            _slot: slot,
        }
    }

    /// Passes on what the stream said; progress winds the clock up, silence lets it run out.
    fn timed<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.idle.as_mut().reset(Instant::now() + IDLE_TIMEOUT);
            return outcome;
        }
        ready!(self.idle.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.timed(cx, outcome)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.timed(cx, outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Admin connections open at once.
const CONNECTIONS_MAX: usize = 128;

/// How long an admin connection may be silent.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[test]
    fn an_address_in_use_is_named_with_a_way_out() {
        let first = AdminListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();

        let error = AdminListener::bind(first.local()).unwrap_err().to_string();

        assert!(error.contains(&first.local().to_string()), "{error}");
        assert!(error.contains("--admin"), "{error}");
    }

    #[test]
    fn an_address_of_another_machine_is_told_apart() {
        let error = AdminListener::bind("192.0.2.1:0".parse().unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.contains("not an address of this machine"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_times_out() {
        let mut bounded = AdminListener::bind("127.0.0.1:0".parse().unwrap())
            .unwrap()
            .into_bounded()
            .unwrap();
        let _client = std::net::TcpStream::connect(bounded.local_addr().unwrap()).unwrap();
        let (mut stream, _) = bounded.accept().await;

        let error = stream.read_u8().await.unwrap_err();

        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_connection_gives_its_slot_back() {
        let mut bounded = AdminListener::bind("127.0.0.1:0".parse().unwrap())
            .unwrap()
            .into_bounded()
            .unwrap();
        let _client = std::net::TcpStream::connect(bounded.local_addr().unwrap()).unwrap();

        let (stream, _) = bounded.accept().await;
        assert_eq!(bounded.slots.available_permits(), CONNECTIONS_MAX - 1);
        drop(stream);

        assert_eq!(bounded.slots.available_permits(), CONNECTIONS_MAX);
    }
}
