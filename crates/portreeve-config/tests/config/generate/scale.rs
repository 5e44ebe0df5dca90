//! Any scaling of a pool that goes together with the rest of it.

mod driver;
mod rules;

use std::time::Duration;

use portreeve_model::plan::{
    DriverPlan, FleetPlan, LeavesFirst, LifecyclePlan, Name, OnExit, PacePlan, PoolPlan, ProcessPlan,
    RegisteredBy, ScaleMode, ScalePlan,
};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{ms, policies};

/// One fleet that names itself or does not, or several. In boxes, as are its parts: such a strategy is too large for a
/// stack.
pub(super) fn plan() -> BoxedStrategy<ScalePlan> {
    let names = prop_oneof![
        Just(vec![Name::from("default")]),
        btree_set("[a-zA-Z0-9._-]{1,64}", 1..=3)
            .prop_map(|names| names.into_iter().map(Name::from).collect())
            .prop_shuffle(),
    ];
    let mode = select(vec![ScaleMode::On, ScaleMode::Observe]);
    let every = prop_oneof![Just(Duration::from_secs(10)), ms(100, 3_600_000)];
    (names, vec(fleet(), 3), mode, every)
        .prop_map(|(names, fleets, mode, every)| {
            let named = |(name, fleet): (Name, FleetPlan)| FleetPlan { name, ..fleet };
            ScalePlan {
                mode,
                every,
                fleets: names.into_iter().zip(fleets).map(named).collect(),
            }
        })
        .boxed()
}

/// Whatever contradicts the rest of the pool gives way to it.
pub(super) fn made_sound(pool: &mut PoolPlan) {
    let least = pool.probe.as_ref().map_or(Duration::ZERO, |probe| probe.timeout);
    let Some(scale) = &mut pool.scale else { return };
    pool.members.get_or_insert_default();
    for fleet in &mut scale.fleets {
        let lifecycle = &mut fleet.lifecycle;
        lifecycle.start_timeout = lifecycle.start_timeout.max(least);
        if let DriverPlan::Exec(exec) = &mut fleet.driver {
            exec.timeout = exec.timeout.min(lifecycle.start_timeout);
        }
    }
}

/// Without fleets whose backends register themselves: nobody can.
pub(super) fn made_by_us(scale: &mut ScalePlan) {
    for fleet in &mut scale.fleets {
        fleet.lifecycle.registered_by = RegisteredBy::Scaler;
        if let DriverPlan::Ec2(_) = fleet.driver {
            fleet.driver = DriverPlan::Process(ProcessPlan {
                command: vec!["./api".to_owned()],
                env: Vec::new(),
                folder: None,
                ports: None,
                host: [10, 0, 0, 1].into(),
            });
        }
    }
}

fn fleet() -> BoxedStrategy<FleetPlan> {
    let sizes = prop_oneof![Just((1, 10)), Just((0, 10)), (0..=10_000_u32, 1..=10_000_u32)];
    let sizes = sizes.prop_map(|(one, other)| (one.min(other), one.max(other)));
    sizes
        .prop_flat_map(|(min, max)| {
            let paces = (pace(Duration::ZERO), pace(Duration::from_secs(300)));
            let rest = (
                policies::policies(3),
                prop_oneof![Just(10), 0..=100_u8],
                option::of(ms(100, 604_800_000)),
            );
            (driver::driver(max), rules::rules(max), paces, lifecycle(), rest).prop_map(
                move |(driver, rules, (up, down), lifecycle, (policies, tolerance_percent, idle))| {
                    let plain = FleetPlan::new(Name::from(""), driver);
                    FleetPlan {
                        policies,
                        min,
                        max,
                        rules,
                        up,
                        down,
                        tolerance_percent,
                        idle: if min == 0 { idle } else { plain.idle },
                        lifecycle: fitting(
                            lifecycle.unwrap_or_else(|| plain.lifecycle.clone()),
                            &plain.driver,
                        ),
                        ..plain
                    }
                },
            )
        })
        .boxed()
}

fn fitting(mut plan: LifecyclePlan, driver: &DriverPlan) -> LifecyclePlan {
    plan.keeps_port &= matches!(driver, DriverPlan::Process(_));
    if matches!(driver, DriverPlan::Ec2(_)) {
        plan.registered_by = RegisteredBy::Backend;
    }
    plan
}

fn pace(stabilisation: Duration) -> impl Strategy<Value = PacePlan> {
    let times = (ms(0, 86_400_000), ms(0, 86_400_000), option::of(1..=10_000_u32));
    let plan = times.prop_map(|(stabilisation, cool_down, steps_max)| PacePlan {
        stabilisation,
        cool_down,
        steps_max,
    });
    prop_oneof![Just(PacePlan::after(stabilisation)), plan]
}

fn lifecycle() -> BoxedStrategy<Option<LifecyclePlan>> {
    let times = (
        ms(100, 3_600_000),
        ms(0, 3_600_000),
        ms(0, 86_400_000),
        ms(100, 3_600_000),
    );
    let words = (
        select(vec![
            LeavesFirst::LeastLoaded,
            LeavesFirst::Newest,
            LeavesFirst::Oldest,
        ]),
        select(vec![OnExit::Stop, OnExit::Keep]),
        select(vec![RegisteredBy::Scaler, RegisteredBy::Backend]),
    );
    let plan = (times, words, any::<bool>()).prop_map(|(times, words, keeps_port)| LifecyclePlan {
        start_timeout: times.0,
        replace_after: times.1,
        drain_timeout: times.2,
        stop_timeout: times.3,
        leaves_first: words.0,
        keeps_port,
        on_exit: words.1,
        registered_by: words.2,
    });
    option::of(plan).boxed()
}
