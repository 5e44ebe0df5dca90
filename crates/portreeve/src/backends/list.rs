//! `portreeve backends list`

use std::process::ExitCode;
use std::time::Duration;

use portreeve_api::{BACKENDS, BackendList, BackendState, escaped, show};

use crate::caller::Call;
use crate::failure::Failure;
use crate::operator::Operator;
use crate::output;
use crate::table::{Column, Table};

pub(super) fn list(operator: &Operator, pool: Option<&str>, json: bool) -> Result<ExitCode, Failure> {
    let path = match pool {
        Some(pool) => format!("{BACKENDS}?pool={}", escaped(pool)),
        None => BACKENDS.to_owned(),
    };
    let answer = operator.ask(&Call::new("GET", path))?;
    if json {
        return output::print(&answer.text());
    }
    let list: BackendList = answer.read().map_err(|error| operator.failure(&error))?;
    match list.backends.is_empty() {
        true => output::hint(nobody(pool)),
        false => output::print(&table(&list)),
    }
}

fn nobody(pool: Option<&str>) -> String {
    let whose = pool
        .map(|pool| format!(" in the pool {pool}"))
        .unwrap_or_default();
    format!(
        "There are no backends{whose} yet. An app joins with\n  portreeve run --pool {} --port 8001 -- ./my-app\n\
         or with one HTTP request: see docs/REGISTRATION.md.",
        pool.unwrap_or("POOL")
    )
}

fn table(list: &BackendList) -> Table {
    let mut table = Table::new(COLUMNS);
    for backend in &list.backends {
        table.push([
            format!("{}/{}", backend.pool, backend.id),
            backend.address.clone(),
            dashed(&backend.policies.join(", ")),
            backend.weight.to_string(),
            standing(backend),
            backend.in_flight.to_string(),
            limit(backend),
            latency(backend),
            backend.requests.to_string(),
            expiry(backend),
        ]);
    }
    table
}

/// Whoever serves and gets no requests is not to be taken for one that does.
fn standing(backend: &BackendState) -> String {
    let condition = &backend.condition;
    match (&condition.ejected, condition.stalled) {
        (Some(_), _) => format!("{}, ejected", backend.standing),
        (None, true) => format!("{}, stalled", backend.standing),
        (None, false) => backend.standing.clone(),
    }
}

fn limit(backend: &BackendState) -> String {
    let limit = backend.condition.in_flight_limit;
    limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string())
}

/// How long it is expected to take.
pub(super) fn latency(backend: &BackendState) -> String {
    match backend.condition.expected_latency_ms {
        Some(ms) => format!("{ms:.1} ms"),
        None => "-".to_owned(),
    }
}

/// In whole seconds, rounded up, so that only what has expired says 0s.
pub(super) fn expiry(backend: &BackendState) -> String {
    match backend.expires_in_ms {
        Some(ms) => show(Duration::from_secs(ms.div_ceil(1_000))),
        None => "-".to_owned(),
    }
}

/// An empty cell that is seen.
pub(crate) fn dashed(cell: &str) -> String {
    match cell {
        "" => "-".to_owned(),
        text => text.to_owned(),
    }
}

const COLUMNS: &[Column] = &[
    Column::Text("BACKEND"),
    Column::Text("ADDRESS"),
    Column::Text("POLICIES"),
    Column::Number("WEIGHT"),
    Column::Text("STANDING"),
    Column::Number("IN FLIGHT"),
    Column::Number("LIMIT"),
    Column::Number("LATENCY"),
    Column::Number("REQUESTS"),
    Column::Number("EXPIRES"),
];
