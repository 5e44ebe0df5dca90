//! Who is there, and who gets no more requests.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::Uri;
use portreeve_api::{BackendList, BackendPath, BackendState, DrainWish, Drained, Problem, pool_asked};
use portreeve_control::Refused;
use portreeve_model::MemberKey;
use portreeve_model::plan::Name;

use super::Desk;
use super::answer::{Answered, Refusal, fault, refused};
use crate::wire;

pub(super) async fn list(State(desk): State<Arc<Desk>>, uri: Uri) -> Answered<BackendList> {
    listed(&desk, &uri).await.into()
}

async fn listed(desk: &Desk, uri: &Uri) -> Result<BackendList, Refusal> {
    let pool = pool_asked(uri.query()).map_err(|error| fault(&error))?;
    let states = desk.door().backends().await.map_err(refused)?;
    let is_asked =
        |state: &portreeve_control::BackendState| pool.as_deref().is_none_or(|pool| *state.pool == *pool);
    let states = states.into_iter().filter(is_asked);
    Ok(BackendList {
        backends: states.map(wire::backend).collect(),
    })
}

pub(super) async fn show(State(desk): State<Arc<Desk>>, uri: Uri) -> Answered<BackendState> {
    shown(&desk, &uri).await.into()
}

async fn shown(desk: &Desk, uri: &Uri) -> Result<BackendState, Refusal> {
    let key = key(uri)?;
    let states = desk.door().backend(&key).await.map_err(refused)?;
    let state = states.into_iter().next().map(wire::backend);
    state.ok_or_else(|| refused(Refused::NoSuchBackend(key)))
}

pub(super) async fn drain(
    State(desk): State<Arc<Desk>>,
    uri: Uri,
    body: Result<Bytes, BytesRejection>,
) -> Answered<Drained> {
    drained(&desk, &uri, body).await.into()
}

async fn drained(desk: &Desk, uri: &Uri, body: Result<Bytes, BytesRejection>) -> Result<Drained, Refusal> {
    let wish = DrainWish::read(&whole(body)?).map_err(|error| fault(&error))?;
    let report = desk.door().drain(&key(uri)?, wish.wait).await.map_err(refused)?;
    Ok(Drained {
        in_flight: report.in_flight_left,
    })
}

pub(super) async fn undrain(State(desk): State<Arc<Desk>>, uri: Uri) -> Answered<()> {
    let outcome = match key(&uri) {
        Ok(key) => desk.door().undrain(&key).await.map_err(refused),
        Err(refusal) => Err(refusal),
    };
    done(outcome)
}

pub(super) async fn remove(State(desk): State<Arc<Desk>>, uri: Uri) -> Answered<()> {
    let outcome = match key(&uri) {
        Ok(key) => desk.door().remove(&key).await.map_err(refused),
        Err(refusal) => Err(refusal),
    };
    done(outcome)
}

/// 204, or why not.
pub(super) fn done(outcome: Result<(), Refusal>) -> Answered<()> {
    match outcome {
        Ok(()) => Answered::Empty,
        Err(problem) => Answered::Refused(problem),
    }
}

/// A body that was read whole and in time.
pub(super) fn whole(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Refusal> {
    body.map_err(|rejection| {
        let status = rejection.status().as_u16();
        let cause = if status == 413 {
            "body_too_large"
        } else {
            "body_unreadable"
        };
        Box::new(Problem::new(status, cause, rejection.body_text()))
    })
}

fn key(uri: &Uri) -> Result<MemberKey, Refusal> {
    let path = BackendPath::read(uri.path()).map_err(|error| fault(&error))?;
    Ok(MemberKey {
        pool: Name::from(path.pool.as_str()),
        id: path.id.as_str().into(),
    })
}
