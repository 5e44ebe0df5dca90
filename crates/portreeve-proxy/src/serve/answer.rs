//! One request and its answer. The only place where an error becomes a response.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portreeve_http1::{Framing, Known};
use portreeve_model::{Cause, Listener, RequestView, Route, Routed};

use super::client::{Client, Peer};
use super::h1::Next;
use super::{own, registration};
use crate::forward::call::{Admitted, Call};
use crate::forward::{Ended, forward};
use crate::patience::Patience;
use crate::record::Record;
use crate::refusal::{Answer, Refusal, grpc, prefers_html};
use crate::request::{Request, View};
use crate::worker::{Current, Worker};

/// Serves one request.
pub(crate) async fn answer(client: &mut Client, listener: &Rc<Current>, request: Request) -> Next {
    let worker = client.worker.clone();
    let peer = client.peer.clone();
    let newer = OnceCell::new();
    let next = {
        let mut record = Record::of(&worker, listener, peer.ip, &request);
        let view = View {
            request: &request,
            client: peer.seen_through(&request.head, listener),
            certificate_names: peer.certificate_names(),
        };
        record.client = view.client;
        let mut ended = serve(client, listener, &view, &peer, &mut record).await;
        if record.is_outdated
            && let Some(found) = Box::pin(later(client, listener)).await
        {
            let listener = newer.get_or_init(|| found);
            ended = Box::pin(serve(client, listener, &view, &peer, &mut record)).await;
        }
        finish(ended, client, listener, &request, &mut record).await
    };
    worker.give_head(request.head);
    next
}

/// Serves it by what one snapshot says.
async fn serve<'a>(
    client: &mut Client,
    listener: &'a Listener,
    view: &View<'_>,
    peer: &Peer,
    record: &mut Record<'a>,
) -> Ended {
    if !peer.stands_before(listener) {
        return Ended::refused(Refusal::new(Cause::TrustChanged), view.request);
    }
    if !is_for_named_host(peer, view.request) {
        return Ended::refused(Refusal::new(Cause::SniMismatch), view.request);
    }
    if let Some(own) = own::Own::of(view, listener, &client.worker) {
        return Box::pin(own::serve(own, client, listener, view.request, record)).await;
    }
    if registration::is_for_registry(view, listener) {
        return Box::pin(registration::serve(client, listener, view.request, record)).await;
    }
    match admit(view, listener, &client.worker, record, || {
        fits(view.request, listener)
    }) {
        Ok(admitted) => {
            let call = Call::new(admitted, listener, view, peer, record.started);
            let ended = forward(&call, client, record).await;
            record.ejections = record.ejections.saturating_add(call.ejections.get());
            ended
        }
        Err(refusal) => Ended::refused(refusal, view.request),
    }
}

/// All backends that the request might have met are gone since its snapshot, and it has met none: the next snapshot is
/// on its way, or here.
pub(super) async fn later(client: &Client, listener: &Rc<Current>) -> Option<Rc<Current>> {
    for _ in 0..LATER_LOOKS {
        let now = client.gate.listener();
        if now.sequence > listener.sequence {
            return Some(now);
        }
        tokio::time::sleep(LATER_PAUSE).await;
    }
    None
}

/// Answers bytes that are no request; the connection cannot go on.
pub(crate) async fn refuse_unread(
    client: &mut Client,
    listener: &Listener,
    refusal: &Refusal,
    html: bool,
) -> Next {
    let (worker, peer) = (client.worker.clone(), client.peer.clone());
    let mut record = Record::new(&worker, listener, peer.ip, client.spoken.version());
    refuse(
        client,
        listener,
        refusal,
        &Form {
            html,
            grpc: None,
            head_only: false,
            keep_alive: None,
        },
        &mut record,
    )
    .await;
    Next::Linger
}

/// Whether the request is for the host that the TLS handshake was for, if both name one: what was settled for one host,
/// as whose certificate a client has shown, says nothing of another (RFC 9110 section 15.5.20).
fn is_for_named_host(peer: &Peer, request: &Request) -> bool {
    let named = peer
        .secured
        .as_ref()
        .and_then(|secured| secured.server_name.as_deref());
    let host = host_of(request.authority());
    named.is_none_or(|named| host.is_empty() || host.eq_ignore_ascii_case(named.as_bytes()))
}

/// An authority without its port, and without the dot that a whole name may end in.
fn host_of(authority: &[u8]) -> &[u8] {
    let host = match memchr::memrchr(b':', authority) {
        Some(colon) if !authority.ends_with(b"]") => &authority[..colon],
        _ => authority,
    };
    host.strip_suffix(b".").unwrap_or(host)
}

fn route<'a>(listener: &'a Listener, view: &dyn RequestView) -> Result<&'a Arc<Route>, Refusal> {
    match listener.route(view) {
        Routed::Found(route) => Ok(route),
        Routed::NoPath => Err(Refusal::new(Cause::NoRoute)),
        Routed::NoHost => Err(Refusal::new(Cause::Misdirected)),
    }
}

