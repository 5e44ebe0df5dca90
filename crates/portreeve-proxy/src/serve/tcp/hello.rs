//! The host that a client names in its TLS handshake, read without taking part in it: the bytes stay in the
//! connection's input, and go on as they came.

use std::task::{Context, Poll};
use std::time::Instant;

use portreeve_model::Cause;
use portreeve_tls::{Peeked, peek_hello};

use crate::conn::Conn;
use crate::serve::client::Client;

/// Empty if the client names none, if what it sends is no TLS, or if no route asks for it: then nothing is waited for.
///
/// # Errors
/// The client left, or was silent for the head timeout.
pub(super) async fn host(client: &mut Client) -> Result<String, Cause> {
    if let Some(secured) = &client.peer.secured {
        return Ok(secured.server_name.as_deref().unwrap_or_default().to_owned());
    }
    let listener = client.gate.listener();
    if !listener.asks_host() {
        return Ok(String::new());
    }
    let deadline = Instant::now() + listener.limits.head_timeout;
    let conn = &mut client.conn;
    let mut least = RECORD_HEADER;
    std::future::poll_fn(|context| match poll(context, conn, &mut least) {
        Poll::Pending if conn.read_timer.poll_expired(context, deadline) => {
            Poll::Ready(Err(Cause::HeadTimeout))
        }
        polled => polled,
    })
    .await
}

/// `least`: how many bytes there must be before it is worth looking.
fn poll(context: &mut Context<'_>, conn: &mut Conn, least: &mut usize) -> Poll<Result<String, Cause>> {
    loop {
        if conn.input().len() >= *least || !is_handshake(conn.input()) {
            match peek_hello(conn.input()) {
                Peeked::Hello { server_name, .. } => return Poll::Ready(Ok(server_name.unwrap_or_default())),
                Peeked::NotTls => return Poll::Ready(Ok(String::new())),
                Peeked::NeedMore => *least = wanted(conn.input()),
            }
        }
        match conn.poll_fill(context) {
            Poll::Ready(Ok(0)) if conn.input().is_empty() => return Poll::Ready(Err(Cause::ClientLeft)),
            // It says no more, so this is no handshake; whoever takes such bytes may have an answer.
            Poll::Ready(Ok(0)) => return Poll::Ready(Ok(String::new())),
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(_)) => return Poll::Ready(Err(Cause::ClientLeft)),
            Poll::Pending => return Poll::Pending,
        }
    }
}

/// Whether the bytes may begin a TLS record of a handshake (RFC 8446 section 5.1).
fn is_handshake(input: &[u8]) -> bool {
    input.first().is_none_or(|kind| *kind == HANDSHAKE)
}

/// What the record that has begun needs to be complete, so that a hello that comes in crumbs is not read at each of
/// them; else one byte more than there is.
fn wanted(input: &[u8]) -> usize {
    let mut end = 0;
    while let Some(header) = input.get(end..end + RECORD_HEADER) {
        end += RECORD_HEADER + usize::from(u16::from_be_bytes([header[3], header[4]]));
    }
    if end > input.len() {
        return end;
    }
    (end + RECORD_HEADER).max(input.len() + 1)
}

const HANDSHAKE: u8 = 22;
const RECORD_HEADER: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_waited_for_as_a_whole() {
        assert_eq!(wanted(b""), 5);
        assert_eq!(wanted(b"\x16\x03\x01\x02"), 5);
        assert_eq!(wanted(b"\x16\x03\x01\x02\x00"), 517);
        assert_eq!(wanted(b"\x16\x03\x01\x02\x00abc"), 517);
        assert_eq!(wanted(b"\x16\x03\x01\x00\x01a"), 11);
        assert_eq!(wanted(b"\x16\x03\x01\x00\x01a\x16\x03\x01\x00\x03"), 14);
    }
}
