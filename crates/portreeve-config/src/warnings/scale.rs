//! What is sound about pools that scale, and yet surprises.

mod ports;
mod rules;

use portreeve_model::plan::{
    DriverPlan, FailMode, FleetPlan, Plan, PoolPlan, ProcessPlan, RegisteredBy, ScalePlan,
};

use crate::defaults;
use crate::place::written;
use crate::pool::room::may_hold;

/// A sentence each.
pub(super) fn warnings(plan: &Plan) -> Vec<String> {
    let pools = plan.pools.iter();
    let of_pools = pools.flat_map(|pool| {
        let scale = pool.scale.iter().flat_map(|scale| of_fleets(pool, scale));
        no_page(pool).into_iter().chain(scale).collect::<Vec<_>>()
    });
    of_pools.chain(ports::shared(plan)).collect()
}

/// `pool.api.scale`, or `pool.api.scale.fleet.us`.
fn key(pool: &PoolPlan, fleet: &FleetPlan) -> String {
    let pool = written(&pool.name);
    match fleet.name.as_ref() {
        defaults::NAME => format!("pool.{pool}.scale"),
        name => format!("pool.{pool}.scale.fleet.{}", written(name)),
    }
}

fn of_fleets(pool: &PoolPlan, scale: &ScalePlan) -> Vec<String> {
    let each = scale.fleets.iter().enumerate().flat_map(|(nth, fleet)| {
        let before = &scale.fleets[..nth];
        let own = [
            no_port(pool, fleet),
            never_woken(pool, fleet, before),
            no_wait(pool, fleet),
        ];
        own.into_iter()
            .flatten()
            .chain(rules::warnings(pool, fleet))
            .collect::<Vec<_>>()
    });
    each.collect()
}

/// A page that nobody is ever shown.
fn no_page(pool: &PoolPlan) -> Option<String> {
    (pool.hold.page.is_some() && pool.scale.is_none()).then(|| {
        format!(
            "pool.{}.hold.page: has no effect, as it is shown while a backend is started, and the pool has no [scale]",
            written(&pool.name)
        )
    })
}

/// A program that is not told where to listen. A script may well read it from its environment.
fn no_port(pool: &PoolPlan, fleet: &FleetPlan) -> Option<String> {
    let DriverPlan::Process(process) = &fleet.driver else {
        return None;
    };
    let is_told = fleet.lifecycle.registered_by == RegisteredBy::Backend || says_port(process);
    (!is_told).then(|| {
        format!(
            "{}.driver: neither the command nor env says {{port}}; each instance has to listen at the port that it \
             finds in its variable PORT",
            key(pool, fleet)
        )
    })
}

fn says_port(process: &ProcessPlan) -> bool {
    let is_script = |word: &String| word.contains(' ') && word.contains("PORT");
    let values = process.env.iter().map(|(_, value)| value);
    let mut all = process.command.iter().chain(values);
    all.any(|word| word.contains("{port}")) || process.command.iter().any(is_script)
}

/// One that sleeps, while another before it is woken in its stead.
fn never_woken(pool: &PoolPlan, fleet: &FleetPlan, before: &[FleetPlan]) -> Option<String> {
    let other = before
        .iter()
        .find(|other| other.policies.uphold(&fleet.policies))?;
    (fleet.min == 0).then(|| {
        format!(
            "{}.min: no request ever wakes it, as fleet {} stands before it and upholds all that it does",
            key(pool, fleet),
            other.name
        )
    })
}

/// One that sleeps, and whoever wakes it is not served.
fn no_wait(pool: &PoolPlan, fleet: &FleetPlan) -> Option<String> {
    let is_held = pool.fail_mode == FailMode::Hold && may_hold(pool.in_flight, pool.fail_mode, &pool.hold);
    (fleet.min == 0 && !is_held).then(|| {
        format!(
            "{}.min: the requests that wake it are not served, as they are held only with fail_mode = \"hold\"",
            key(pool, fleet)
        )
    })
}
