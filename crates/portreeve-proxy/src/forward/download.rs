//! The response's way to the client.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use portreeve_http1::{Framing, Head, Known, keeps_alive, response_framing};
use portreeve_model::{Backend, Cause};

use super::Ended;
use super::call::Call;
use super::exchange::{Answered, overdue_cause};
use super::upload::Upload;
use crate::conn::{Conn, Gone};
use crate::headers::{self, Delivery};
use crate::patience::Overdue;
use crate::pipe::{Broken, Coding, Pipe};
use crate::record::Record;
use crate::refusal::Refusal;
use crate::serve::answer::{connection_option, keeps_alive as client_keeps_alive};
use crate::serve::client::Client;
use crate::serve::h1::Next;

/// Delivers a final response; `out` is empty room for its head.
pub(super) async fn deliver(
    call: &Call<'_>,
    client: &mut Client,
    answered: Answered,
    backend: &Backend,
    record: &mut Record<'_>,
    out: &mut Vec<u8>,
) -> Ended {
    let Answered {
        status,
        head,
        mut upload,
        mut upstream,
    } = answered;
    let request = call.request();
    let Ok(framing) = response_framing(request.method(), &status, &head) else {
        return refused(Cause::MalformedResponse);
    };
    let coding = coding(framing, request.is_http10());
    let closes_to_end =
        framing == Framing::UntilClose && coding == Coding::Verbatim || coding == Coding::Unchunk;
    let keeps = client_keeps_alive(client, request, call.listener) && !closes_to_end && !upload.is_stopped();
    let connection = connection_option(keeps, request.is_http10());
    let date = client.worker.date(record.started);
    headers::write_response(
        &status,
        &head,
        &Delivery {
            framing,
            coding,
            connection,
            date: &date,
        },
        out,
    );
    let mut pipe = Pipe::new(
        framing,
        coding,
        call.response_limits(),
        call.backend_moves(),
        call.client_takes(),
    );
    if pipe.begin(&mut upstream, out).is_err() {
        return refused(Cause::MalformedResponse);
    }
    let flowed = flow(&mut pipe, &mut upload, client, &mut upstream).await;
    (record.bytes_in, record.bytes_out) = (upload.data(), pipe.written);
    if let Err(cause) = flowed {
        if pipe.written == 0 && cause != Cause::ClientLeft {
            return refused(cause);
        }
        record.status = if pipe.written > 0 { status.status } else { 0 };
        if closes_to_end {
            // A plain close would say that this was all.
            client.conn.stream.reset_on_close();
        }
        return Ended::Aborted(cause);
    }
    record.status = status.status;
    let backend_keeps = framing != Framing::UntilClose && keeps_alive(status.version, &head);
    if backend_keeps && upload.is_sent() && upstream.input().is_empty() && call.route.pool.limits.keep_alive {
        let now = Instant::now();
        client.worker.idle.put(
            backend.id,
            upstream,
            &call.route.pool.limits,
            promised(&head),
            now,
        );
    }
    client.worker.give_head(head);
    Ended::Done(if keeps && upload.is_sent() {
        Next::Request
    } else {
        Next::Linger
    })
}

/// Moves both bodies until the response is through.
async fn flow(
    pipe: &mut Pipe,
    upload: &mut Upload,
    client: &mut Client,
    upstream: &mut Conn,
) -> Result<(), Cause> {
    std::future::poll_fn(|context| poll_flow(context, pipe, upload, &mut client.conn, upstream)).await
}

fn poll_flow(
    context: &mut Context<'_>,
    pipe: &mut Pipe,
    upload: &mut Upload,
    client: &mut Conn,
    upstream: &mut Conn,
) -> Poll<Result<(), Cause>> {
    let uploaded = upload.poll(context, client, upstream);
    if let Poll::Ready(piped) = pipe.poll(context, upstream, client) {
        return Poll::Ready(piped.map_err(|broken| cause_of(&broken)));
    }
    if let Err(lost) = uploaded {
        return Poll::Ready(Err(lost.cause()));
    }
    if upload.is_over() && matches!(client.poll_gone(context), Poll::Ready(Gone)) {
        return Poll::Ready(Err(Cause::ClientLeft));
    }
    Poll::Pending
}

fn cause_of(broken: &Broken) -> Cause {
    match broken {
        Broken::Short | Broken::Read => Cause::TruncatedResponse,
        Broken::Write => Cause::ClientLeft,
        Broken::Fault(_) | Broken::TooLarge => Cause::MalformedResponse,
        Broken::SourceSlow(overdue) => overdue_cause(*overdue, Cause::BackendIdleTimeout),
        Broken::SinkSlow(Overdue::Total) => Cause::TotalTimeout,
        Broken::SinkSlow(_) => Cause::SlowReader,
    }
}

/// An HTTP/1.0 client knows no chunks; any other is told the end of a body that its backend ends by closing.
fn coding(framing: Framing, http10: bool) -> Coding {
    match (framing, http10) {
        (Framing::Chunked, true) => Coding::Unchunk,
        (Framing::UntilClose, false) => Coding::Chunk,
        _ => Coding::Verbatim,
    }
}

/// How long the backend says it keeps an idle connection.
fn promised(head: &Head) -> Option<Duration> {
    let parameters = head
        .values(Known::KeepAlive)
        .flat_map(|value| value.split(|byte| *byte == b','));
    let timeout = parameters
        .filter_map(|parameter| parameter.trim_ascii().strip_prefix(b"timeout="))
        .next()?;
    let seconds = std::str::from_utf8(timeout).ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn refused(cause: Cause) -> Ended {
    Ended::Refused {
        refusal: Refusal::new(cause),
        body_is_read: false,
    }
}
