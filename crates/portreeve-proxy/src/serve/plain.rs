//! HTTP without TLS on a port for TLS: the client is told where to go.

use std::borrow::Cow;
use std::time::Instant;

use portreeve_model::Cause;

use super::client::Client;
use super::inbound::NoRequest;
use super::{answer, inbound};
use crate::refusal::{Refusal, prefers_html};
use crate::request::Request;

/// Reads one request, which has to be there by the deadline, and answers that TLS is spoken here.
pub(crate) async fn refuse(mut client: Client, deadline: Instant) {
    let listener = client.gate.listener();
    client.head_until = Some(deadline);
    let (refusal, html) = match inbound::read(&mut client, &listener.limits).await {
        Ok(request) => (said_where(&request), prefers_html(&request.head)),
        Err(NoRequest::Refused(_)) => (Refusal::new(Cause::PlainHttp), false),
        Err(NoRequest::Gone) => return,
    };
    answer::refuse_unread(&mut client, &listener, &refusal, html).await;
    client.linger().await;
}

fn said_where(request: &Request) -> Refusal {
    let detail = match String::from_utf8_lossy(request.authority()) {
        Cow::Borrowed("") => return Refusal::new(Cause::PlainHttp),
        host => format!("This port speaks TLS, and the request came without it; use https://{host}/."),
    };
    Refusal::saying(Cause::PlainHttp, detail)
}
