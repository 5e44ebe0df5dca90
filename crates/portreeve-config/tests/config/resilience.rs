//! Probes, ejection, retries, room and shares of traffic: what they mean, and what of them is refused.

mod pools_meant;
mod pools_refused;
mod probes;
mod routes_meant;
mod routes_refused;
mod warned;

use portreeve_config::Fault;
use portreeve_model::plan::{PoolPlan, RoutePlan};

use crate::{faults, sound};

/// The pool `api` with one backend and these lines.
fn pool_file(lines: &str) -> String {
    format!("[pool.api]\nbackends = \"a:1\"\n{lines}\n")
}

fn pool(lines: &str) -> PoolPlan {
    sound(&pool_file(lines)).plan.pools[0].clone()
}

/// A route to the pool `api` with these lines, and the pool `canary` beside it.
fn route_file(lines: &str) -> String {
    format!(
        "[pool.api]\nbackends = \"a:1\"\n[pool.canary]\nbackends = \"c:1\"\n[route.shop]\npool = \"api\"\n{lines}\n"
    )
}

fn route(lines: &str) -> RoutePlan {
    sound(&route_file(lines)).plan.routes[0].clone()
}

/// All faults of a file, each with its line.
fn told(source: &str) -> Vec<String> {
    faults(source)
        .iter()
        .map(|fault| format!("{}: {fault}", fault.line))
        .collect()
}

/// The one fault of a file, which stands in the line that begins so.
#[track_caller]
fn fault_at(source: &str, line: &str) -> Fault {
    let fault = crate::fault(source);
    let stands = 1 + source
        .lines()
        .position(|one| one.starts_with(line))
        .expect("the line");
    assert_eq!(fault.line, stands, "{fault}");
    fault
}
