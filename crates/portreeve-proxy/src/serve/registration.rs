//! The registration API on a listener that takes registrations: a request is read whole, handed on, and answered.

use std::io::Write as _;
use std::task::Poll;
use std::time::Instant;

use portreeve_http1::{Head, Known};
use portreeve_model::{Cause, Listener, RequestView};

use super::client::Client;
use crate::body::Body;
use crate::forward::Ended;
use crate::patience::Patience;
use crate::record::Record;
use crate::refusal::{Refusal, reason};
use crate::register::{PREFIX, RegistrationAsk, RegistrationReply, ask};
use crate::request::{Request, View};
use crate::serve::answer::{connection_option, keeps_alive};
use crate::serve::h1::Next;
use crate::serve::inbound::{head_limits, refusal};

/// Whether a request is for the registry and not for a backend.
pub(crate) fn is_for_registry(view: &View<'_>, listener: &Listener) -> bool {
    listener.registration && view.path().starts_with(PREFIX)
}

/// Serves one request of the registration API.
pub(crate) async fn serve(
    client: &mut Client,
    listener: &Listener,
    request: &Request,
    record: &mut Record<'_>,
) -> Ended {
    let body = match read_body(client, listener, request).await {
        Ok(body) => body,
        Err(refusal) => return ended(refusal, false),
    };
    record.bytes_in = body.len() as u64;
    let worker = client.worker.clone();
    let asked = ask(
        worker.registrations.as_ref(),
        &client.peer,
        is_forwarded(&request.head),
        asked(request, body),
    );
    match asked.await {
        Ok(RegistrationReply::Http { status, body }) => {
            deliver(client, listener, request, record, (status, &body)).await
        }
        Ok(RegistrationReply::Setup(_)) => ended(Refusal::new(Cause::InternalError), true),
        Err(cause) => ended(Refusal::new(cause), true),
    }
}

fn ended(refusal: Refusal, body_is_read: bool) -> Ended {
    Ended::Refused {
        refusal,
        body_is_read,
    }
}

fn asked(request: &Request, body: Vec<u8>) -> RegistrationAsk {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let target = request.origin_form();
    let end = memchr::memchr(b'?', target).unwrap_or(target.len());
    RegistrationAsk::Http {
        method: text(request.method()),
        path: text(&target[..end]),
        authorization: request.head.named("authorization").next().map(text),
        body,
    }
}

/// What speaks through others is not known by the address of the last of them: a proxy, or a browser on behalf of a page
/// (which names its origin, or at least says so by `Sec-Fetch-Site`; programs do neither).
fn is_forwarded(head: &Head) -> bool {
    let has = |known| head.values(known).next().is_some();
    has(Known::XForwardedFor)
        || has(Known::Forwarded)
        || ["via", "origin", "sec-fetch-site"]
            .iter()
            .any(|name| head.named(name).next().is_some())
}

/// The whole body, its framing taken off.
async fn read_body(client: &mut Client, listener: &Listener, request: &Request) -> Result<Vec<u8>, Refusal> {
    let limits = &listener.limits;
    let mut patience = Patience::new(limits.body_idle_timeout, limits.rate_min, None);
    if request.expects_continue() {
        let written = client
            .conn
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n", &mut patience)
            .await;
        written.map_err(|_| Refusal::new(Cause::ClientLeft))?;
    }
    let trailer_limits = head_limits(limits);
    let mut body = Body::new(request.framing);
    let mut bytes = Vec::new();
    let mut trailers = Head::new();
    std::future::poll_fn(|context| {
        loop {
            let conn = &mut client.conn;
            if body.is_at_trailers() {
                match body.trailers(conn.input(), &trailer_limits, &mut trailers) {
                    Ok(Some(consumed)) => {
                        conn.consume(consumed);
                        return Poll::Ready(Ok(std::mem::take(&mut bytes)));
                    }
                    Ok(None) => {}
                    Err(fault) => return Poll::Ready(Err(refusal(&fault))),
                }
            } else {
                let step = match body.step(conn.input(), false) {
                    Ok(step) => step,
                    Err(fault) => return Poll::Ready(Err(refusal(&fault))),
                };
                bytes.extend_from_slice(&conn.input()[step.skip..step.skip + step.pass]);
                conn.consume(step.skip + step.pass);
                if bytes.len() > BODY_MAX {
                    return Poll::Ready(Err(Refusal::new(Cause::BodyTooLarge)));
                }
                if step.ended {
                    return Poll::Ready(Ok(std::mem::take(&mut bytes)));
                }
                if step.skip + step.pass > 0 || (body.is_at_trailers() && !conn.input().is_empty()) {
                    continue;
                }
            }
            match conn.poll_fill(context) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(Refusal::new(Cause::ClientLeft))),
                Poll::Ready(Ok(count)) => patience.moved(count),
                Poll::Pending if conn.read_timer.poll_expired(context, patience.deadline()) => {
                    return Poll::Ready(Err(Refusal::new(Cause::BodyTimeout)));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

async fn deliver(
    client: &mut Client,
    listener: &Listener,
    request: &Request,
    record: &mut Record<'_>,
    (status, body): (u16, &[u8]),
) -> Ended {
    let keeps = keeps_alive(client, request, listener);
    let mut out = client.worker.take_line();
    write_head(client, request, keeps, (status, body.len()), &mut out);
    if request.method() != b"HEAD" {
        out.extend_from_slice(body);
    }
    record.status = status;
    record.cause = (status >= 400).then_some(Cause::RegistrationRefused);
    let mut patience = Patience::new(listener.limits.body_idle_timeout, listener.limits.rate_min, None);
    let written = client.conn.write_all(&out, &mut patience).await;
    record.bytes_out = out.len() as u64;
    client.worker.give_line(out);
    match written {
        Ok(()) => Ended::Done(if keeps { Next::Request } else { Next::Linger }),
        Err(_) => Ended::Aborted(Cause::ClientLeft),
    }
}

fn write_head(
    client: &Client,
    request: &Request,
    keeps: bool,
    (status, length): (u16, usize),
    out: &mut Vec<u8>,
) {
    let kind = if status >= 400 {
        "application/problem+json"
    } else {
        "application/json"
    };
    let date = client.worker.date(Instant::now());
    // Writing to memory cannot fail.
    let _ = write!(
        out,
        "HTTP/1.1 {status} {}\r\nDate: {}\r\nServer: portreeve\r\n",
        reason(status),
        String::from_utf8_lossy(&date)
    );
    if status != 204 {
        let _ = write!(out, "Content-Type: {kind}\r\nContent-Length: {length}\r\n");
    }
    if status == 401 {
        out.extend_from_slice(b"WWW-Authenticate: Bearer\r\n");
    }
    out.extend_from_slice(b"Cache-Control: no-store\r\n");
    if let Some(option) = connection_option(keeps, request.is_http10()) {
        let _ = write!(out, "Connection: {option}\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

const BODY_MAX: usize = 16 * 1024;
