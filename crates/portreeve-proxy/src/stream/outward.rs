//! A stream of an HTTP/2 connection to a backend, told as a connection of HTTP/1.1: it takes one request as its bytes
//! and tells the response as bytes, and all that reads and writes HTTP/1.1 serves for it (RFC 9113 section 8).
//!
//! ```text
//!   written: head ──► HEADERS ──► body: DATA, its framing taken off ──► trailers: HEADERS
//!   read:    1xx, head ◄── HEADERS ◄── body, framed anew: DATA ◄── trailers: HEADERS
//! ```

mod accept;
mod request;
mod response;
mod room;
mod upload;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::Response;
use portreeve_http1::{HeadLimits, HeadScan};
use portreeve_model::Cause;

use self::request::{Refused, Spoken};
use self::response::Frame;
use self::room::Room;
use self::upload::Upload;
use crate::forward::h2::link::Place;

/// A stream of an HTTP/2 connection to a backend, told as a connection of HTTP/1.1.
pub(crate) struct Outward {
    place: Place,
    is_secured: bool,
    /// Until the request is sent.
    send: Option<SendRequest<Bytes>>,
    sending: Option<Sending>,
    answer: Answer,
    /// What the request was, as far as the response depends on it.
    spoken: Spoken,
    /// Told, but not read yet.
    spilled: Vec<u8>,
    chunk: Bytes,
    fault: Option<Cause>,
    is_untouched: bool,
    has_answered: bool,
}

struct Sending {
    stream: SendStream<Bytes>,
    upload: Upload,
}

/// How far the response is.
enum Answer {
    Unasked,
    Awaited(ResponseFuture),
    Body(RecvStream, Frame),
    Over,
    Lost,
}

impl Outward {
    pub(crate) fn new(send: SendRequest<Bytes>, place: Place, is_secured: bool) -> Self {
        Self {
            place,
            is_secured,
            send: Some(send),
            sending: None,
            answer: Answer::Unasked,
            spoken: Spoken::default(),
            spilled: Vec::new(),
            chunk: Bytes::new(),
            fault: None,
            is_untouched: true,
            has_answered: false,
        }
    }

    /// Whether the other side has said, or it is certain, that nothing of the request was processed (RFC 9113 section
    /// 8.7): it may be sent again whatever its method.
    pub(crate) fn is_untouched(&self) -> bool {
        self.is_untouched
    }

    /// Why it failed, if that is known better than that it did.
    pub(crate) fn fault(&self) -> Option<Cause> {
        self.fault.or_else(|| self.place.state().end())
    }

