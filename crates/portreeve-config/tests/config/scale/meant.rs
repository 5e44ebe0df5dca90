use std::time::Duration;

use portreeve_model::plan::{
    DriverPlan, FailMode, FleetPlan, MembersPlan, Name, ProcessPlan, RulePlan, ScaleMode,
};

use super::{fleet, fleets, scaled};

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn process() -> ProcessPlan {
    ProcessPlan {
        command: vec!["./api".to_owned(), "{port}".to_owned()],
        env: Vec::new(),
        folder: None,
        ports: None,
        host: [127, 0, 0, 1].into(),
    }
}

#[test]
fn a_fleet_that_says_only_what_starts_it_is_as_the_plan_has_it() {
    let pool = scaled("");
    let scale = pool.scale.clone().unwrap();
    assert_eq!((scale.mode, scale.every), (ScaleMode::On, s(10)));
    let plain = FleetPlan::new(Name::from("default"), DriverPlan::Process(process()));
    assert_eq!(fleets(&pool), [plain]);
}

#[test]
fn a_pool_that_scales_can_be_joined_and_holds_requests() {
    let pool = scaled("");
    assert_eq!(pool.members, Some(MembersPlan::default()));
    assert_eq!(pool.fail_mode, FailMode::Hold);
    assert_eq!(pool.hold.timeout, s(30));
}

#[test]
fn the_classical_rule_is_read() {
    let fleet = fleet("max = 10\nsteps = { requests = 20 }");
    let steps = RulePlan::Steps {
        requests: 20,
        within: s(120),
        start: 1,
        max: 10,
    };
    assert_eq!(fleet.rules, [steps]);
}

#[test]
fn targets_are_rules_in_the_order_of_the_plan() {
    let rules = fleet(
        "target = { load = \"70%\", p95 = \"250ms\", requests_per_backend = 100, in_flight_per_backend = 20 }",
    )
    .rules;
    let expected = [
        RulePlan::InFlight { per_backend: 20 },
        RulePlan::Requests {
            per_backend: 100,
            within: s(60),
        },
        RulePlan::Latency {
            p95: Duration::from_millis(250),
        },
        RulePlan::Load { percent: 70 },
    ];
    assert_eq!(rules, expected);
}
