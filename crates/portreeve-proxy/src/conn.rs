//! An HTTP/1 connection as both sides see it: a stream, what was read and not yet used, and a deadline each way.

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::buffer::Buffer;
use crate::patience::Patience;
use crate::stream::Stream;
use crate::timer::{Timer, Wheel};

/// A connection to a client or to a backend.
pub(crate) struct Conn {
    pub(crate) stream: Stream,
    input: Option<Buffer>,
    /// Whether a peer that says no more still waits, so that only a broken connection says that it has left.
    pub(crate) may_half_close: bool,
    /// For waits until the peer sends.
    pub(crate) read_timer: Timer,
    /// For waits until the peer takes.
    pub(crate) write_timer: Timer,
}

/// What `poll_gone` found.
pub(crate) struct Gone;

impl Conn {
    pub(crate) fn new(stream: Stream, wheel: &Rc<Wheel>) -> Self {
        Self {
            stream,
            input: None,
            may_half_close: false,
            read_timer: Timer::new(wheel),
            write_timer: Timer::new(wheel),
        }
    }

    /// What was read and not yet consumed.
    pub(crate) fn input(&self) -> &[u8] {
        self.input.as_ref().map_or(&[], Buffer::filled)
    }

    /// Drops the first `count` bytes of the input; an empty buffer goes back to the thread.
    pub(crate) fn consume(&mut self, count: usize) {
        if let Some(buffer) = &mut self.input {
            buffer.consume(count);
            if buffer.is_empty() {
                self.input = None;
            }
        }
    }

    /// Puts bytes that go out before the input in front of it.
    pub(crate) fn prepend(&mut self, bytes: &[u8]) {
        self.input.get_or_insert_with(Buffer::take).prepend(bytes);
    }

    /// Puts a few bytes behind the input.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.input.get_or_insert_with(Buffer::take).append(bytes);
    }

    /// Reads more input; 0 is the end of the stream. No buffer is held while there is nothing to read.
    pub(crate) fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.poll_fill_at_most(context, usize::MAX)
    }

    /// The same, but no more than that many bytes, at least one.
    pub(crate) fn poll_fill_at_most(
        &mut self,
        context: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let mut buffer = self.input.take().unwrap_or_else(Buffer::take);
        let room = buffer.room();
        let most = room.len().min(most);
        let read = self.stream.poll_read(context, &mut room[..most]);
        if let Poll::Ready(Ok(count)) = read {
            buffer.extend(count);
        }
        if !buffer.is_empty() {
            self.input = Some(buffer);
        }
        read
    }

    /// Ready once the peer has closed or broken the connection while we owe it something. What it sends meanwhile is
    /// kept as far as there is room; then the kernel is asked now and then, since unread bytes hide the end behind them.
    pub(crate) fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<Gone> {
        while self.stream.poll_readable(context).is_ready() {
            if self.input.as_mut().is_some_and(|buffer| buffer.room().is_empty()) {
                return self.poll_hung_up(context);
            }
            match self.poll_fill(context) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Gone),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => break,
            }
        }
        Poll::Pending
    }

    /// The same where nothing is to be kept: what the peer sends stays with the kernel, and so with the peer.
    pub(crate) fn poll_left(&mut self, context: &mut Context<'_>) -> Poll<Gone> {
        if self.stream.poll_readable(context).is_pending() {
            return Poll::Pending;
        }
        self.poll_hung_up(context)
    }

    /// Keeps the input in little more memory than it needs, if that is much less.
    pub(crate) fn shrink(&mut self) {
        if let Some(buffer) = &mut self.input {
            buffer.shrink();
        }
    }

    /// Takes the input out for a long wait, in no more memory than it needs.
    pub(crate) fn stow(&mut self) -> Box<[u8]> {
        let stowed = self.input().into();
        self.input = None;
        stowed
    }

    /// Puts it back.
    pub(crate) fn unstow(&mut self, stowed: &[u8]) {
        if !stowed.is_empty() {
            self.prepend(stowed);
        }
    }

    fn poll_hung_up(&mut self, context: &Context<'_>) -> Poll<Gone> {
        let has_left = match self.may_half_close {
            true => self.stream.is_broken(),
            false => self.stream.is_hung_up(),
        };
        if has_left {
            return Poll::Ready(Gone);
        }
        while self
            .read_timer
            .poll_expired(context, std::time::Instant::now() + HUNG_UP_LOOK)
        {}
        Poll::Pending
    }

    /// Writes all of `bytes`, as patiently as told.
    pub(crate) async fn write_all(&mut self, bytes: &[u8], patience: &mut Patience) -> io::Result<()> {
        let mut at = 0;
        std::future::poll_fn(|context| {
            while at < bytes.len() {
                match self.stream.poll_write(context, &bytes[at..]) {
                    Poll::Ready(Ok(count)) => {
                        at += count;
                        patience.moved(count);
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending if self.write_timer.poll_expired(context, patience.deadline()) => {
                        return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                    }
                    Poll::Pending => return Poll::Pending,
                }
            }
            match self.stream.poll_flush(context) {
                Poll::Pending if self.write_timer.poll_expired(context, patience.deadline()) => {
                    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
                }
                flushed => flushed,
            }
        })
        .await
    }

    /// Ends a connection whose peer may still be sending: says that we are done, then reads and drops for a bounded
    /// time, so that the peer gets our last bytes instead of a reset (RFC 9112 section 9.6).
    pub(crate) async fn linger(&mut self) {
        self.stream.shut_write();
        self.input = None;
        let deadline = std::time::Instant::now() + LINGER;
        let mut left = LINGER_BYTES_MAX;
        std::future::poll_fn(|context| {
            while let Poll::Ready(read) = self.poll_fill(context) {
                let count = read.unwrap_or(0);
                self.input = None;
                left = left.saturating_sub(count);
                if count == 0 || left == 0 {
                    return Poll::Ready(());
                }
            }
            if self.read_timer.poll_expired(context, deadline) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// How often a peer whose bytes we cannot take is looked at.
const HUNG_UP_LOOK: std::time::Duration = std::time::Duration::from_secs(1);
const LINGER: std::time::Duration = std::time::Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 4 * 1024 * 1024;
