//! `/v1` of the admin listener: what the operator sees of the registry, and changes in it.
//!
//! Looking needs nothing more than reaching the listener. Whatever changes something needs the admin key as
//! `Authorization: Bearer …`, which no web page can make a browser send: it is not told it, and a page of another site
//! may not set that field without being asked first (the Fetch standard's preflight), which is answered with no leave.

mod answer;
mod backends;
mod certificates;
mod events;
mod feed;
mod fleets;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{delete, get, post};
use portreeve_api::{BACKENDS, BODY_BYTES_MAX, CERTIFICATES, EVENTS, FLEETS, Problem, TOKENS};
use portreeve_control::Door;
use portreeve_scaler::ScalerView;

use crate::registrar::bearer;
use crate::{AdminKey, Events, Registrar};
use feed::Feeds;

/// What the operator's pages work with.
#[derive(Debug, Clone)]
pub struct Operator {
    /// The same that takes registrations in: its counts are shown, its door is asked.
    pub registrar: Registrar,
    /// What a change has to show.
    pub key: AdminKey,
    /// The fleets; `None`: there is no scaler.
    pub scaler: Option<ScalerView>,
}

/// `happened`: what no snapshot tells.
pub(crate) fn pages(operator: Operator, happened: Arc<Events>) -> Router {
    let desk = Arc::new(Desk {
        operator,
        happened,
        feeds: Feeds::default(),
    });
    Router::new()
        .route(BACKENDS, get(backends::list))
        .route(BACKEND, get(backends::show).delete(backends::remove))
        .route(&format!("{BACKEND}/drain"), post(backends::drain))
        .route(&format!("{BACKEND}/undrain"), post(backends::undrain))
        .route(FLEETS, get(fleets::list))
        .route(CERTIFICATES, get(certificates::list))
        .route(TOKENS, get(tokens::list).post(tokens::create))
        .route(&format!("{TOKENS}/{{id}}"), delete(tokens::revoke))
        .route(EVENTS, get(events::follow))
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&desk),
            only_reads_without_key,
        ))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(desk)
}

struct Desk {
    operator: Operator,
    happened: Arc<Events>,
    feeds: Feeds,
}

impl Desk {
    fn door(&self) -> &Door {
        self.operator.registrar.door()
    }
}

/// Lets everything through that shows the key, and of the rest only what changes nothing: whoever adds a page that
/// changes something need not think of it.
async fn only_reads_without_key(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    let field = request.headers().get(header::AUTHORIZATION);
    let shown = field.and_then(|value| bearer(value.to_str().ok()?));
    match is_read || shown.is_some_and(|shown| desk.operator.key.is(shown)) {
        true => next.run(request).await,
        false => answer::refusal(&no_key(shown.is_some())),
    }
}

fn no_key(has_shown: bool) -> Problem {
    let detail = match has_shown {
        true => "this is not the admin key of this process; a new one is made at each start.",
        false => "to change something, show the admin key as `Authorization: Bearer KEY`.",
    };
    Problem::new(
        401,
        "admin_key_needed",
        format!("{detail} It stands in admin.json in the folder for state."),
    )
}

const BACKEND: &str = "/v1/pools/{pool}/backends/{id}";

#[cfg(test)]
mod tests;
