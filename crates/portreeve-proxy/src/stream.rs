//! A byte stream to a client or a backend. Whatever it is made of, it carries HTTP/1.1, packets or bytes as they are:
//! what is told over HTTP/2 is told here as if it had come, or went, over a connection of its own.

pub(crate) mod inward;
pub(crate) mod outward;
pub(crate) mod tls;
pub(crate) mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use portreeve_model::Cause;
use portreeve_tls::Trust;

use self::inward::Inward;
use self::outward::Outward;
use self::tls::Tls;
use self::wire::Wire;

/// The kinds there are; matched once per read or write.
pub(crate) enum Stream {
    Wire(Wire),
    Tls(Box<Tls>),
    Inward(Box<Inward>),
    Outward(Box<Outward>),
}

impl Stream {
    /// Reads some bytes; 0 is the end of the stream.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Wire(wire) => wire.poll_read_some(context, room),
            Self::Tls(tls) => tls.poll_read(context, room),
            Self::Inward(stream) => stream.poll_read(context, room),
            Self::Outward(stream) => stream.poll_read(context, room),
        }
    }

    /// Whether there may be something to read; costs no system call.
    pub(crate) fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Wire(wire) => wire.poll_readable(context),
            Self::Tls(tls) => tls.poll_readable(context),
            Self::Inward(stream) => stream.poll_readable(context),
            Self::Outward(stream) => stream.poll_readable(context),
        }
    }

    /// Takes some bytes, at least one. Those of the bare wire are with the kernel then; others may wait here until
    /// `poll_flush`.
    pub(crate) fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Wire(wire) => tokio::io::AsyncWrite::poll_write(std::pin::Pin::new(wire), context, bytes),
            Self::Tls(tls) => tls.poll_write(context, bytes),
            Self::Inward(stream) => stream.poll_write(context, bytes),
            Self::Outward(stream) => stream.poll_write(context, bytes),
        }
    }

    /// Ready once all that was taken is on its way.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Wire(_) => Poll::Ready(Ok(())),
            Self::Tls(tls) => tls.poll_flush(context),
            Self::Inward(stream) => stream.poll_flush(context),
            Self::Outward(stream) => stream.poll_flush(context),
        }
    }

    /// Writes what fits at once, and says that this was all; for a peer that is not waited for.
    pub(crate) fn send_now(&mut self, bytes: &[u8]) {
        match self {
            Self::Wire(wire) => wire.send_now(bytes),
            Self::Tls(tls) => tls.send_now(bytes),
            Self::Inward(stream) => stream.send_now(bytes),
            Self::Outward(stream) => stream.send_now(bytes),
        }
        self.shut_write();
    }

    /// Whether it is one of many streams of a client.
    pub(crate) fn is_inward(&self) -> bool {
        matches!(self, Self::Inward(_))
    }

    /// How many bytes of an answer it makes sense to read along with its head.
    pub(crate) fn first_bytes_max(&self) -> usize {
        match self {
            Self::Inward(stream) => stream.first_bytes_max(),
            _ => usize::MAX,
        }
    }

    /// How many bytes more it makes sense to have for the peer; pending while others of its streams have too many.
    pub(crate) fn poll_room(&self, context: &Context<'_>) -> Poll<usize> {
        match self {
            Self::Inward(stream) => stream.poll_room(context),
            _ => Poll::Ready(usize::MAX),
        }
    }

    /// Says that nothing more will be written.
    pub(crate) fn shut_write(&mut self) {
        match self {
            Self::Wire(wire) => wire.shut_write(),
            Self::Tls(tls) => tls.shut_write(),
            Self::Inward(stream) => stream.shut_write(),
            Self::Outward(stream) => stream.shut_write(),
        }
    }

    /// Has the coming close show that something is missing, so that the peer cannot take what it has for the whole.
    pub(crate) fn reset_on_close(&mut self) {
        match self {
            Self::Wire(wire) => wire.reset_on_close(),
            Self::Tls(tls) => tls.reset_on_close(),
            Self::Inward(stream) => stream.reset_on_close(),
            Self::Outward(stream) => stream.reset_on_close(),
        }
    }

    /// Whether the peer has closed or broken the connection, even if bytes of it are unread.
    pub(crate) fn is_hung_up(&self) -> bool {
        match self {
            Self::Wire(wire) => wire.is_hung_up(),
            Self::Tls(tls) => tls.is_hung_up(),
            Self::Inward(stream) => stream.is_hung_up(),
            Self::Outward(stream) => stream.is_hung_up(),
        }
    }

    /// The same, but a peer that only says no more, and may still listen, is there.
    pub(crate) fn is_broken(&self) -> bool {
        match self {
            Self::Wire(wire) => wire.is_broken(),
            Self::Tls(tls) => tls.wire().is_broken(),
            Self::Inward(_) | Self::Outward(_) => self.is_hung_up(),
        }
    }

    /// Both ends of the connection, the peer's first, where there are such addresses.
    pub(crate) fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        match self {
            Self::Wire(wire) => wire.ends(),
            Self::Tls(tls) => tls.wire().ends(),
            Self::Inward(_) | Self::Outward(_) => None,
        }
    }

    /// Whether the peer is still there and silent, as of now.
    pub(crate) fn is_silent(&self) -> bool {
        match self {
            Self::Wire(wire) => wire.peek_now(&mut [0; 1]).is_none(),
            Self::Tls(tls) => tls.is_silent(),
            Self::Inward(stream) => stream.is_silent(),
            Self::Outward(stream) => stream.is_silent(),
        }
    }

    /// Whether it was made as a plan wants it that says this number of its trust; `None`: without TLS.
    pub(crate) fn stands_for(&self, wanted: Option<u64>) -> bool {
        match (self, wanted) {
            (Self::Tls(tls), Some(number)) => tls.trust().is_some_and(|trust| trust.holds_for(number)),
            (Self::Wire(_), wanted) => wanted.is_none(),
            (Self::Tls(_), None) => false,
            (Self::Inward(_) | Self::Outward(_), _) => true,
        }
    }

    /// Why a backend at its other end is believed to be one, where that was asked.
    pub(crate) fn trust(&self) -> Option<&Arc<Trust>> {
        match self {
            Self::Tls(tls) => tls.trust(),
            _ => None,
        }
    }

    /// Whether many share the connection, so that this is one's own for one request and no longer.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Outward(_))
    }

    /// Whether it is certain that the other side has processed nothing of what was written, if anything was.
    pub(crate) fn is_untouched(&self) -> bool {
        match self {
            Self::Outward(stream) => stream.is_untouched(),
            _ => false,
        }
    }

    /// Why it broke, where that is known better than that it did.
    pub(crate) fn fault(&self) -> Option<Cause> {
        match self {
            Self::Outward(stream) => stream.fault(),
            Self::Inward(stream) => stream.fault(),
            _ => None,
        }
    }
}
