use std::time::Duration;

use portreeve_model::plan::{
    EjectionPlan, FailMode, HedgePlan, HoldPlan, InFlightPlan, PoolPlan, RetryPlan, StickyPlan,
};

use super::pool;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn a_pool_that_says_nothing_is_as_the_plan_has_it() {
    let plan = pool("");
    let plain = PoolPlan {
        targets: plan.targets.clone(),
        ..PoolPlan::empty(plan.name.clone())
    };
    assert_eq!(plan, plain);
}

#[test]
fn empty_sections_say_nothing() {
    assert_eq!(
        pool("[pool.api.ejection]\n[pool.api.retry]\n[pool.api.hold]"),
        pool("")
    );
}

#[test]
fn ejection_is_read_in_all_its_parts() {
    let plan = pool(
        "[pool.api.ejection]\nfailures_in_a_row = 3\nstatus = [\"500-504\", 599]\nsuccess_rate = false\n\
         latency_factor = \"off\"\ntime = \"2s\"\ntime_max = \"1h\"\nshare_max = \"34%\"",
    );
    let expected = EjectionPlan {
        failures_in_a_row: Some(3),
        statuses: vec![(500, 504), (599, 599)],
        by_success_rate: false,
        latency_factor: None,
        time: ms(2_000),
        time_max: ms(3_600_000),
        share_max_percent: 34,
    };
    assert_eq!(plan.ejection, expected);
}

#[test]
fn ejection_can_be_turned_off() {
    assert_eq!(pool("ejection = false").ejection.share_max_percent, 0);
    assert_eq!(pool("ejection = true").ejection, EjectionPlan::default());
    assert_eq!(pool("ejection = { status = [] }").ejection.statuses, []);
}

#[test]
fn the_first_ejection_is_not_longer_than_the_longest() {
    let plan = pool("[pool.api.ejection]\ntime_max = \"1s\"").ejection;
    assert_eq!((plan.time, plan.time_max), (ms(1_000), ms(1_000)));
}

#[test]
fn retries_are_read_in_all_their_parts() {
    let plan = pool(
        "[pool.api.retry]\nstatus = [429, \"502-503\"]\nmarked_by = \"Idempotency-Key\"\nbody_bytes_max = \"1MiB\"\n\
         attempt_timeout = \"2s\"\nbudget = \"5%\"\nbudget_min = 0\nretry_after_max = \"0s\"",
    );
    let expected = RetryPlan {
        statuses: vec![(429, 429), (502, 503)],
        marked_by: Some("idempotency-key".to_owned()),
        body_bytes_max: 1 << 20,
        attempt_timeout: Some(ms(2_000)),
        budget_percent: 5,
        budget_min: 0,
        retry_after_max: Duration::ZERO,
    };
    assert_eq!(plan.retry, expected);
}

#[test]
fn a_hedge_is_a_switch_or_a_table() {
    assert_eq!(pool("hedge = true").hedge, Some(HedgePlan::default()));
    assert_eq!(pool("hedge = false").hedge, None);
    let after = pool("hedge = { after = \"50ms\" }").hedge.unwrap();
    assert_eq!((after.after, after.after_min), (Some(ms(50)), ms(10)));
    let soon = pool("hedge = { after = \"2ms\" }").hedge.unwrap();
    assert_eq!((soon.after, soon.after_min), (Some(ms(2)), ms(2)));
    let least = pool("hedge = { after_min = \"1ms\" }").hedge.unwrap();
    assert_eq!((least.after, least.after_min), (None, ms(1)));
}

#[test]
fn how_many_are_in_flight_is_a_number_or_a_word() {
    assert_eq!(pool("in_flight = 32").in_flight, InFlightPlan::AtMost(32));
    assert_eq!(pool("in_flight = \"auto\"").in_flight, InFlightPlan::Adaptive);
    assert_eq!(
        pool("in_flight = \"unlimited\"").in_flight,
        InFlightPlan::Unlimited
    );
}

#[test]
fn requests_are_held_no_longer_than_all_may_take() {
    let timeout = |lines: &str| pool(lines).hold.timeout;
    assert_eq!(timeout(""), ms(30_000));
    assert_eq!(timeout("in_flight = 9"), ms(5_000));
    assert_eq!(timeout("fail_mode = \"hold\""), ms(5_000));
    assert_eq!(
        timeout(
            "[pool.api.limits]\ntotal_timeout = \"2s\"\nfirst_byte_timeout = \"1s\"\nconnect_timeout = \"1s\"\nidle_timeout = \"1s\""
        ),
        ms(2_000)
    );
    let own = pool("in_flight = 9\n[pool.api.hold]\nrequests_max = 0").hold;
    assert_eq!(own.requests_max, 0);
    let own = pool("[pool.api.hold]\nrequests_max = 7\ntimeout = \"3s\"").hold;
    let expected = HoldPlan {
        requests_max: 7,
        timeout: ms(3_000),
        ..HoldPlan::default()
    };
    assert_eq!(own, expected);
}

#[test]
fn each_fail_mode_has_its_word() {
    assert_eq!(pool("fail_mode = \"refuse\"").fail_mode, FailMode::Refuse);
    assert_eq!(pool("fail_mode = \"hold\"").fail_mode, FailMode::Hold);
    assert_eq!(pool("fail_mode = \"use-all\"").fail_mode, FailMode::UseAll);
}

#[test]
fn a_sticky_cookie_is_a_switch_a_name_or_a_table() {
    let plain = StickyPlan {
        cookie: "portreeve".to_owned(),
        max_age: None,
        is_secure: false,
    };
    assert_eq!(pool("sticky = true").sticky, Some(plain.clone()));
    assert_eq!(pool("sticky = false").sticky, None);
    let named = StickyPlan {
        cookie: "sid".to_owned(),
        ..plain
    };
    assert_eq!(pool("sticky = \"sid\"").sticky, Some(named));
    let long = pool("sticky = { cookie = \"__Host-a\", max_age = \"400d\", secure = true }").sticky;
    let expected = StickyPlan {
        cookie: "__Host-a".to_owned(),
        max_age: Some(Duration::from_secs(400 * 86_400)),
        is_secure: true,
    };
    assert_eq!(long, Some(expected));
}

#[test]
fn backends_have_zones_and_may_be_backups() {
    let config = crate::sound(
        "zone = \"eu-1\"\n[pool.api]\nbackends = [{ address = \"a:1\", zone = \"eu-2\" }, { address = \"b:1\", backup = true }]\n\
         slow_start = \"30s\"\n",
    );
    let pool = &config.plan.pools[0];
    assert_eq!(config.plan.zone.as_deref(), Some("eu-1"));
    assert_eq!(pool.targets[0].zone.as_deref(), Some("eu-2"));
    assert_eq!(
        (pool.targets[0].is_backup, pool.targets[1].is_backup),
        (false, true)
    );
    assert_eq!(pool.slow_start, ms(30_000));
}
