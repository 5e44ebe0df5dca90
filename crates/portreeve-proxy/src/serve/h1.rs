//! One HTTP/1 connection of a client, from its first byte to its last. Between requests it holds no buffer, and its
//! task is a few hundred bytes: what a request needs is made when one comes.

use std::task::Poll;
use std::time::{Duration, Instant};

use super::client::Client;
use super::inbound::NoRequest;
use super::{answer, h2, inbound, misplaced, packets};

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
#[expect(
    clippy::manual_async_fn,
    reason = "an async fn would keep a second place for its argument in every idle task"
)]
pub(crate) fn serve(mut client: Client) -> impl Future<Output = ()> {
    async move {
        while idle(&mut client).await {
            if misplaced::begins(&client) {
                return Box::pin(misplaced::refuse(client)).await;
            }
            if packets::begins(&client) {
                return Box::pin(packets::serve(client)).await;
            }
            if h2::may_begin(&client) && Box::pin(h2::begins(&mut client)).await {
                return Box::pin(h2::serve(client)).await;
            }
            match Box::pin(serve_ready(&mut client)).await {
                Next::Request => {}
                Next::Linger => return Box::pin(client.linger()).await,
                Next::Close => return,
            }
        }
    }
}

/// Waits for the first byte of a request; false when there will be none.
async fn idle(client: &mut Client) -> bool {
    let mut deadline = None;
    std::future::poll_fn(|context| {
        loop {
            if begins_request(client) {
                return Poll::Ready(true);
            }
            match client.conn.poll_fill(context) {
                Poll::Ready(Ok(count)) if count > 0 => {}
                Poll::Ready(_) => return Poll::Ready(false),
                Poll::Pending => break,
            }
        }
        let is_outlived = client.is_outlived();
        let is_closing = client.gate.is_closing() && client.requests > 0;
        if (is_outlived || is_closing) && client.conn.stream.is_silent() {
            if is_outlived {
                client.note_outlived();
            }
            return Poll::Ready(false);
        }
        let deadline = *deadline.get_or_insert_with(|| idle_deadline(client));
        let deadline = closing_deadline(client, deadline);
        let due = client.peer.ends_in().map(|left| Instant::now() + left);
        if client
            .conn
            .read_timer
            .poll_expired(context, due.map_or(deadline, |due| deadline.min(due)))
        {
            if client.is_outlived() {
                client.note_outlived();
            }
            return Poll::Ready(false);
        }
        Poll::Pending
    })
    .await
}

/// Whether something of a request is there. Some clients send a CRLF too many behind a body (RFC 9112 section 2.2):
/// that is no request, and goes.
fn begins_request(client: &mut Client) -> bool {
    if client.requests == 0 {
        return !client.conn.input().is_empty();
    }
    while client.conn.input().starts_with(b"\r\n") {
        client.conn.consume(2);
    }
    !matches!(client.conn.input(), b"" | b"\r")
}

/// A connection that was accepted just before its listener closed still gets a moment to say what it came for.
fn closing_deadline(client: &mut Client, deadline: Instant) -> Instant {
    if !client.gate.is_closing() {
        return deadline;
    }
    deadline.min(
        *client
            .grace_until
            .get_or_insert_with(|| Instant::now() + CLOSING_GRACE),
    )
}

fn idle_deadline(client: &mut Client) -> Instant {
    let listener = client.gate.listener();
    let since = client.last_end.take().unwrap_or_else(Instant::now);
    if client.requests > 0 {
        return since + listener.limits.keep_alive_timeout;
    }
    *client.head_until.insert(since + listener.limits.head_timeout)
}

/// Serves the requests that are there, one after the other.
async fn serve_ready(client: &mut Client) -> Next {
    loop {
        let listener = client.gate.listener();
        client.requests += 1;
        client.last_end = None;
        let next = match inbound::read(client, &listener.limits).await {
            Ok(request) => answer::answer(client, &listener, request).await,
            Err(NoRequest::Gone) => Next::Close,
            Err(NoRequest::Refused(refusal)) => {
                answer::refuse_unread(client, &listener, &refusal, false).await
            }
        };
        match next {
            Next::Request if begins_request(client) => {}
            next => return next,
        }
    }
}

const CLOSING_GRACE: Duration = Duration::from_millis(500);
