//! One request over HTTP/2 on a connection of its own, and whether the response passes. All that is read is bounded.

use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::SendRequest;
use http::{HeaderMap, Request, Response};
use portreeve_model::Report;
use portreeve_model::plan::{HttpCheck, Scheme};

use super::http::{BODY_MAX, asked, contains, passes, ranges};
use super::reach::{Reached, Wire};
use super::{Deadline, Found, grpc, shown};

pub(super) async fn check(
    check: &HttpCheck,
    scheme: Scheme,
    reached: Reached,
    by: &Deadline,
    time: Duration,
) -> Found {
    let mut report = None;
    let late = || format!("{} was not answered within {}", asked(check), shown(time));
    let result = by.keep(late, ask(check, scheme, reached, &mut report)).await;
    Found {
        report,
        ..result.into()
    }
}

async fn ask(
    check: &HttpCheck,
    scheme: Scheme,
    reached: Reached,
    report: &mut Option<Report>,
) -> Result<(), String> {
    let request = request(check, scheme, &reached.host)?;
    let shaken = grpc::builder().handshake::<Wire, Bytes>(reached.wire).await;
    let (send, connection) = shaken.map_err(|error| broken(check, &error))?;
    let exchange = exchange(send, check, request, report);
    tokio::pin!(connection);
    tokio::select! {
        // The exchange is looked at first: a connection that ends with its last frame is no fault.
        biased;
        done = exchange => done,
        ended = &mut connection => Err(match ended {
            Ok(()) => format!("{}: the connection ended before the response", asked(check)),
            Err(error) => broken(check, &error),
        }),
    }
}

/// The request as it is sent. What HTTP/2 forbids of the plan's fields (RFC 9113 section 8.2.2) is left out, and `host`
/// becomes the authority.
fn request(check: &HttpCheck, scheme: Scheme, host: &str) -> Result<Request<()>, String> {
    let named = |name: &str| {
        check
            .headers
            .iter()
            .find(|(one, _)| one.eq_ignore_ascii_case(name))
    };
    let authority = named("host").map(|(_, value)| value.as_str());
    let authority = authority.or(check.host.as_deref()).unwrap_or(host);
    let written = if scheme.is_tls() { "https" } else { "http" };
    let mut request = Request::builder()
        .method(&*check.method)
        .uri(format!("{written}://{authority}{}", check.target));
    if named("user-agent").is_none() {
        request = request.header(
            "user-agent",
            concat!("portreeve-probe/", env!("CARGO_PKG_VERSION")),
        );
    }
    for (name, value) in &check.headers {
        if !FORBIDDEN
            .iter()
            .any(|forbidden| name.eq_ignore_ascii_case(forbidden))
        {
            request = request.header(name, value);
        }
    }
    request
        .body(())
        .map_err(|error| format!("{} cannot be asked: {error}", asked(check)))
}

async fn exchange(
    send: SendRequest<Bytes>,
    check: &HttpCheck,
    request: Request<()>,
    report: &mut Option<Report>,
) -> Result<(), String> {
    let broken = |error| broken(check, &error);
    let mut send = send.ready().await.map_err(broken)?;
    let (response, _) = send.send_request(request, true).map_err(broken)?;
    let response = response.await.map_err(broken)?;
    *report = reported(response.headers());
    judge(check, response).await
}

async fn judge(check: &HttpCheck, response: Response<RecvStream>) -> Result<(), String> {
    let status = response.status().as_u16();
    if !passes(check, status) {
        let allowed = ranges(&check.statuses);
        return Err(format!("{} answered {status}; {allowed}", asked(check)));
    }
    match check.body_contains.as_deref() {
        Some(wanted) if !body_contains(check, response.into_body(), wanted.as_bytes()).await? => {
            Err(format!(
                "{} answered {status}, but the first 64 KiB of the body do not contain \"{}\"",
                asked(check),
                wanted.escape_debug()
            ))
        }
        _ => Ok(()),
    }
}

/// Whether the first 64 KiB of the content do.
async fn body_contains(check: &HttpCheck, mut body: RecvStream, wanted: &[u8]) -> Result<bool, String> {
    let mut content = Vec::new();
    while content.len() < BODY_MAX {
        let Some(data) = body.data().await else { break };
        let data = data.map_err(|error| broken(check, &error))?;
        let room = BODY_MAX - content.len();
        content.extend_from_slice(&data[..data.len().min(room)]);
        if contains(&content, wanted) {
            return Ok(true);
        }
        // A window that cannot be widened any more is one of a body that has ended.
        let _ = body.flow_control().release_capacity(data.len());
    }
    Ok(contains(&content, wanted))
}

fn reported(fields: &HeaderMap) -> Option<Report> {
    let values = fields.get_all(Report::FIELD).iter();
    values
        .filter_map(|value| Report::read(value.as_bytes()))
        .next_back()
}

fn broken(check: &HttpCheck, error: &h2::Error) -> String {
    format!("{}: {error}", asked(check))
}

const FORBIDDEN: [&str; 7] = [
    "host",
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
    "te",
];

#[cfg(test)]
mod tests;
