//! A client's stream of an HTTP/2 connection, told as a connection of HTTP/1.1: what it asks is read here as bytes that
//! pass the same strict parser as everybody's, and the bytes of our answer become frames.

mod answer;
mod answer_head;
mod asked;
mod asked_head;
mod backlog;

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use h2::RecvStream;
use h2::server::SendResponse;
use portreeve_model::Cause;

use self::answer::Answer;
use self::asked::Asked;
pub(crate) use self::asked_head::{Telling, tell};
pub(crate) use self::backlog::{Backlog, Held};
use crate::worker::Worker;

/// A client's stream of an HTTP/2 connection, told as a connection of HTTP/1.1. Its request head is told before, by
/// [`tell`].
pub(crate) struct Inward {
    asked: Asked,
    answer: Answer,
    /// Whether the client, or what it did, has ended the stream before its time.
    is_broken: bool,
}

impl Inward {
    pub(crate) fn new(
        telling: Telling,
        body: RecvStream,
        respond: SendResponse<Held>,
        backlog: &Rc<Backlog>,
        worker: &Rc<Worker>,
    ) -> Self {
        Self {
            answer: Answer::new(&telling, respond, backlog, worker.clone()),
            asked: Asked::new(telling.body, body),
            is_broken: false,
        }
    }

    /// Reads some bytes of what follows the head; 0 is the end, which only a tunnel has: after a request, a client waits.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.asked.poll_read(context, room) {
            Poll::Ready(Ok(0)) if self.answer.is_tunnel() => Poll::Ready(Ok(0)),
            Poll::Ready(Ok(0)) => self.poll_reset(context).map(|()| Err(reset())),
            Poll::Ready(Err(error)) => {
                self.is_broken = true;
                Poll::Ready(Err(error))
            }
            read => read,
        }
    }

    /// Whether there may be something to read, be it that the client has left.
    pub(crate) fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.poll_reset(context).is_ready() {
            return Poll::Ready(());
        }
        match self.asked.poll_readable(context) {
            Poll::Ready(true) => Poll::Ready(()),
            Poll::Ready(false) if self.answer.is_tunnel() => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    /// Takes what the client's windows have room for.
    pub(crate) fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.answer.poll_write(context, bytes)
    }

    /// How many bytes it makes sense to have for the client at once, for the first time.
    pub(crate) fn first_bytes_max(&self) -> usize {
        self.answer.first_bytes_max()
    }

    /// The same while the answer goes on; pending while it is none.
    pub(crate) fn poll_room(&self, context: &Context<'_>) -> Poll<usize> {
        self.answer.poll_room(context)
    }

    /// Why it broke, if that was not the client's wish.
    pub(crate) fn fault(&self) -> Option<Cause> {
        self.answer.is_given_up().then_some(Cause::SlowReader)
    }

    /// What was taken is the connection's, which sends it in the same turn of the worker.
    #[expect(clippy::unused_self, reason = "the other kinds of streams need it")]
    pub(crate) fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Writes what fits at once.
    pub(crate) fn send_now(&mut self, mut bytes: &[u8]) {
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Ok(count)) = self.poll_write(&mut context, bytes)
            && count > 0
        {
            bytes = &bytes[count..];
        }
    }

    /// Says that nothing more will be written: the end of a tunnel's way. An answer ends by itself.
    pub(crate) fn shut_write(&mut self) {
        self.answer.end_tunnel();
    }

    /// An unfinished answer is reset anyway; an unfinished tunnel is not, unless it is said.
    pub(crate) fn reset_on_close(&mut self) {
        self.answer.abort();
    }

    /// Whether the client has ended it before its time, as far as it was noticed.
    pub(crate) fn is_hung_up(&self) -> bool {
        self.is_broken
    }

    /// Whether the client is still there: nothing that it sends on this stream is another request.
    pub(crate) fn is_silent(&self) -> bool {
        !self.is_broken
    }

    fn poll_reset(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_broken || self.answer.poll_reset(context).is_ready() {
            self.is_broken = true;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

/// What a broken stream is for those who know only connections.
fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}
