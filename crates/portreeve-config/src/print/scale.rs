//! `[pool.NAME.scale]`, and the sections of its fleets.

mod driver;
mod rules;

use portreeve_model::Policies;
use portreeve_model::plan::{
    FleetPlan, LifecyclePlan, PacePlan, PoolPlan, ProbePlan, RegisteredBy, ScaleMode, ScalePlan,
};

use super::said::{Said, number, or_off, percent, time};
use super::{Text, demand};
use crate::defaults;
use crate::place::quoted;
use crate::pool::scale::lifecycle::{
    exit_of, replace_after, show_leaves_first, show_on_exit, show_registered_by, start_timeout,
};
use crate::pool::scale::{EVERY, fleet, pace};

/// All of it. Several fleets share nothing in print: each says all of its own.
pub(super) fn sections(file: &mut Text, pool: &PoolPlan, plan: &ScalePlan, of_pool: &Policies) {
    let mut said = Said::default();
    if plan.mode == ScaleMode::Observe {
        said.value("mode", quoted("observe"));
    }
    said.unless("every", plan.every, EVERY, time);
    let section = ["pool", &pool.name, "scale"];
    match plan.fleets.as_slice() {
        [only] if only.name.as_ref() == defaults::NAME => {
            fleet_keys(&mut said, only, pool.probe.as_ref(), of_pool);
            said.write(file, &section);
        }
        several => {
            said.write(file, &section);
            for fleet in several {
                let mut said = Said::default();
                fleet_keys(&mut said, fleet, pool.probe.as_ref(), of_pool);
                said.write(file, &["pool", &pool.name, "scale", "fleet", &fleet.name]);
            }
        }
    }
}

fn fleet_keys(said: &mut Said, plan: &FleetPlan, probe: Option<&ProbePlan>, of_pool: &Policies) {
    let beyond = plan
        .policies
        .iter()
        .filter(|policy| !of_pool.contains(policy.as_str()));
    let own: Policies = beyond.cloned().collect();
    if !own.is_empty() {
        said.value("policies", demand::policies(&own));
    }
    said.value(
        "driver",
        driver::driver(&plan.driver, plan.lifecycle.start_timeout),
    );
    said.unless("min", plan.min, fleet::MIN, number);
    said.unless("max", plan.max, fleet::MAX, number);
    rules::rules(said, plan);
    said.unless("tolerance", plan.tolerance_percent, fleet::TOLERANCE, percent);
    said.unless("idle", plan.idle, Some(fleet::IDLE), |idle| or_off(idle, time));
    pace(said, "up", &plan.up, &pace::up());
    pace(said, "down", &plan.down, &pace::down());
    lifecycle(said, plan, probe);
}

fn pace(said: &mut Said, key: &'static str, plan: &PacePlan, plain: &PacePlan) {
    let mut own = Said::default();
    own.unless("stabilisation", plan.stabilisation, plain.stabilisation, time);
    own.unless("cool_down", plan.cool_down, plain.cool_down, time);
    own.some("steps_max", plan.steps_max, number);
    if own.len() > 0 {
        said.value(key, own.table());
    }
}

fn lifecycle(said: &mut Said, fleet: &FleetPlan, probe: Option<&ProbePlan>) {
    let plan = &fleet.lifecycle;
    let plain = LifecyclePlan::default();
    said.unless("start_timeout", plan.start_timeout, start_timeout(probe), time);
    said.unless("replace_after", plan.replace_after, replace_after(probe), time);
    said.unless("drain_timeout", plan.drain_timeout, plain.drain_timeout, time);
    said.unless("stop_timeout", plan.stop_timeout, plain.stop_timeout, time);
    said.unless("leaves_first", plan.leaves_first, plain.leaves_first, |first| {
        quoted(show_leaves_first(first))
    });
    said.on("keep_port", plan.keeps_port);
    said.unless("on_exit", plan.on_exit, exit_of(&fleet.driver), |on_exit| {
        quoted(show_on_exit(on_exit))
    });
    let by = match fleet.driver {
        portreeve_model::plan::DriverPlan::Ec2(_) => RegisteredBy::Backend,
        _ => plain.registered_by,
    };
    said.unless("registered_by", plan.registered_by, by, |by| {
        quoted(show_registered_by(by))
    });
}