    /// Reads some bytes; 0 is the end of the stream.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut room = Room::new(room, &mut self.spilled);
        while !room.is_full() {
            match self
                .answer
                .step(&self.spoken, &mut self.chunk, context, &mut room)
            {
                Poll::Pending => break,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    (self.fault, self.is_untouched) = (fault_of(&error), is_untouched(&error));
                    if error.is_go_away() {
                        self.place.state().leave();
                    }
                    self.answer = Answer::Lost;
                }
            }
            if matches!(self.answer, Answer::Over | Answer::Lost) {
                break;
            }
        }
        let filled = room.filled();
        self.note_progress();
        match (filled, &self.answer) {
            (0, Answer::Lost) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            (0, Answer::Over) => Poll::Ready(Ok(0)),
            (0, _) => Poll::Pending,
            (count, _) => Poll::Ready(Ok(count)),
        }
    }

    fn note_progress(&mut self) {
        if !self.has_answered && matches!(self.answer, Answer::Body(..) | Answer::Over) {
            self.has_answered = true;
            self.place.state().note_answer();
        }
    }

    /// Whether there may be something to read: only a look tells.
    pub(crate) fn poll_readable(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    /// Takes some bytes of a request: first its head, whole, then its body.
    pub(crate) fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match (&mut self.sending, self.send.take()) {
            (Some(sending), _) => sending.upload.poll_write(&mut sending.stream, context, bytes),
            (None, Some(send)) => Poll::Ready(self.begin(send, bytes)),
            (None, None) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// Ready at once: what was taken is in the hands of the connection's own task.
    pub(crate) fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Writes what fits at once.
    pub(crate) fn send_now(&mut self, bytes: &[u8]) {
        let mut context = Context::from_waker(std::task::Waker::noop());
        let _ = self.poll_write(&mut context, bytes);
    }

    /// Says that nothing more will be written.
    pub(crate) fn shut_write(&mut self) {
        if let Some(sending) = &mut self.sending {
            sending.upload.end(&mut sending.stream);
        }
    }

    /// Has the coming end show that something is missing.
    pub(crate) fn reset_on_close(&mut self) {
        if let Some(sending) = &mut self.sending {
            sending.stream.send_reset(Reason::CANCEL);
        }
    }

    /// Whether the connection is gone.
    pub(crate) fn is_hung_up(&self) -> bool {
        self.place.state().end().is_some()
    }

    /// Whether the other side is still there, as of now; if it is not, nobody else is to try.
    pub(crate) fn is_silent(&self) -> bool {
        let state = self.place.state();
        let is_there = !state.is_hung_up();
        if !is_there {
            state.leave();
        }
        is_there
    }

    /// Sends the head, which `bytes` begin with.
    fn begin(&mut self, mut send: SendRequest<Bytes>, bytes: &[u8]) -> io::Result<usize> {
        let length = HeadScan::default().advance(bytes, &UNBOUNDED).ok().flatten();
        let length = length.ok_or(io::ErrorKind::InvalidInput)?;
        let may_extend = send.is_extended_connect_protocol_enabled();
        let translated = request::translate(&bytes[..length], self.is_secured, may_extend);
        let translated = translated.map_err(|refused| {
            self.fault = Some(match refused {
                Refused::Unsayable => Cause::MalformedRequest,
                Refused::NotExtended => Cause::BackendProtocol,
            });
            io::Error::from(io::ErrorKind::InvalidInput)
        })?;
        let ends = translated.upload.is_over();
        match send.send_request(translated.request, ends) {
            Ok((answer, stream)) => {
                self.is_untouched = false;
                self.spoken = translated.spoken;
                self.answer = Answer::Awaited(answer);
                self.sending = Some(Sending {
                    stream,
                    upload: translated.upload,
                });
                Ok(length)
            }
            Err(error) => {
                self.fault = fault_of(&error);
                self.place.state().leave();
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
    }
}

impl Drop for Outward {
    fn drop(&mut self) {
        if matches!(self.answer, Answer::Awaited(_)) {
            self.place.doubt();
        }
    }
}

impl Answer {
    /// Tells the next part.
    fn step(
        &mut self,
        spoken: &Spoken,
        chunk: &mut Bytes,
        context: &mut Context<'_>,
        room: &mut Room<'_>,
    ) -> Poll<Result<(), h2::Error>> {
        match self {
            Self::Unasked | Self::Over | Self::Lost => return Poll::Pending,
            Self::Awaited(future) => match ready!(poll_head(future, context))? {
                Told::Interim(response) => response::write_interim(&response, room),
                Told::Final(response) => {
                    let (parts, body) = response.into_parts();
                    let frame = response::write(&parts, body.is_end_stream(), spoken, room);
                    *self = Self::Body(body, frame);
                }
            },
            Self::Body(body, frame) => {
                if ready!(poll_body(body, *frame, chunk, context, room))? {
                    *self = Self::Over;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

enum Told {
    Interim(Response<()>),
    Final(Response<RecvStream>),
}

/// The next head: interim ones come before the final one.
fn poll_head(future: &mut ResponseFuture, context: &mut Context<'_>) -> Poll<Result<Told, h2::Error>> {
    if let Some(interim) = ready!(future.poll_informational(context)) {
        return Poll::Ready(interim.map(Told::Interim));
    }
    Pin::new(future).poll(context).map_ok(Told::Final)
}

/// Tells some of the body; whether it is over.
fn poll_body(
    body: &mut RecvStream,
    frame: Frame,
    chunk: &mut Bytes,
    context: &mut Context<'_>,
    room: &mut Room<'_>,
) -> Poll<Result<bool, h2::Error>> {
    if !chunk.is_empty() {
        let count = room.put_some(chunk);
        chunk.advance(count);
        body.flow_control().release_capacity(count)?;
        if chunk.is_empty() && frame == Frame::Chunked {
            room.put(b"\r\n");
        }
        return Poll::Ready(Ok(false));
    }
    if let Some(data) = ready!(body.poll_data(context)) {
        *chunk = data?;
        if frame == Frame::Chunked && !chunk.is_empty() {
            response::write_size(chunk.len(), room);
        }
        return Poll::Ready(Ok(false));
    }
    let trailers = ready!(body.poll_trailers(context))?;
    if frame == Frame::Chunked {
        response::write_trailers(trailers.as_ref(), room);
    }
    Poll::Ready(Ok(true))
}

/// What the end of a stream is called; `None`: of a connection that just broke.
fn fault_of(error: &h2::Error) -> Option<Cause> {
    if error.is_io() {
        return None;
    }
    let is_fault = error.is_library()
        || matches!(
            error.reason(),
            Some(Reason::PROTOCOL_ERROR | Reason::FRAME_SIZE_ERROR | Reason::COMPRESSION_ERROR)
                | Some(Reason::FLOW_CONTROL_ERROR | Reason::STREAM_CLOSED | Reason::HTTP_1_1_REQUIRED)
        );
    Some(if is_fault {
        Cause::BackendProtocol
    } else {
        Cause::BackendReset
    })
}

/// RFC 9113 section 8.7: a stream that is refused, or beyond the last that a GOAWAY names. Streams up to that one end
/// in other ways.
fn is_untouched(error: &h2::Error) -> bool {
    error.is_remote() && (error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM))
}

/// What we wrote ourselves has its bounds already.
const UNBOUNDED: HeadLimits = HeadLimits {
    bytes_max: usize::MAX,
    fields_max: usize::MAX,
    target_max: usize::MAX,
};
