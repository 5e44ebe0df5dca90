//! Reading a request head from an HTTP/1 connection.

use std::task::Poll;
use std::time::Instant;

use portreeve_http1::{
    Fault, FaultKind, Framing, HeadLimits, HeadScan, Known, TargetForm, Version, keeps_alive, parse_request,
    request_framing,
};
use portreeve_model::Cause;
use portreeve_model::plan::ClientLimits;

use super::client::Client;
use crate::refusal::Refusal;
use crate::request::{Request, Tunnel};

/// Why there is no request.
pub(super) enum NoRequest {
    /// The client closed or broke the connection before its head was complete.
    Gone,
    Refused(Refusal),
}

/// Reads the head of the next request; some of it is there already.
pub(super) async fn read(client: &mut Client, limits: &ClientLimits) -> Result<Request, NoRequest> {
    let bounds = head_limits(limits);
    let length = head_length(client, limits, &bounds).await?;
    let mut head = client.worker.take_head();
    let parsed = parse_request(&client.conn.input()[..length], &bounds, &mut head)
        .and_then(|line| Ok((line, request_framing(&line, &head)?)));
    client.conn.consume(length);
    let (line, framing) = parsed.map_err(|fault| NoRequest::Refused(refusal(&fault)))?;
    let keeps_alive = keeps_alive(line.version, &head);
    let mut request = Request {
        head,
        line,
        framing,
        spoken: client.spoken,
        keeps_alive,
        tunnel: Tunnel::None,
    };
    request.tunnel = tunnel(&request);
    Ok(request)
}

pub(crate) fn head_limits(limits: &ClientLimits) -> HeadLimits {
    HeadLimits {
        bytes_max: limits.head_bytes_max as usize,
        fields_max: usize::from(limits.fields_max),
        target_max: limits.target_bytes_max as usize,
    }
}

async fn head_length(
    client: &mut Client,
    limits: &ClientLimits,
    bounds: &HeadLimits,
) -> Result<usize, NoRequest> {
    let mut scan = HeadScan::default();
    let mut deadline = client.head_until.take();
    std::future::poll_fn(|context| {
        loop {
            match scan.advance(client.conn.input(), bounds) {
                Ok(Some(length)) => return Poll::Ready(Ok(length)),
                Ok(None) => {}
                Err(fault) => return Poll::Ready(Err(NoRequest::Refused(refusal(&fault)))),
            }
            match client.conn.poll_fill(context) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(NoRequest::Gone)),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => {
                    let deadline = *deadline.get_or_insert_with(|| Instant::now() + limits.head_timeout);
                    if client.conn.read_timer.poll_expired(context, deadline) {
                        return Poll::Ready(Err(NoRequest::Refused(Refusal::new(Cause::HeadTimeout))));
                    }
                    return Poll::Pending;
                }
            }
        }
    })
    .await
}

/// A protocol change is passed on only where it cannot smuggle: without a body, and never to cleartext HTTP/2, behind
/// which requests would pass unseen.
fn tunnel(request: &Request) -> Tunnel {
    if request.line.form == TargetForm::Authority {
        return Tunnel::Connect;
    }
    let asks = || {
        request
            .head
            .values(Known::Connection)
            .any(|value| has_token(value, b"upgrade"))
    };
    let mut protocols = request.head.values(Known::Upgrade).peekable();
    let is_upgrade = request.framing == Framing::Empty
        && request.line.version == Version::H11
        && protocols.peek().is_some()
        && protocols.all(|value| !has_token(value, b"h2c"))
        && asks();
    if is_upgrade { Tunnel::Upgrade } else { Tunnel::None }
}

fn has_token(list: &[u8], token: &[u8]) -> bool {
    list.split(|byte| *byte == b',')
        .any(|item| item.trim_ascii().eq_ignore_ascii_case(token))
}

/// What a fault in the client's bytes is called.
pub(crate) fn refusal(fault: &Fault) -> Refusal {
    let cause = match fault.kind() {
        FaultKind::Malformed => Cause::MalformedRequest,
        FaultKind::HeadTooLarge => Cause::HeadTooLarge,
        FaultKind::TargetTooLong => Cause::TargetTooLong,
        FaultKind::UnsupportedCoding => Cause::UnsupportedCoding,
        FaultKind::UnsupportedVersion => Cause::UnsupportedVersion,
    };
    Refusal::saying(cause, fault.detail())
}
