//! Pools that grow and shrink by themselves: what is meant, what of it is refused, what is told.

mod drivers;
mod meant;
mod pages;
mod refused;
mod warned;

use portreeve_model::plan::{FleetPlan, PoolPlan};

use crate::sound;

/// The pool `api` with processes, and these lines of its section `scale`.
fn scaled_file(lines: &str) -> String {
    format!("[pool.api.scale]\ndriver = {{ process = [\"./api\", \"{{port}}\"] }}\n{lines}\n")
}

fn scaled(lines: &str) -> PoolPlan {
    sound(&scaled_file(lines)).plan.pools[0].clone()
}

fn fleets(pool: &PoolPlan) -> &[FleetPlan] {
    &pool.scale.as_ref().expect("a pool that scales").fleets
}

fn fleet(lines: &str) -> FleetPlan {
    fleets(&scaled(lines))[0].clone()
}

/// The pool `api` with this driver, where backends may register.
fn driven_file(driver: &str, lines: &str) -> String {
    format!(
        "[listener.web]\nbind = \":1\"\nregistration = true\n[pool.api.scale]\ndriver = {{ {driver} }}\n{lines}\n"
    )
}
