//! A connection as the kernel gives it: TCP or a Unix socket.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{RecvFlags, SendFlags, Shutdown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// The kinds there are; matched once per system call.
#[derive(Debug)]
pub(crate) enum Wire {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Wire {
    /// Reads some bytes; 0 is the end of the stream. A short read clears the readiness, which saves the read that would
    /// only say so.
    pub(crate) fn poll_read_some(
        &mut self,
        context: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut into = ReadBuf::new(room);
        ready!(Pin::new(self).poll_read(context, &mut into))?;
        Poll::Ready(Ok(into.filled().len()))
    }

    /// Looks at what has come without taking it, at the first bytes of it; 0 is the end of the stream.
    pub(crate) fn poll_peek(&self, context: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => stream.poll_peek(context, &mut ReadBuf::new(room)),
            // Tokio peeks at TCP alone, and nobody needs it here.
            Self::Unix(_) => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }

    /// Both ends, the peer's first; `None`: it has no such addresses.
    pub(crate) fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        match self {
            Self::Tcp(stream) => Some((stream.peer_addr().ok()?, stream.local_addr().ok()?)),
            Self::Unix(_) => None,
        }
    }

    /// Whether there may be something to read; costs no system call.
    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(context),
            Self::Unix(stream) => stream.poll_read_ready(context),
        }
        .map(|_| ())
    }

    /// Writes what fits at once, for a peer that is not waited for.
    pub(crate) fn send_now(&self, bytes: &[u8]) {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let _ = match self {
            Self::Tcp(stream) => rustix::net::send(stream, bytes, flags),
            Self::Unix(stream) => rustix::net::send(stream, bytes, flags),
        };
    }

    /// Says that nothing more will be written. An error only means that the peer is gone already.
    pub(crate) fn shut_write(&self) {
        let _ = match self {
            Self::Tcp(stream) => rustix::net::shutdown(stream, Shutdown::Write),
            Self::Unix(stream) => rustix::net::shutdown(stream, Shutdown::Write),
        };
    }

    /// Makes the coming close a reset, so that the peer cannot take what it has for the whole.
    pub(crate) fn reset_on_close(&self) {
        if let Self::Tcp(stream) = self {
            let _ = stream.set_zero_linger();
        }
    }

    /// Asks the kernel whether the peer has closed or broken the connection, even if bytes of it are unread.
    pub(crate) fn is_hung_up(&self) -> bool {
        self.is_any(PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR)
    }

    /// The same, but a peer that only says no more, and may still listen, is there.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_any(PollFlags::HUP | PollFlags::ERR)
    }

    fn is_any(&self, flags: PollFlags) -> bool {
        let mut asked = [match self {
            Self::Tcp(stream) => PollFd::new(stream, flags),
            Self::Unix(stream) => PollFd::new(stream, flags),
        }];
        rustix::event::poll(&mut asked, Some(&Timespec::default()))
            .is_ok_and(|_| asked[0].revents().intersects(flags))
    }

    /// Looks at what has come without taking it; `None`: nothing has, though the peer is there. Asks the kernel, not our
    /// cache of readiness.
    pub(crate) fn peek_now(&self, room: &mut [u8]) -> Option<io::Result<usize>> {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let peeked = match self {
            Self::Tcp(stream) => rustix::net::recv(stream, room, flags),
            Self::Unix(stream) => rustix::net::recv(stream, room, flags),
        };
        match peeked {
            Ok((count, _)) => Some(Ok(count)),
            Err(rustix::io::Errno::AGAIN) => None,
            Err(error) => Some(Err(error.into())),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, into),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, parts),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shut_write();
        Poll::Ready(Ok(()))
    }
}
