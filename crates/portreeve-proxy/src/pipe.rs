//! One body on its way from one connection to the other: read, looked at, written, in the same buffer.
//! At most one buffer is held, and nothing is read while it cannot be written: that is the backpressure.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use portreeve_http1::{Fault, Framing, Head, HeadLimits};

use crate::body::Body;
use crate::conn::Conn;
use crate::headers::{is_read_as, write_trailers};
use crate::patience::{Overdue, Patience};

/// A body in transit, with the head that goes before it.
pub(crate) struct Pipe {
    body: Body,
    coding: Coding,
    /// Bytes at the front of the source's input that may be written.
    cleared: usize,
    /// What we write after them ourselves: the last chunk, trailers.
    tail: Vec<u8>,
    ended: bool,
    /// Bytes written, head and framing included.
    pub(crate) written: u64,
    /// Bytes of the body itself, so far.
    pub(crate) data: u64,
    data_max: u64,
    /// What was written of a body that goes on as it is, so that it can be sent again; `None`: it is not remembered.
    written_body: Option<Vec<u8>>,
    /// A longer one is not remembered.
    remembered_max: u64,
    /// Bytes of the head that are not written yet.
    head_left: usize,
    trailer_limits: HeadLimits,
    /// Fields that only we may write, which nobody may have put among the trailers.
    reserved: Option<Arc<[Box<str>]>>,
    pub(crate) source: Patience,
    pub(crate) sink: Patience,
}

/// What happens to the framing on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Bytes go on as they are, chunk extensions included.
    Verbatim,
    /// Chunks lose their framing (for a peer that speaks HTTP/1.0).
    Unchunk,
    /// Bytes get chunk framing (a body until close, for a peer that can be told about its end).
    Chunk,
}

/// Why a body did not arrive.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Broken {
    /// The source closed before the end.
    Short,
    /// The source's connection broke.
    Read,
    /// The sink's connection broke.
    Write,
    /// The source's bytes are not a body.
    Fault(Fault),
    /// The body is larger than allowed.
    TooLarge,
    /// The source sent too slowly.
    SourceSlow(Overdue),
    /// The sink took too slowly.
    SinkSlow(Overdue),
}

impl Pipe {
    pub(crate) fn new(
        framing: Framing,
        coding: Coding,
        limits: HeadLimits,
        source: Patience,
        sink: Patience,
    ) -> Self {
        Self {
            body: Body::new(framing),
            coding,
            cleared: 0,
            tail: Vec::new(),
            ended: false,
            written: 0,
            data: 0,
            data_max: u64::MAX,
            written_body: None,
            remembered_max: 0,
            head_left: 0,
            trailer_limits: limits,
            reserved: None,
            source,
            sink,
        }
    }

    pub(crate) fn at_most(mut self, data_max: Option<u64>) -> Self {
        self.data_max = data_max.unwrap_or(u64::MAX);
        self
    }

    /// Takes no trailer of these names: a reader that merges trailers into the head would believe it.
    pub(crate) fn reserving(mut self, names: &Arc<[Box<str>]>) -> Self {
        if !names.is_empty() {
            self.reserved = Some(Arc::clone(names));
        }
        self
    }

    /// Remembers what it writes of the body, framing included, as long as that is at most so many bytes; 0: nothing.
    pub(crate) fn remembering(mut self, bytes_max: u64) -> Self {
        self.written_body = (bytes_max > 0).then(Vec::new);
        self.remembered_max = bytes_max;
        self
    }

    /// Whether all that was written of the body is remembered.
    pub(crate) fn remembers(&self) -> bool {
        self.written_body.is_some()
    }

    /// Takes what there is of the body, and puts `head` before it, so that both leave in one write.
    pub(crate) fn begin(&mut self, from: &mut Conn, head: &[u8]) -> Result<(), Broken> {
        self.advance(from)?;
        from.prepend(head);
        self.cleared += head.len();
        self.head_left = head.len();
        Ok(())
    }

    /// Takes the unwritten rest of a head off the input again, after a try that failed, and puts back what is remembered
    /// of the body: what is there then is the body alone, from its beginning if none of it was written or all of that is
    /// remembered.
    pub(crate) fn unsend(&mut self, from: &mut Conn, head_len: usize) {
        let written = usize::try_from(self.written).unwrap_or(usize::MAX);
        from.consume(head_len.saturating_sub(written));
        if let Some(body) = self.written_body.take_if(|body| !body.is_empty()) {
            from.prepend(&body);
        }
    }

