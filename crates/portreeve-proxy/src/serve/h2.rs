//! One HTTP/2 connection of a client (RFC 9113): frames are the work of the `h2` crate, the streams are connections of
//! HTTP/1.1 to everybody else (ADR 0020). One task has the connection, one each its streams.

mod link;
mod pace;
pub(crate) mod seats;
mod session;
mod stream;

use std::task::Poll;
use std::time::Instant;

use self::session::Session;
use super::client::Client;

/// Serves a connection to its end; what was read of it is in its input.
pub(crate) async fn serve(client: Client) {
    if let Some(mut session) = Session::begin(client).await {
        std::future::poll_fn(|context| session.poll(context)).await;
        session.end().await;
    }
}

/// Whether a connection that has said nothing yet begins as HTTP/2 does without TLS (RFC 9113 section 3.3). Waits for
/// more only where the first bytes leave it open.
pub(super) async fn begins(client: &mut Client) -> bool {
    if client.requests > 0 || !client.gate.listener().http2.is_on {
        return false;
    }
    let deadline = *client
        .head_until
        .get_or_insert_with(|| Instant::now() + client.gate.listener().limits.head_timeout);
    let conn = &mut client.conn;
    std::future::poll_fn(|context| {
        loop {
            let input = conn.input();
            if input.starts_with(FIRST_LINE) {
                return Poll::Ready(true);
            }
            if !FIRST_LINE.starts_with(input) {
                return Poll::Ready(false);
            }
            match conn.poll_fill(context) {
                Poll::Ready(Ok(count)) if count > 0 => {}
                Poll::Ready(_) => return Poll::Ready(false),
                Poll::Pending if conn.read_timer.poll_expired(context, deadline) => {
                    return Poll::Ready(false);
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

/// Whether to ask [`begins`] at all; costs a look at one byte.
pub(super) fn may_begin(client: &Client) -> bool {
    client.requests == 0 && client.conn.input().first() == FIRST_LINE.first()
}

const FIRST_LINE: &[u8] = b"PRI * HTTP/2.0\r\n";
