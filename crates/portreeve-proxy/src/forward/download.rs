//! The response's way to the client.

use std::task::{Context, Poll};
use std::time::Duration;

use portreeve_http1::{Framing, Head, Known, StatusLine, keeps_alive, response_framing};
use portreeve_model::Cause;

use super::Ended;
use super::exchange::{Exchange, Upstream, overdue_cause, refused};
use super::upload::Upload;
use crate::conn::{Conn, Gone};
use crate::headers::{self, Delivery};
use crate::patience::Overdue;
use crate::pipe::{Broken, Coding, Pipe};
use crate::record::Record;
use crate::serve::answer::{connection_option, keeps_alive as client_keeps_alive};
use crate::serve::client::Client;
use crate::serve::h1::Next;

/// Delivers a final response.
pub(super) async fn deliver(
    exchange: &mut Exchange<'_, '_>,
    status: StatusLine,
    client: &mut Client,
    record: &mut Record<'_>,
) -> (Ended, Upstream) {
    let request = exchange.call.request();
    let Ok(framing) = response_framing(request.method(), &status, &exchange.head) else {
        return (refused(Cause::MalformedResponse), Upstream::Closed);
    };
    let plan = Plan::new(framing, exchange, client);
    let Ok(mut pipe) = begin(exchange, &status, &plan, client, record) else {
        return (refused(Cause::MalformedResponse), Upstream::Closed);
    };
    let flowed = flow(&mut pipe, &mut exchange.upload, client, &mut exchange.upstream).await;
    (record.bytes_in, record.bytes_out) = (exchange.upload.data(), pipe.written);
    if let Err(cause) = flowed {
        return (
            broken(cause, &pipe, &status, &plan, client, record),
            Upstream::Closed,
        );
    }
    let total = record.elapsed();
    (record.status, record.total) = (status.status, Some(total));
    client.last_end = Some(record.started + total);
    let is_sent = exchange.upload.is_sent();
    let next = next(plan.keeps, is_sent, client, request.keeps_alive);
    let may_stay = framing != Framing::UntilClose && keeps_alive(status.version, &exchange.head);
    let stays = may_stay && is_sent && exchange.upstream.input().is_empty();
    let kept = stays && exchange.call.pool.limits.keep_alive;
    (
        Ended::Done(next),
        if kept { Upstream::Kept } else { Upstream::Closed },
    )
}

/// A client that said it would send no more, and did not, can be left at once; any other may be in the middle of it.
fn next(keeps: bool, is_sent: bool, client: &Client, would_go_on: bool) -> Next {
    match (keeps, is_sent) {
        (true, true) => Next::Request,
        (false, true) if !would_go_on && client.conn.input().is_empty() && client.conn.stream.is_silent() => {
            Next::Close
        }
        _ => Next::Linger,
    }
}

/// How the response goes to this client.
struct Plan {
    framing: Framing,
    coding: Coding,
    /// Whether only the end of the connection says that the body is complete.
    closes_to_end: bool,
    /// Whether the connection to the client goes on.
    keeps: bool,
}

impl Plan {
    fn new(framing: Framing, exchange: &Exchange<'_, '_>, client: &Client) -> Self {
        let (call, request) = (exchange.call, exchange.call.request());
        let coding = coding(framing, request.is_http10());
        let closes_to_end =
            coding == Coding::Unchunk || (framing == Framing::UntilClose && coding == Coding::Verbatim);
        let may_keep = client_keeps_alive(client, request, call.listener);
        Self {
            framing,
            coding,
            closes_to_end,
            keeps: may_keep && !closes_to_end && !exchange.upload.is_stopped(),
        }
    }
}

/// Writes the head and puts it before what there is of the body.
fn begin(
    exchange: &mut Exchange<'_, '_>,
    status: &StatusLine,
    plan: &Plan,
    client: &Client,
    record: &Record<'_>,
) -> Result<Pipe, Broken> {
    let call = exchange.call;
    let date = client.worker.date(record.started);
    let connection = connection_option(plan.keeps, call.request().is_http10());
    let http10 = call.request().is_http10();
    let delivery = Delivery {
        framing: plan.framing,
        coding: plan.coding,
        connection,
        http10,
        date: &date,
        cookie: exchange.cookie(&client.worker),
        held: record.phases.held,
    };
    exchange.out.clear();
    headers::write_response(status, &exchange.head, &delivery, &mut exchange.out);
    let mut pipe = Pipe::new(
        plan.framing,
        plan.coding,
        call.response_limits(),
        call.backend_moves(),
        call.client_takes(),
    );
    pipe.begin(&mut exchange.upstream, &exchange.out)?;
    Ok(pipe)
}

/// A failure while the bodies flowed: told if the client has nothing yet, else made visible by how the connection ends.
fn broken(
    cause: Cause,
    pipe: &Pipe,
    status: &StatusLine,
    plan: &Plan,
    client: &mut Client,
    record: &mut Record<'_>,
) -> Ended {
    if pipe.written == 0 {
        return refused(cause);
    }
    record.status = status.status;
    if plan.closes_to_end {
        // A plain close would say that this was all.
        client.conn.stream.reset_on_close();
    }
    Ended::Aborted(cause)
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
        let cause = lost.cause();
        if matches!(cause, Cause::ClientLeft | Cause::TotalTimeout) {
            return Poll::Ready(Err(cause));
        }
        // Whatever is wrong with the request, its answer is on the way.
        upload.stop();
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
pub(super) fn promised(head: &Head) -> Option<Duration> {
    let parameters = head
        .values(Known::KeepAlive)
        .flat_map(|value| value.split(|byte| *byte == b','));
    let timeout = parameters
        .filter_map(|parameter| parameter.trim_ascii().strip_prefix(b"timeout="))
        .next()?;
    let seconds = std::str::from_utf8(timeout).ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
