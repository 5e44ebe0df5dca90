//! One HTTP/1 connection of a client, from its first byte to its last. Between requests it holds no buffer, and its
//! task is a few hundred bytes: what a request needs is made when one comes.

use std::task::Poll;
use std::time::Instant;

use super::client::Client;
use super::inbound::NoRequest;
use super::{answer, inbound};

/// What becomes of the connection after a request.
pub(crate) enum Next {
    /// The next request may come.
    Request,
    /// It is over, and the client may still be sending.
    Linger,
    /// It is over.
    Close,
}

/// Serves a connection to its end.
pub(crate) async fn serve(mut client: Client) {
    while idle(&mut client).await {
        match Box::pin(serve_ready(&mut client)).await {
            Next::Request => {}
            Next::Linger => return Box::pin(client.conn.linger()).await,
            Next::Close => return,
        }
    }
}

/// Waits for the first byte of a request; false when there will be none.
async fn idle(client: &mut Client) -> bool {
    let mut deadline = None;
    std::future::poll_fn(|context| {
        if !client.conn.input().is_empty() {
            return Poll::Ready(true);
        }
        if client.gate.is_closing() {
            return Poll::Ready(false);
        }
        match client.conn.poll_fill(context) {
            Poll::Ready(read) => Poll::Ready(read.is_ok_and(|count| count > 0)),
            Poll::Pending => {
                let deadline = *deadline.get_or_insert_with(|| idle_deadline(client));
                if client.conn.read_timer.poll_expired(context, deadline) {
                    Poll::Ready(false)
                } else {
                    Poll::Pending
                }
            }
        }
    })
    .await
}

fn idle_deadline(client: &mut Client) -> Instant {
    let listener = client.gate.listener();
    let since = client.last_end.take().unwrap_or_else(Instant::now);
    let first = client.requests == 0;
    since
        + if first {
            listener.limits.head_timeout
        } else {
            listener.limits.keep_alive_timeout
        }
}

/// Serves the requests that are there, one after the other.
async fn serve_ready(client: &mut Client) -> Next {
    loop {
        let listener = client.gate.listener();
        client.requests += 1;
        let next = match inbound::read(client, &listener.limits).await {
            Ok(request) => answer::answer(client, &listener, request).await,
            Err(NoRequest::Gone) => Next::Close,
            Err(NoRequest::Refused(refusal)) => answer::refuse_unread(client, &listener, &refusal).await,
        };
        match next {
            Next::Request if !client.conn.input().is_empty() => {}
            next => return next,
        }
    }
}
