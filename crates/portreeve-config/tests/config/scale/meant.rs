use std::time::Duration;

use portreeve_model::plan::{
    DriverPlan, FailMode, FleetPlan, LeavesFirst, LifecyclePlan, MembersPlan, Name, OnExit, PacePlan,
    ProcessPlan, RegisteredBy, RulePlan, ScaleMode, SchedulePlan,
};
use portreeve_model::{Policies, Policy};

use super::{fleet, fleets, scaled};

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn policies(names: &[&str]) -> Policies {
    names.iter().map(|name| Policy::new(name).unwrap()).collect()
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

#[test]
fn every_key_of_a_fleet_is_read() {
    let read = fleet(
        "min = 0\nmax = 7\ntolerance = \"0%\"\nidle = \"off\"\nup = { stabilisation = \"30s\", cool_down = \"5s\", steps_max = 4 }\n\
         start_timeout = \"5s\"\nreplace_after = \"0s\"\ndrain_timeout = \"1m\"\nstop_timeout = \"3s\"\nleaves_first = \"oldest\"\n\
         keep_port = true\non_exit = \"keep\"\npolicies = [\"eu\"]\n[pool.api.scale.down]\nsteps_max = 1",
    );
    let plain = FleetPlan::new(Name::from("default"), DriverPlan::Process(process()));
    let expected = FleetPlan {
        min: 0,
        max: 7,
        tolerance_percent: 0,
        idle: None,
        up: PacePlan {
            stabilisation: s(30),
            cool_down: s(5),
            steps_max: Some(4),
        },
        down: PacePlan {
            steps_max: Some(1),
            ..PacePlan::after(s(300))
        },
        lifecycle: LifecyclePlan {
            start_timeout: s(5),
            replace_after: Duration::ZERO,
            drain_timeout: s(60),
            stop_timeout: s(3),
            leaves_first: LeavesFirst::Oldest,
            keeps_port: true,
            on_exit: OnExit::Keep,
            registered_by: RegisteredBy::Scaler,
        },
        policies: policies(&["eu"]),
        ..plain
    };
    assert_eq!(read, expected);
}

#[test]
fn hours_are_read_as_a_clock_shows_them() {
    let rules = fleet(
        "schedule = [{ days = [\"mon-fri\", \"sun\"], from = \"08:00\", to = \"18:30\", utc_offset = \"-05:30\", min = 4 }, { min = 2 }]",
    )
    .rules;
    let first = SchedulePlan {
        days: [true, true, true, true, true, false, true],
        from: 480,
        to: 1_110,
        utc_offset: -330,
        min: 4,
    };
    let second = SchedulePlan {
        days: [true; 7],
        from: 0,
        to: 1_440,
        utc_offset: 0,
        min: 2,
    };
    assert_eq!(rules, [RulePlan::Schedule(first), RulePlan::Schedule(second)]);
}

#[test]
fn what_a_pool_says_of_itself_goes_before_what_follows_from_scaling() {
    let pool = scaled(
        "[pool.api]\nfail_mode = \"refuse\"\nregister = { ttl = \"5s\" }\nhold = { timeout = \"2s\" }",
    );
    assert_eq!(pool.fail_mode, FailMode::Refuse);
    assert_eq!(pool.members.unwrap().ttl, s(5));
    assert_eq!(pool.hold.timeout, s(2));
}

#[test]
fn a_request_is_held_no_longer_than_all_may_take() {
    let limits =
        "[pool.api.limits]\ntotal_timeout = \"9s\"\nfirst_byte_timeout = \"9s\"\nidle_timeout = \"9s\"";
    assert_eq!(scaled(limits).hold.timeout, s(9));
}

#[test]
fn times_of_a_fleet_follow_the_probe() {
    let times = |probe: &str| {
        let lifecycle = fleet(&format!("[pool.api]\nprobe = {probe}")).lifecycle;
        (lifecycle.start_timeout, lifecycle.replace_after)
    };
    assert_eq!(times("\"/healthz\""), (s(60), s(2)));
    assert_eq!(times("{ path = \"/\", every = \"5s\" }"), (s(60), s(5)));
    assert_eq!(
        times("{ path = \"/\", every = \"5m\", timeout = \"2m\" }"),
        (s(120), s(300))
    );
}

#[test]
fn a_pool_that_scales_may_name_backends_and_policies_too() {
    let pool = scaled("policies = \"eu\"\n[pool.api]\nbackends = \"a:1\"\npolicies = \"hipaa\"");
    assert_eq!(pool.targets[0].policies, policies(&["hipaa"]));
    assert_eq!(fleets(&pool)[0].policies, policies(&["eu", "hipaa"]));
    let alone = scaled("[pool.api]\npolicies = \"hipaa\"");
    assert_eq!(fleets(&alone)[0].policies, policies(&["hipaa"]));
}

#[test]
fn a_fleet_inherits_what_it_does_not_say() {
    let pool = scaled(
        "policies = \"eu\"\nmin = 2\nidle = \"1m\"\ntarget = { cpu = \"50%\", load = \"50%\" }\nsteps = { requests = 9 }\n\
         up = { steps_max = 2, cool_down = \"9s\" }\n\
         [pool.api.scale.fleet.eu]\n[pool.api.scale.fleet.us]\npolicies = \"us\"\nmin = 0\nmax = 5\n\
         target = { load = \"90%\" }\nup = { steps_max = 3 }\ndriver = { process = [\"./us\", \"{port}\"] }",
    );
    let [eu, us] = fleets(&pool) else {
        panic!("two fleets")
    };
    assert_eq!((eu.name.as_ref(), us.name.as_ref()), ("eu", "us"));
    assert_eq!((eu.min, eu.max, us.min, us.max), (2, 10, 0, 5));
    assert_eq!(
        (eu.policies.clone(), us.policies.clone()),
        (policies(&["eu"]), policies(&["us"]))
    );
    assert_eq!(eu.driver, DriverPlan::Process(process()));
    assert_ne!(us.driver, eu.driver);
    assert_eq!(
        (eu.idle, us.idle),
        (Some(s(300)), Some(s(60))),
        "the first never sleeps"
    );
    assert_eq!((eu.up.steps_max, us.up.steps_max), (Some(2), Some(3)));
    assert_eq!(us.up.cool_down, Duration::ZERO, "a table stands as a whole");
    assert_eq!(eu.rules.len(), 3);
    let steps = |max| RulePlan::Steps {
        requests: 9,
        within: s(120),
        start: 1,
        max,
    };
    assert_eq!(us.rules, [RulePlan::Load { percent: 90 }, steps(5)]);
    assert_eq!(eu.rules[2], steps(10));
}

#[test]
fn a_policy_that_a_fleet_upholds_is_served() {
    let file = |policy: &str| {
        format!(
            "[route.shop]\npool = \"api\"\npolicy = \"{policy}\"\n{}",
            super::scaled_file("policies = \"eu\"")
        )
    };
    crate::sound(&file("eu"));
    let told = crate::fault(&file("us")).to_string();
    assert!(
        told.contains("found us; allowed what a backend of pool api upholds"),
        "{told}"
    );
}

#[test]
fn what_fleets_share_is_printed_so_that_it_stays_with_whom_it_is_of() {
    let source =
        super::scaled_file("policies = \"eu\"\n[pool.api]\nbackends = \"a:1\"\npolicies = \"hipaa\"");
    let config = crate::sound(&source);
    let printed = portreeve_config::print(&config);
    assert!(
        printed.contains("backends = [\"a:1\"]\npolicies = \"hipaa\""),
        "{printed}"
    );
    assert!(
        printed.contains("[pool.api.scale]\npolicies = \"eu\""),
        "{printed}"
    );
    assert_eq!(portreeve_config::parse(&printed), Ok(config));
}
