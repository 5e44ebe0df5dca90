//! Our answer on its way to a client: HTTP/1.1 comes in, frames go out.
//!
//! ```text
//!   Head ──► 1xx: sent, Head again
//!     ├────► no body: Ended
//!     ├────► body: Body ──► Ended, with trailers or without
//!     └────► 101 to an upgrade, 2xx to CONNECT: Tunnel ──► Ended
//! ```

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::HeaderMap;
use http::header::SEC_WEBSOCKET_ACCEPT;
use portreeve_http1::{Framing, Head, HeadLimits, HeadScan, StatusLine, parse_response, response_framing};

use super::answer_head::{fields, response};
use super::asked_head::{Kind, Telling};
use super::backlog::{Backlog, Held, Owed, SHARE};
use crate::body::{Body, Step};
use crate::worker::Worker;

/// An answer on its way out.
pub(super) struct Answer {
    sender: Sender,
    kind: Kind,
    state: State,
    owed: Rc<Owed>,
    /// The beginning of a head or trailer section that is not whole yet.
    partial: Vec<u8>,
    worker: Rc<Worker>,
    is_aborted: bool,
}

enum Sender {
    /// Nothing final was sent.
    Head(SendResponse<Held>),
    Body(SendStream<Held>),
}

enum State {
    Head,
    Body(Passing),
    Tunnel,
    Ended,
}

/// A body that is being sent.
struct Passing {
    body: Body,
    /// Bytes at the front of what comes next that may go into frames.
    cleared: usize,
    /// Whether they are the last: what stands behind them only says so.
    are_last: bool,
}

impl Answer {
    pub(super) fn new(
        telling: &Telling,
        respond: SendResponse<Held>,
        backlog: &Rc<Backlog>,
        worker: Rc<Worker>,
    ) -> Self {
        Self {
            sender: Sender::Head(respond),
            kind: telling.kind,
            state: State::Head,
            owed: Owed::new(backlog),
            partial: Vec::new(),
            worker,
            is_aborted: false,
        }
    }

    /// Whether bytes go both ways as they come.
    pub(super) fn is_tunnel(&self) -> bool {
        matches!(self.state, State::Tunnel)
    }

    /// Whether it ended because the client took too little.
    pub(super) fn is_given_up(&self) -> bool {
        self.owed.backlog().is_given_up()
    }

    /// How many bytes it makes sense to have for the client at once, for the first time.
    pub(super) fn first_bytes_max(&self) -> usize {
        self.owed.room().clamp(SHARE, FIRST_BYTES_MAX)
    }

    /// The same while the answer goes on; pending while it is none.
    pub(super) fn poll_room(&self, context: &Context<'_>) -> Poll<usize> {
        self.owed.poll_room(context)
    }

    /// Ready once the client has reset the stream, or its connection is gone.
    pub(super) fn poll_reset(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match (&self.state, &mut self.sender) {
            (State::Ended, _) => Poll::Pending,
            (_, Sender::Head(respond)) => respond.poll_reset(context).map(|_| ()),
            (_, Sender::Body(stream)) => stream.poll_reset(context).map(|_| ()),
        }
    }

