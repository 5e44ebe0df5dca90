//! A request body, as HTTP/1.1 frames it, on its way into DATA frames.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::SendStream;
use http::HeaderMap;
use portreeve_http1::{Chunked, Framing, Head, HeadScan, parse_trailers};

use super::UNBOUNDED;
use super::request::fields;

/// What is still to be sent.
pub(super) enum Upload {
    Exact(u64),
    Chunked(Chunked),
    /// The last chunk is over.
    Trailers,
    /// A tunnel: everything, until it is shut.
    Raw,
    Over,
}

impl Upload {
    pub(super) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Empty => Self::Over,
            Framing::Exact(length) => Self::Exact(length),
            Framing::Chunked => Self::Chunked(Chunked::default()),
            Framing::UntilClose => Self::Raw,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }

    /// Takes some bytes, as far as the windows of the other side let them through.
    pub(super) fn poll_write(
        &mut self,
        stream: &mut SendStream<Bytes>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Over => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Self::Trailers => Poll::Ready(self.send_trailers(stream, bytes)),
            Self::Chunked(_) => self.poll_chunks(stream, context, bytes),
            Self::Exact(left) => {
                let wanted = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                let count = ready!(poll_window(stream, context, wanted))?;
                *left -= count as u64;
                let is_last = *left == 0;
                if is_last {
                    *self = Self::Over;
                }
                Poll::Ready(send(stream, &bytes[..count], is_last).map(|()| count))
            }
            Self::Raw => {
                let count = ready!(poll_window(stream, context, bytes.len()))?;
                Poll::Ready(send(stream, &bytes[..count], false).map(|()| count))
            }
        }
    }

    /// Ends a tunnel.
    pub(super) fn end(&mut self, stream: &mut SendStream<Bytes>) {
        if let Self::Raw = self {
            *self = Self::Over;
            // An error says that it has ended already.
            let _ = stream.send_data(Bytes::new(), true);
        }
    }

    /// Sends the data of all chunks that are there in one go: many small frames would look like an attack. Where only the
    /// end is left behind them, that goes along.
    fn poll_chunks(
        &mut self,
        stream: &mut SendStream<Bytes>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self::Chunked(chunked) = self else {
            return Poll::Ready(Ok(0));
        };
        stream.reserve_capacity(bytes.len());
        let mut taken = Taken::of(bytes, chunked, stream.capacity())?;
        if taken.count == 0 {
            let window = ready!(poll_window(stream, context, bytes.len()))?;
            taken = Taken::of(bytes, chunked, window)?;
        }
        let Taken { data, mut count } = taken;
        if chunked.is_done() {
            let is_all = bytes[count..].starts_with(NO_TRAILERS);
            count += if is_all { NO_TRAILERS.len() } else { 0 };
            *self = if is_all { Self::Over } else { Self::Trailers };
        }
        if !data.is_empty() || self.is_over() {
            let sent = stream.send_data(data.into(), self.is_over());
            sent.map_err(|_| broken())?;
        }
        Poll::Ready(Ok(count))
    }

    /// The trailers come in one piece, as they were checked.
    fn send_trailers(&mut self, stream: &mut SendStream<Bytes>, bytes: &[u8]) -> io::Result<usize> {
        let mut head = Head::new();
        let taken = parse_trailers(bytes, &mut HeadScan::default(), &UNBOUNDED, &mut head);
        let length = taken.ok().flatten().ok_or_else(malformed)?;
        *self = Self::Over;
        if head.fields().is_empty() {
            send(stream, &[], true)?;
            return Ok(length);
        }
        let mut trailers = HeaderMap::with_capacity(head.fields().len());
        fields(&head, &mut trailers, |_| true).map_err(|_| malformed())?;
        stream.send_trailers(trailers).map_err(|_| broken())?;
        Ok(length)
    }
}

/// What is sent of chunks in one go.
struct Taken {
    data: Vec<u8>,
    /// Bytes of the chunks, framing included, that are done with.
    count: usize,
}

impl Taken {
    /// As much data as the window lets through, and all framing up to what it does not: that needs none, least of all the
    /// end.
    fn of(bytes: &[u8], chunked: &mut Chunked, window: usize) -> io::Result<Self> {
        let (mut data, mut count) = (Vec::with_capacity(window.min(bytes.len())), 0);
        while count < bytes.len() && !chunked.is_done() {
            let rest = &bytes[count..];
            let mut after = *chunked;
            let event = after.next(rest).map_err(|_| malformed())?;
            let found = event.data.unwrap_or(event.consumed..event.consumed);
            let room = found.len().min(window - data.len());
            if room < found.len() {
                let fits = found.start + room;
                chunked.next(&rest[..fits]).map_err(|_| malformed())?;
                data.extend_from_slice(&rest[found.start..fits]);
                count += fits;
                break;
            }
            *chunked = after;
            data.extend_from_slice(&rest[found]);
            count += event.consumed;
        }
        Ok(Self { data, count })
    }
}

/// How many of the wanted bytes may be sent now; at least one.
fn poll_window(
    stream: &mut SendStream<Bytes>,
    context: &mut Context<'_>,
    wanted: usize,
) -> Poll<io::Result<usize>> {
    stream.reserve_capacity(wanted);
    let there = stream.capacity();
    if there > 0 {
        return Poll::Ready(Ok(there.min(wanted)));
    }
    match ready!(stream.poll_capacity(context)) {
        Some(Ok(there)) => Poll::Ready(Ok(there.min(wanted))),
        Some(Err(_)) | None => Poll::Ready(Err(broken())),
    }
}

fn send(stream: &mut SendStream<Bytes>, bytes: &[u8], is_last: bool) -> io::Result<()> {
    let sent = stream.send_data(Bytes::copy_from_slice(bytes), is_last);
    sent.map_err(|_| broken())
}

fn broken() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

fn malformed() -> io::Error {
    io::ErrorKind::InvalidInput.into()
}

/// An empty trailer section.
const NO_TRAILERS: &[u8] = b"\r\n";