/// What can be refused before a backend is troubled: no route, too many requests, one that is not as it should be, a
/// demand that cannot be met, a ledger that is full.
pub(super) fn admit<'a>(
    view: &dyn RequestView,
    listener: &'a Listener,
    worker: &Worker,
    record: &mut Record<'a>,
    fits: impl FnOnce() -> Result<(), Refusal>,
) -> Result<Admitted<'a>, Refusal> {
    let route = route(listener, view)?;
    record.route = Some(route);
    let admitted = route.rates.admit(view, worker.tick(record.started));
    admitted.map_err(|exceeded| Refusal::new(Cause::RateLimited).retry_after(exceeded.retry_after))?;
    let pool = route.pool_for(view, worker.dice());
    record.pool = Some(pool);
    let group = route
        .demanded(pool, view)
        .map_err(|unmet| Refusal::saying(unmet.cause, unmet.detail));
    record.enter_in_ledger(route.ledger, group.as_deref().ok())?;
    fits()?;
    let group = group?;
    Ok(Admitted { route, pool, group })
}

/// Whether the request is one that the listener takes.
fn fits(request: &Request, listener: &Listener) -> Result<(), Refusal> {
    if let (Framing::Exact(length), Some(most)) = (request.framing, listener.limits.body_bytes_max)
        && length > most
    {
        let detail = format!("The body has {length} bytes; at most {most} are allowed.");
        return Err(Refusal::saying(Cause::BodyTooLarge, detail));
    }
    let mut expected = request.head.values(Known::Expect);
    if expected.any(|value| !value.eq_ignore_ascii_case(b"100-continue")) {
        return Err(Refusal::new(Cause::ExpectationFailed));
    }
    Ok(())
}

async fn finish(
    ended: Ended,
    client: &mut Client,
    listener: &Listener,
    request: &Request,
    record: &mut Record<'_>,
) -> Next {
    match ended {
        Ended::Done(next) => {
            record.is_complete = true;
            next
        }
        Ended::Refused {
            refusal,
            body_is_read,
        } => {
            let keeps = body_is_read && keeps_alive(client, request, listener);
            let form = Form {
                html: prefers_html(&request.head),
                grpc: grpc::kind(&request.head),
                head_only: request.method() == b"HEAD",
                keep_alive: Some((keeps, request.is_http10())),
            };
            refuse(client, listener, &refusal, &form, record).await;
            if keeps { Next::Request } else { Next::Linger }
        }
        Ended::Aborted(cause) => {
            let has_left = cause == Cause::ClientLeft;
            record.cause = Some(if has_left { why_left(client) } else { cause });
            Next::Close
        }
    }
}

/// It left, unless we have ended a connection of many streams ourselves.
fn why_left(client: &Client) -> Cause {
    client.conn.stream.fault().unwrap_or(Cause::ClientLeft)
}

/// Whether the connection may carry another request, as far as we and the client wish.
pub(crate) fn keeps_alive(client: &Client, request: &Request, listener: &Listener) -> bool {
    let spent = listener
        .limits
        .requests_per_connection_max
        .is_some_and(|most| client.requests >= most);
    request.keeps_alive && !spent && !client.gate.is_closing() && !client.is_outlived()
}

/// What `Connection` has to say.
pub(crate) fn connection_option(keeps: bool, http10: bool) -> Option<&'static str> {
    match (keeps, http10) {
        (false, _) => Some("close"),
        (true, true) => Some("keep-alive"),
        (true, false) => None,
    }
}

struct Form<'a> {
    html: bool,
    grpc: Option<&'a [u8]>,
    head_only: bool,
    /// Whether it goes on, and whether the client speaks HTTP/1.0; `None`: it closes.
    keep_alive: Option<(bool, bool)>,
}

async fn refuse(
    client: &mut Client,
    listener: &Listener,
    refusal: &Refusal,
    form: &Form<'_>,
    record: &mut Record<'_>,
) {
    record.cause = Some(refusal.cause);
    if refusal.cause == Cause::ClientLeft {
        record.cause = Some(why_left(client));
        return;
    }
    let (keeps, http10) = form.keep_alive.unwrap_or((false, false));
    let date = client.worker.date(Instant::now());
    let answer = Answer {
        html: form.html,
        grpc: form.grpc,
        head_only: form.head_only,
        date: &date,
        connection: connection_option(keeps, http10),
    };
    let mut out = client.worker.take_line();
    refusal.write(&answer, &mut out);
    let limits = &listener.limits;
    let mut patience = Patience::new(limits.body_idle_timeout, limits.rate_min, None);
    if client.conn.write_all(&out, &mut patience).await.is_ok() {
        record.status = refusal.cause.status();
        record.bytes_out += out.len() as u64;
        record.is_complete = true;
    }
    client.worker.give_line(out);
}

/// How often, and how far apart, the next snapshot is looked for: for 50 ms at most.
const LATER_LOOKS: u32 = 50;
const LATER_PAUSE: Duration = Duration::from_millis(1);
