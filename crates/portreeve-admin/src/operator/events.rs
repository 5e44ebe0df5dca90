//! What happens in the registry, as it happens: a line of JSON for each event.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use portreeve_api::Problem;

use super::Desk;
use super::answer::{NO_STORE, refusal};

/// Answers without end; an empty line now and then says that nothing is wrong. A reader that falls too far behind is
/// told how much it missed, as an object with the one key `missed`.
pub(super) async fn follow(State(desk): State<Arc<Desk>>) -> Response {
    match desk.feeds.open(desk.door().events()) {
        Some(feed) => (NO_STORE, JSON_LINES, Body::from_stream(feed)).into_response(),
        None => refusal(&Problem::new(503, "too_many_feeds", TOO_MANY)),
    }
}

const TOO_MANY: &str = "as many readers follow the events as may; end one of them";

const JSON_LINES: [(HeaderName, HeaderValue); 1] = [(
    header::CONTENT_TYPE,
    HeaderValue::from_static("application/jsonl"),
)];
