//! The way between the `h2` crate and the connection: what comes is watched, what goes is gathered, so that the answers of
//! many streams leave in one write.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use portreeve_frames::{FrameWatch, Violation};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::pace::Pace;
use crate::buffer::Buffer;
use crate::serve::client::Client;
use crate::stream::Stream;

/// A connection, and what is on its way out.
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) watch: FrameWatch,
    /// What the client did that it may not: nothing more is read.
    pub(super) violation: Option<Violation>,
    out: Option<Buffer>,
    /// Whether there was no room for more.
    is_blocked: bool,
    /// Whether bytes may be here that the stream holds back until it is told.
    is_unflushed: bool,
    /// How quickly the client takes what goes out.
    pub(super) pace: Pace,
    /// Whether the client has not answered the PING by which the end of the connection begins, and we do it.
    owes_pong: bool,
    /// What broke it.
    error: Option<io::ErrorKind>,
}

/// The end of the link that the `h2` crate holds.
pub(super) struct End(pub(super) Rc<RefCell<Link>>);

impl Link {
    pub(super) fn new(client: Client, watch: FrameWatch) -> Self {
        let pace = Pace::new(&client.gate.listener().limits);
        Self {
            client,
            watch,
            violation: None,
            out: None,
            is_blocked: false,
            is_unflushed: false,
            pace,
            owes_pong: false,
            error: None,
        }
    }

    /// Sends what is here. Ready once all of it is with the kernel, or nothing ever will.
    pub(super) fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.poll_drain(context).is_pending() {
            self.pace.wait(true);
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Answers in the client's stead the PING by which the end of the connection begins: it had time enough. What it
    /// says itself about it later is dropped.
    pub(super) fn answer_for_client(&mut self) {
        self.owes_pong = !self.watch.has_pong();
    }

    /// Whether the other end was told to wait, and need not any more.
    pub(super) fn take_unblocked(&mut self) -> bool {
        self.out.is_none() && std::mem::take(&mut self.is_blocked)
    }

    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let Some(out) = &mut self.out {
            match ready!(self.client.conn.stream.poll_write(context, out.filled())) {
                Ok(count) => {
                    out.consume(count);
                    self.pace.moved(count);
                    self.is_unflushed = true;
                    if out.is_empty() {
                        self.out = None;
                    }
                }
                Err(error) => self.fail(&error),
            }
        }
        if self.is_unflushed {
            if let Err(error) = ready!(self.client.conn.stream.poll_flush(context)) {
                self.fail(&error);
            }
            self.is_unflushed = false;
        }
        Poll::Ready(())
    }

    fn fail(&mut self, error: &io::Error) {
        self.error.get_or_insert(error.kind());
        self.out = None;
    }

    fn poll_read(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.violation.is_some() {
            return Poll::Pending;
        }
        if self.owes_pong && self.watch.is_between_messages() && into.remaining() >= PONG.len() {
            self.owes_pong = false;
            into.put_slice(PONG);
            return Poll::Ready(Ok(()));
        }
        let before = into.filled().len();
        ready!(self.poll_fill(context, into))?;
        let Err(violation) = self.watch.came(&into.filled()[before..], Instant::now) else {
            return Poll::Ready(Ok(()));
        };
        self.violation = Some(violation);
        match self.watch.sound() {
            // Nothing read would be the end.
            0 => Poll::Pending,
            sound => {
                into.set_filled(before + sound);
                Poll::Ready(Ok(()))
            }
        }
    }

    fn poll_fill(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let conn = &mut self.client.conn;
        let count = conn.input().len().min(into.remaining());
        if count > 0 {
            into.put_slice(&conn.input()[..count]);
            conn.consume(count);
            return Poll::Ready(Ok(()));
        }
        if let Stream::Wire(wire) = &mut conn.stream {
            return Pin::new(wire).poll_read(context, into);
        }
        let count = ready!(conn.stream.poll_read(context, into.initialize_unfilled()))?;
        into.advance(count);
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(kind) = self.error {
            return Poll::Ready(Err(kind.into()));
        }
        let mut out = self.out.take().unwrap_or_else(Buffer::take);
        let room = out.room();
        let count = bytes.len().min(room.len());
        room[..count].copy_from_slice(&bytes[..count]);
        out.extend(count);
        self.out = Some(out);
        if count == 0 {
            self.is_blocked = true;
            ready!(self.poll_send(context));
            self.is_blocked = false;
            return self.poll_write(context, bytes);
        }
        if let Err(violation) = self.watch.went(&bytes[..count], Instant::now) {
            self.violation.get_or_insert(violation);
        }
        Poll::Ready(Ok(count))
    }
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_read(context, into)
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_write(context, bytes)
    }

    /// What is gathered leaves at the end of the connection's turn.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// The session closes the connection itself.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The acknowledgement of the PING that the `h2` crate sends along with its first GOAWAY.
const PONG: &[u8] = b"\x00\x00\x08\x06\x01\x00\x00\x00\x00\x0b\x7b\xa2\xf0\x8b\x9b\xfe\x54";
