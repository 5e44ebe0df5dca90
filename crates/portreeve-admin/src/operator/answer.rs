//! Answers of the operator's pages.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use portreeve_api::{Fault, Problem};
use portreeve_control::Refused;
use serde::Serialize;

use crate::wire;

/// What a page says.
pub(super) enum Answered<T> {
    Done(StatusCode, T),
    Empty,
    Refused(Box<Problem>),
}

/// What pages end early with.
pub(super) type Refusal = Box<Problem>;

pub(super) fn fault(fault: &Fault) -> Refusal {
    Box::new(Problem::from(fault))
}

/// For `map_err`.
#[expect(clippy::needless_pass_by_value, reason = "errors are passed so")]
pub(super) fn refused(refused: Refused) -> Refusal {
    Box::new(wire::problem(&refused))
}

impl<T> From<Result<T, Refusal>> for Answered<T> {
    fn from(outcome: Result<T, Refusal>) -> Self {
        match outcome {
            Ok(body) => Self::Done(StatusCode::OK, body),
            Err(problem) => Self::Refused(problem),
        }
    }
}

impl<T: Serialize> IntoResponse for Answered<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Done(status, body) => (status, NO_STORE, JSON, json(&body)).into_response(),
            Self::Empty => (StatusCode::NO_CONTENT, NO_STORE).into_response(),
            Self::Refused(problem) => refusal(&problem),
        }
    }
}

/// A 401 says how to do better (RFC 9110 section 11.6.1).
pub(super) fn refusal(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, NO_STORE, PROBLEM, problem.to_json()).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let fields = response.headers_mut();
        fields.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn json(body: &impl Serialize) -> Vec<u8> {
    let mut json = serde_json::to_vec(body).expect("texts and numbers are JSON");
    json.push(b'\n');
    json
}

pub(super) const NO_STORE: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

const JSON: [(HeaderName, HeaderValue); 1] =
    [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];

const PROBLEM: [(HeaderName, HeaderValue); 1] = [(
    header::CONTENT_TYPE,
    HeaderValue::from_static("application/problem+json"),
)];
