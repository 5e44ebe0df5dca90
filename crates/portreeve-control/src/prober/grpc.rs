//! `grpc.health.v1.Health/Check` over HTTP/2.

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{self, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};

use super::reach::{Reached, Wire};
use super::{Deadline, shown};

pub(super) async fn check(
    service: &str,
    reached: Reached,
    by: &Deadline,
    time: Duration,
) -> Result<(), String> {
    let late = || format!("{CALL} was not answered within {}", shown(time));
    by.keep(late, ask(service, reached)).await
}

async fn ask(service: &str, reached: Reached) -> Result<(), String> {
    let (send, connection) = builder()
        .handshake::<Wire, Bytes>(reached.wire)
        .await
        .map_err(|error| broken(&error))?;
    let exchange = exchange(send, service, &reached.host);
    tokio::pin!(connection);
    tokio::select! {
        // The exchange is looked at first: a connection that ends with its last frame is no fault.
        biased;
        done = exchange => done,
        ended = &mut connection => Err(match ended {
            Ok(()) => format!("{CALL}: the connection ended before the response"),
            Err(error) => broken(&error),
        }),
    }
}

/// The least that one request needs.
pub(super) fn builder() -> client::Builder {
    let mut builder = client::Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_header_list_size(HEADERS_MAX);
    builder
}

async fn exchange(send: SendRequest<Bytes>, service: &str, host: &str) -> Result<(), String> {
    let mut send = send.ready().await.map_err(|error| broken(&error))?;
    let request = Request::post(format!("http://{host}{PATH}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header(
            "user-agent",
            concat!("portreeve-probe/", env!("CARGO_PKG_VERSION")),
        )
        .body(())
        .map_err(|error| format!("{CALL} cannot be asked: {error}"))?;
    let (response, mut body): (ResponseFuture, SendStream<Bytes>) = send
        .send_request(request, false)
        .map_err(|error| broken(&error))?;
    body.send_data(message(service), true)
        .map_err(|error| broken(&error))?;
    let response = response.await.map_err(|error| broken(&error))?;
    if response.status() != 200 {
        return Err(format!("{CALL} answered HTTP {}", response.status().as_u16()));
    }
    let (head, mut body) = response.into_parts();
    said(&head.headers)?; // an answer of trailers only
    let answer = read(&mut body).await?;
    let trailers = poll_fn(|context| body.poll_trailers(context)).await;
    if let Some(trailers) = trailers.map_err(|error| broken(&error))? {
        said(&trailers)?;
    }
    judge(&answer)
}

/// Whether gRPC itself speaks of a fault.
fn said(fields: &HeaderMap) -> Result<(), String> {
    let text = |name| fields.get(name).and_then(|value| value.to_str().ok());
    match text("grpc-status") {
        None | Some("0") => Ok(()),
        Some(status) => {
            let status: String = status.chars().take(8).collect();
            let name = status.parse().ok().and_then(|code: usize| STATUSES.get(code));
            let name = name.map_or_else(String::new, |name| format!(" ({name})"));
            let why: String = text("grpc-message")
                .unwrap_or_default()
                .chars()
                .take(100)
                .collect();
            let why = if why.is_empty() { why } else { format!(": {why}") };
            Err(format!("{CALL} answered status {status}{name}{why}"))
        }
    }
}

/// The body, of which no more is taken than an answer can need.
async fn read(body: &mut RecvStream) -> Result<Vec<u8>, String> {
    let mut answer = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.map_err(|error| broken(&error))?;
        answer.extend_from_slice(&data);
        if answer.len() > ANSWER_MAX {
            return Err(format!("{CALL}: the response is longer than {ANSWER_MAX} bytes"));
        }
        body.flow_control()
            .release_capacity(data.len())
            .map_err(|error| broken(&error))?;
    }
    Ok(answer)
}

/// `HealthCheckRequest { string service = 1 }` as gRPC frames it: not compressed, length, message.
fn message(service: &str) -> Bytes {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(0x0a);
        varint(service.len(), &mut message);
        message.extend_from_slice(service.as_bytes());
    }
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut framed = vec![0];
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(&message);
    framed.into()
}

fn varint(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(0x80 | u8::try_from(number & 0x7f).expect("seven bits"));
        number >>= 7;
    }
    out.push(u8::try_from(number).expect("seven bits"));
}

/// Whether a framed `HealthCheckResponse { ServingStatus status = 1 }` says that it serves. The default of that field,
/// which is not sent, is `UNKNOWN`.
fn judge(framed: &[u8]) -> Result<(), String> {
    let status = match framed {
        [0, a, b, c, d, message @ ..] if u32::from_be_bytes([*a, *b, *c, *d]) as usize == message.len() => {
            status(message)
        }
        _ => None,
    };
    match status {
        Some(1) => Ok(()),
        Some(other) => {
            let name = usize::try_from(other).ok().and_then(|place| SERVING.get(place));
            let name = name.map_or_else(|| other.to_string(), |name| (*name).to_owned());
            Err(format!("{CALL} answered {name}; SERVING passes"))
        }
        None => Err(format!("{CALL}: the response is no HealthCheckResponse")),
    }
}

/// The field of number 1; others are passed over, as protobuf wants it.
fn status(mut message: &[u8]) -> Option<u64> {
    let mut status = 0;
    while !message.is_empty() {
        let key = take_varint(&mut message)?;
        match (key >> 3, key & 7) {
            (1, 0) => status = take_varint(&mut message)?,
            (_, 0) => drop(take_varint(&mut message)?),
            (_, 1) => message = message.get(8..)?,
            (_, 2) => {
                let length = usize::try_from(take_varint(&mut message)?).ok()?;
                message = message.get(length..)?;
            }
            (_, 5) => message = message.get(4..)?,
            _ => return None,
        }
    }
    Some(status)
}

fn take_varint(message: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..10 {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        number |= u64::from(byte & 0x7f).checked_shl(7 * place)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn broken(error: &h2::Error) -> String {
    format!("{CALL}: {error}")
}

const CALL: &str = "grpc.health.v1.Health/Check";
const PATH: &str = "/grpc.health.v1.Health/Check";
const SERVING: [&str; 4] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
/// The status codes of gRPC in their order.
const STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
const ANSWER_MAX: usize = 1_024;
/// What a peer may send before we take some: the least that HTTP/2 lets a connection have.
const WINDOW: u32 = 65_535;
const HEADERS_MAX: u32 = 16 * 1024;

#[cfg(test)]
mod tests;
