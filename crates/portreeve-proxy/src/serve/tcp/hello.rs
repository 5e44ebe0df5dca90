//! The host that a client names in its TLS handshake, read without taking part in it: the bytes stay in the
//! connection's input, and go on as they came.

use std::task::{Context, Poll};
use std::time::Instant;

use portreeve_model::Cause;
use portreeve_tls::{HELLO_MAX, HelloScan, HelloStep, Peeked, peek_hello};

use crate::conn::Conn;
use crate::serve::client::Client;

/// Empty if the client names none, if what it sends is no TLS, or if no route asks for it: then nothing is waited for.
///
/// # Errors
/// The client left, was silent for the head timeout, or what it says first is longer or in more pieces than anybody's.
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
    let mut scan = HelloScan::within(HELLO_MAX);
    std::future::poll_fn(|context| match poll(context, conn, &mut scan) {
        Poll::Pending if conn.read_timer.poll_expired(context, deadline) => {
            Poll::Ready(Err(Cause::HeadTimeout))
        }
        polled => polled,
    })
    .await
}

/// Each byte is looked at once, and the whole is read once.
fn poll(context: &mut Context<'_>, conn: &mut Conn, scan: &mut HelloScan) -> Poll<Result<String, Cause>> {
    loop {
        match scan.advance(&conn.input()[scan.seen()..]) {
            HelloStep::NeedMore | HelloStep::Record => {}
            HelloStep::Whole => return Poll::Ready(Ok(named(conn.input()))),
            HelloStep::NotHello => return Poll::Ready(Ok(String::new())),
            HelloStep::TooMuch => return Poll::Ready(Err(Cause::HeadTooLarge)),
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

fn named(hello: &[u8]) -> String {
    match peek_hello(hello) {
        Peeked::Hello { server_name, .. } => server_name.unwrap_or_default(),
        Peeked::NeedMore | Peeked::NotTls | Peeked::TooMuch => String::new(),
    }
}