    /// Moves what can be moved now, up to a fair share; ready when the body is through or broken.
    pub(crate) fn poll(
        &mut self,
        context: &mut Context<'_>,
        from: &mut Conn,
        to: &mut Conn,
    ) -> Poll<Result<(), Broken>> {
        let turn_ends = self.written + TURN;
        while self.written < turn_ends {
            if self.cleared > 0 || !self.tail.is_empty() {
                ready!(self.poll_write(context, from, to))?;
            } else if self.ended {
                return self.poll_flush(context, to);
            } else if from.input().is_empty() || !self.advance(from)? {
                // What was written may not be on its way yet, and whoever we wait for may wait for it.
                if let Poll::Ready(Err(_)) = to.stream.poll_flush(context) {
                    return Poll::Ready(Err(Broken::Write));
                }
                ready!(self.poll_read(context, from, to))?;
            }
        }
        // The others' turn; ours comes again at once.
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        from: &mut Conn,
        to: &mut Conn,
    ) -> Poll<Result<(), Broken>> {
        let written = if self.cleared > 0 {
            to.stream
                .poll_write(context, &from.input()[..self.cleared])
                .map_ok(|count| {
                    self.remember(&from.input()[..count]);
                    from.consume(count);
                    self.cleared -= count;
                    count
                })
        } else {
            to.stream.poll_write(context, &self.tail).map_ok(|count| {
                self.tail.drain(..count);
                count
            })
        };
        match written {
            Poll::Ready(Ok(count)) => {
                self.written += count as u64;
                self.sink.moved(count);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(_)) => Poll::Ready(Err(Broken::Write)),
            Poll::Pending => {
                if to.stream.is_inward() || from.stream.is_inward() {
                    // One of so many that all of them together must not hold what a connection may.
                    from.shrink();
                }
                self.poll_sink_slow(context, to)
            }
        }
    }

    /// Ready once the sink has sent on all that it took.
    fn poll_flush(&mut self, context: &mut Context<'_>, to: &mut Conn) -> Poll<Result<(), Broken>> {
        match to.stream.poll_flush(context) {
            Poll::Ready(flushed) => Poll::Ready(flushed.map_err(|_| Broken::Write)),
            Poll::Pending => self.poll_sink_slow(context, to),
        }
    }

    fn poll_sink_slow(&mut self, context: &Context<'_>, to: &mut Conn) -> Poll<Result<(), Broken>> {
        if to.write_timer.poll_expired(context, self.sink.deadline()) {
            return Poll::Ready(Err(Broken::SinkSlow(self.sink.overdue())));
        }
        Poll::Pending
    }

    fn remember(&mut self, written: &[u8]) {
        let of_head = self.head_left.min(written.len());
        self.head_left -= of_head;
        if let Some(body) = &mut self.written_body {
            body.extend_from_slice(&written[of_head..]);
            self.written_body
                .take_if(|body| body.len() as u64 > self.remembered_max);
        }
    }

    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        from: &mut Conn,
        to: &mut Conn,
    ) -> Poll<Result<(), Broken>> {
        let Poll::Ready(most) = to.stream.poll_room(context) else {
            return self.poll_sink_slow(context, to);
        };
        // Until now it was waited for, if at all.
        self.sink.moved(0);
        match from.poll_fill_at_most(context, most) {
            Poll::Ready(Ok(0)) => Poll::Ready(self.close()),
            Poll::Ready(Ok(count)) => {
                self.source.moved(count);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(_)) => Poll::Ready(Err(Broken::Read)),
            Poll::Pending if from.read_timer.poll_expired(context, self.source.deadline()) => {
                Poll::Ready(Err(Broken::SourceSlow(self.source.overdue())))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn close(&mut self) -> Result<(), Broken> {
        if !self.body.ends_at_close() {
            return Err(Broken::Short);
        }
        self.ended = true;
        if self.coding == Coding::Chunk {
            self.tail.extend_from_slice(LAST_CHUNK);
        }
        Ok(())
    }

    /// Looks at the input; false if more is needed before anything can be said.
    fn advance(&mut self, from: &mut Conn) -> Result<bool, Broken> {
        if self.body.is_at_trailers() {
            return self.take_trailers(from);
        }
        let step = self
            .body
            .step(from.input(), self.coding != Coding::Unchunk)
            .map_err(Broken::Fault)?;
        self.data += step.data;
        if self.data > self.data_max {
            return Err(Broken::TooLarge);
        }
        from.consume(step.skip);
        self.cleared = step.pass;
        self.ended = step.ended;
        if self.coding == Coding::Chunk && step.pass > 0 {
            self.enframe(from);
        }
        Ok(step.skip + step.pass > 0
            || step.ended
            || (self.body.is_at_trailers() && !from.input().is_empty()))
    }

    fn enframe(&mut self, from: &mut Conn) {
        let size = format!("{:x}\r\n", self.cleared);
        from.append(b"\r\n");
        from.prepend(size.as_bytes());
        self.cleared += size.len() + 2;
    }

    fn take_trailers(&mut self, from: &mut Conn) -> Result<bool, Broken> {
        let mut head = Head::new();
        let taken = self
            .body
            .trailers(from.input(), &self.trailer_limits, &mut head)
            .map_err(Broken::Fault)?;
        let Some(consumed) = taken else { return Ok(false) };
        if self
            .reserved
            .as_ref()
            .is_some_and(|names| names_one_of(&head, names))
        {
            return Err(Broken::Fault(Fault::TrailerForbidden));
        }
        from.consume(consumed);
        self.ended = true;
        if self.coding == Coding::Verbatim {
            // They have left the input, to which they could not be put back.
            self.written_body = None;
            write_trailers(&head, &mut self.tail);
        }
        Ok(true)
    }
}

fn names_one_of(head: &Head, names: &[Box<str>]) -> bool {
    let is_named = |name: &[u8]| names.iter().any(|reserved| is_read_as(name, reserved.as_bytes()));
    head.fields().iter().any(|field| is_named(head.name(field)))
}

const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// Bytes that one body moves before the worker's other connections have their turn.
const TURN: u64 = 256 * 1024;
