//! How many instances there are, and why.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use portreeve_api::{FleetList, Problem, pool_asked};

use super::Desk;
use super::answer::{Answered, Refusal, fault};
use crate::wire;

pub(super) async fn list(State(desk): State<Arc<Desk>>, uri: Uri) -> Answered<FleetList> {
    listed(&desk, &uri).into()
}

fn listed(desk: &Desk, uri: &Uri) -> Result<FleetList, Refusal> {
    let pool = pool_asked(uri.query()).map_err(|error| fault(&error))?;
    let all = desk.operator.scaler.as_ref().map(|scaler| scaler.fleets());
    let all = all.iter().flat_map(|all| all.iter());
    let asked = all.filter(|state| pool.as_deref().is_none_or(|pool| *state.key.pool == *pool));
    let fleets: Vec<_> = asked.map(wire::fleet).collect();
    match pool.filter(|_| fleets.is_empty()) {
        Some(pool) => Err(no_fleet(&pool)),
        None => Ok(FleetList { fleets }),
    }
}

fn no_fleet(pool: &str) -> Refusal {
    Box::new(Problem::new(
        404,
        "no_fleet",
        format!("the pool {pool:?} has no fleet: its section in the configuration has no [pool.NAME.scale]"),
    ))
}
