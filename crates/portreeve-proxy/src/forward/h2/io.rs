//! Our streams as the `h2` crate reads and writes them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::link::State;
use crate::stream::Stream;

/// The connection under its streams. What is left of it when it has ended is an end of file.
pub(super) struct Io(pub(super) Rc<State>);

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut stream = self.0.stream.borrow_mut();
        let before = into.filled().len();
        match &mut *stream {
            None => return Poll::Ready(Ok(())),
            Some(Stream::Wire(wire)) => ready!(Pin::new(wire).poll_read(context, into))?,
            Some(stream) => {
                let count = ready!(stream.poll_read(context, into.initialize_unfilled()))?;
                into.advance(count);
            }
        }
        if into.filled().len() > before {
            self.0.note_read();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self.0.stream.borrow_mut() {
            Some(stream) => stream.poll_write(context, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self.0.stream.borrow_mut() {
            Some(Stream::Wire(wire)) => Pin::new(wire).poll_write_vectored(context, parts),
            Some(stream) => {
                let first = parts.iter().find(|part| !part.is_empty());
                stream.poll_write(context, first.map_or(&[], |part| part))
            }
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn is_write_vectored(&self) -> bool {
        matches!(&*self.0.stream.borrow(), Some(Stream::Wire(_)))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self.0.stream.borrow_mut() {
            Some(stream) => stream.poll_flush(context),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(stream) = &mut *self.0.stream.borrow_mut() {
            stream.shut_write();
        }
        Poll::Ready(Ok(()))
    }
}
