//! What follows a request's head, told as HTTP/1.1 writes it. A client may send no more than was taken from here.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::RecvStream;

use super::asked_head::{BodyTelling, write_trailers};
use super::reset;

/// A request's body on its way in.
pub(super) struct Asked {
    stream: RecvStream,
    telling: BodyTelling,
    /// DATA that is not told yet; the client's window has no room for more in its stead.
    data: Bytes,
    /// Bytes of DATA that were told, but may not have been taken from where they are now.
    unreleased: usize,
    /// Framing and trailers that are not told yet, from `at` on.
    text: Vec<u8>,
    at: usize,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Data,
    Trailers,
    Ended,
}

impl Asked {
    pub(super) fn new(telling: BodyTelling, stream: RecvStream) -> Self {
        let is_over = telling == BodyTelling::None;
        Self {
            stream,
            telling,
            data: Bytes::new(),
            unreleased: 0,
            text: Vec::new(),
            at: 0,
            phase: if is_over { Phase::Ended } else { Phase::Data },
        }
    }

    /// Tells as much as there is and fits; 0: all is told. Whoever reads on has taken what was told before, so only then
    /// may the client send more: what the windows allow is all that it can have us hold.
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let taken = std::mem::take(&mut self.unreleased);
        if taken > 0 {
            // Refused only for a stream that is over, and then nobody counts any more.
            let _ = self.stream.flow_control().release_capacity(taken);
        }
        let mut told = 0;
        while told < room.len() {
            let more = self.tell(&mut room[told..]);
            told += more;
            if more > 0 {
                continue;
            }
            match self.poll_more(context) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Err(error)) if told == 0 => return Poll::Ready(Err(error)),
                Poll::Pending if told == 0 => return Poll::Pending,
                _ => break,
            }
        }
        Poll::Ready(Ok(told))
    }

    /// Whether something is left to tell; pending: perhaps later.
    pub(super) fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        if !self.data.is_empty() || self.at < self.text.len() {
            return Poll::Ready(true);
        }
        // An error is told by the next read.
        Poll::Ready(ready!(self.poll_more(context)).unwrap_or(true))
    }

    /// Tells what is here: first text, then data.
    fn tell(&mut self, room: &mut [u8]) -> usize {
        let text = &self.text[self.at..];
        if !text.is_empty() {
            let count = text.len().min(room.len());
            room[..count].copy_from_slice(&text[..count]);
            self.at += count;
            return count;
        }
        let count = self.data.len().min(room.len());
        if count > 0 {
            self.data.copy_to_slice(&mut room[..count]);
            self.unreleased += count;
            if self.data.is_empty() && self.telling == BodyTelling::Chunked {
                self.write_text(|text| text.extend_from_slice(b"\r\n"));
            }
        }
        count
    }

    /// Gets more from the connection; false: there is no more.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        match self.phase {
            Phase::Data => match ready!(self.stream.poll_data(context)) {
                Some(Ok(data)) => self.take(data),
                Some(Err(_)) => return Poll::Ready(Err(reset())),
                None => self.end_data(),
            },
            Phase::Trailers => match ready!(self.stream.poll_trailers(context)) {
                Ok(trailers) => {
                    let trailers = trailers.unwrap_or_default();
                    self.write_text(|text| {
                        text.extend_from_slice(b"0\r\n");
                        write_trailers(&trailers, text);
                    });
                    self.phase = Phase::Ended;
                }
                Err(_) => return Poll::Ready(Err(reset())),
            },
            Phase::Ended => return Poll::Ready(Ok(false)),
        }
        Poll::Ready(Ok(true))
    }

    fn take(&mut self, data: Bytes) {
        if self.telling == BodyTelling::Chunked && !data.is_empty() {
            let size = format!("{:x}\r\n", data.len());
            self.write_text(|text| text.extend_from_slice(size.as_bytes()));
        }
        self.data = data;
    }

    /// HTTP/1.1 has a place for trailers only behind chunks; others are dropped (RFC 9110 section 6.5.1).
    fn end_data(&mut self) {
        self.phase = if self.telling == BodyTelling::Chunked {
            Phase::Trailers
        } else {
            Phase::Ended
        };
    }

    /// Only called when the last text is told.
    fn write_text(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.text.clear();
        self.at = 0;
        write(&mut self.text);
    }
}