    /// Takes some of `bytes`; pending while the client's windows have no room.
    pub(super) fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut taken = 0;
        while taken < bytes.len() {
            match self.poll_take(context, &bytes[taken..]) {
                Poll::Ready(Ok(count)) => taken += count,
                Poll::Pending => break,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            }
        }
        self.owed.park(bytes.len() - taken);
        if taken == 0 && !bytes.is_empty() {
            return Poll::Pending;
        }
        Poll::Ready(Ok(taken))
    }

    /// The end of a tunnel's way to the client.
    pub(super) fn end_tunnel(&mut self) {
        if let (State::Tunnel, Sender::Body(stream)) = (&self.state, &mut self.sender) {
            // An error only means that the stream is over already.
            let _ = stream.send_data(self.owed.hold(Bytes::new()), true);
            self.state = State::Ended;
        }
    }

    /// The coming end is to show that something is missing.
    pub(super) fn abort(&mut self) {
        self.is_aborted = true;
    }

    fn poll_take(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match (&mut self.state, &mut self.sender) {
            (State::Head, _) => Poll::Ready(self.take_head(bytes)),
            (State::Tunnel, Sender::Body(stream)) => poll_send(context, stream, &self.owed, bytes, false),
            (State::Body(passing), Sender::Body(stream)) if passing.cleared > 0 => {
                let count = passing.cleared.min(bytes.len());
                let is_last = count == passing.cleared && passing.are_last;
                let sent = ready!(poll_send(context, stream, &self.owed, &bytes[..count], is_last))?;
                passing.cleared -= sent;
                if is_last && passing.cleared == 0 {
                    self.state = State::Ended;
                }
                Poll::Ready(Ok(sent))
            }
            (State::Body(_), _) => Poll::Ready(self.take_framing(bytes)),
            // Nothing follows an answer.
            (State::Ended | State::Tunnel, _) => Poll::Ready(Ok(bytes.len())),
        }
    }

    /// Takes as much of a head as there is, and sends it once it is whole.
    fn take_head(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let before = self.partial.len();
        let mut scan = HeadScan::default();
        if before == 0 {
            return match scan.advance(bytes, &NO_LIMITS).map_err(invalid)? {
                Some(length) => self.send_head(&bytes[..length]).map(|()| length),
                None => self.keep_partial(bytes),
            };
        }
        self.keep_partial(bytes)?;
        let Some(length) = scan.advance(&self.partial, &NO_LIMITS).map_err(invalid)? else {
            return Ok(bytes.len());
        };
        let whole = std::mem::take(&mut self.partial);
        self.send_head(&whole[..length]).map(|()| length - before)
    }

    fn keep_partial(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.partial.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn send_head(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut head = self.worker.take_head();
        let sent = parse_response(bytes, &NO_LIMITS, &mut head)
            .map_err(invalid)
            .and_then(|status| self.send(&status, &head));
        self.worker.give_head(head);
        sent
    }

    fn send(&mut self, status: &StatusLine, head: &Head) -> io::Result<()> {
        let Sender::Head(respond) = &mut self.sender else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let state = next_state(self.kind, status, head)?;
        let code = if status.status == 101 { 200 } else { status.status };
        let mut response = response(code, head)?;
        if status.status == 101 {
            // RFC 8441 section 5: it answers a key, and here nobody sent one.
            response.headers_mut().remove(SEC_WEBSOCKET_ACCEPT);
        }
        if matches!(state, State::Head) {
            return respond.send_informational(response).map_err(broken);
        }
        let is_whole = matches!(state, State::Ended);
        let stream = respond.send_response(response, is_whole).map_err(broken)?;
        self.sender = Sender::Body(stream);
        self.state = state;
        Ok(())
    }

    /// Takes what is around the content: the sizes of chunks, trailers.
    fn take_framing(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let State::Body(passing) = &mut self.state else {
            return Ok(0);
        };
        if passing.body.is_at_trailers() {
            return self.take_trailers(bytes);
        }
        let step = passing.body.step(bytes, false).map_err(invalid)?;
        passing.cleared = step.pass;
        passing.are_last = is_last(&step, &bytes[step.skip + step.pass..]);
        Ok(step.skip)
    }

    fn take_trailers(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let before = self.partial.len();
        self.partial.extend_from_slice(bytes);
        let State::Body(passing) = &mut self.state else {
            return Ok(0);
        };
        let mut head = self.worker.take_head();
        let taken = passing.body.trailers(&self.partial, &NO_LIMITS, &mut head);
        let taken = match taken.map_err(invalid)? {
            Some(length) => {
                self.end(fields(&head)?)?;
                self.partial = Vec::new();
                length - before
            }
            None => bytes.len(),
        };
        self.worker.give_head(head);
        Ok(taken)
    }

    fn end(&mut self, trailers: HeaderMap) -> io::Result<()> {
        if let Sender::Body(stream) = &mut self.sender {
            if trailers.is_empty() {
                stream
                    .send_data(self.owed.hold(Bytes::new()), true)
                    .map_err(broken)?;
            } else {
                stream.send_trailers(trailers).map_err(broken)?;
            }
        }
        self.state = State::Ended;
        Ok(())
    }

    /// How an answer ends that is not whole.
    fn reason(&self) -> Reason {
        match (&self.state, self.is_aborted) {
            (State::Tunnel, true) => Reason::CONNECT_ERROR,
            (State::Tunnel, false) => Reason::CANCEL,
            _ => Reason::INTERNAL_ERROR,
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.owed.park(0);
        let reason = self.reason();
        match (&self.state, &mut self.sender) {
            (State::Ended, _) => {}
            (_, Sender::Head(respond)) => respond.send_reset(reason),
            (_, Sender::Body(stream)) => stream.send_reset(reason),
        }
    }
}

fn next_state(kind: Kind, status: &StatusLine, head: &Head) -> io::Result<State> {
    let is_tunnel = match kind {
        Kind::Connect => (200..300).contains(&status.status),
        Kind::Extended => status.status == 101,
        Kind::Plain | Kind::Head => false,
    };
    if is_tunnel {
        return Ok(State::Tunnel);
    }
    if status.status < 200 {
        return Ok(State::Head);
    }
    if kind == Kind::Extended && status.status < 300 {
        // The client would take it for an open tunnel (RFC 8441 section 5).
        return Err(io::ErrorKind::InvalidData.into());
    }
    let method: &[u8] = if kind == Kind::Head { b"HEAD" } else { b"GET" };
    Ok(match response_framing(method, status, head).map_err(invalid)? {
        Framing::Empty | Framing::Exact(0) => State::Ended,
        framing => State::Body(Passing {
            body: Body::new(framing),
            cleared: 0,
            are_last: false,
        }),
    })
}

/// Whether a stretch of content is known to be the last. It ends before the input does only where its chunk ends.
fn is_last(step: &Step, behind: &[u8]) -> bool {
    step.ended || (step.pass > 0 && behind.starts_with(LAST_CHUNK))
}

/// Puts as much of `bytes` into a frame as the windows and the connection's backlog have room for.
fn poll_send(
    context: &mut Context<'_>,
    stream: &mut SendStream<Held>,
    owed: &Rc<Owed>,
    bytes: &[u8],
    is_last: bool,
) -> Poll<io::Result<usize>> {
    if is_last && bytes.len() <= LAST_ANYWAY {
        let data = owed.hold(Bytes::copy_from_slice(bytes));
        stream.send_data(data, true).map_err(broken)?;
        return Poll::Ready(Ok(bytes.len()));
    }
    let most = ready!(owed.poll_room(context)).min(bytes.len());
    stream.reserve_capacity(most);
    let mut room = stream.capacity();
    while room == 0 {
        room = match ready!(stream.poll_capacity(context)) {
            Some(Ok(room)) => room,
            Some(Err(error)) => return Poll::Ready(Err(broken(error))),
            None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        };
    }
    let count = room.min(most);
    let data = owed.hold(Bytes::copy_from_slice(&bytes[..count]));
    stream
        .send_data(data, is_last && count == bytes.len())
        .map_err(broken)?;
    Poll::Ready(Ok(count))
}

fn invalid(_: portreeve_http1::Fault) -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where errors are mapped")]
fn broken(error: h2::Error) -> io::Error {
    tracing::trace!(%error, "a stream of HTTP/2 takes no more");
    io::ErrorKind::BrokenPipe.into()
}

/// The heads are our own, and were bounded when they were read.
const NO_LIMITS: HeadLimits = HeadLimits {
    bytes_max: u32::MAX as usize,
    fields_max: usize::MAX,
    target_max: 0,
};
/// What is read of an answer along with its head, before it is known whether the client takes any of it.
const FIRST_BYTES_MAX: usize = 16 * 1024;
/// As many bytes at the end of an answer wait for the windows in the connection, where its own bookkeeping of a stream takes
/// as much: so the request is over, and its worker free for the next.
const LAST_ANYWAY: usize = 1024;
/// The end of a chunk, and of a body without trailers.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";
