use std::time::Duration;

use portreeve_model::plan::{
    DeadlinePlan, HashKey, MirrorPlan, Name, PriorityPlan, RateKey, RatePlan, RoutePlan, SplitPlan,
};

use super::route;

fn rate(per: RateKey, requests: u32, ms: u64, burst: u32) -> RatePlan {
    RatePlan {
        per,
        requests,
        every: Duration::from_millis(ms),
        burst,
    }
}

#[test]
fn a_route_that_says_nothing_is_as_the_plan_has_it() {
    assert_eq!(route(""), RoutePlan::all(Name::from("shop"), Name::from("api")));
}

#[test]
fn a_deadline_is_a_time_and_a_header() {
    let plan = route("timeout = \"10s\"\ndeadline_header = \"Grpc-Timeout\"").deadline;
    let expected = DeadlinePlan {
        timeout: Some(Duration::from_secs(10)),
        header: Some("grpc-timeout".to_owned()),
    };
    assert_eq!(plan, expected);
    assert_eq!(route("timeout = \"off\"").deadline, DeadlinePlan::default());
}

#[test]
fn a_rate_is_a_table_or_a_list_of_them() {
    assert_eq!(
        route("rate = { requests = 100 }").rates,
        [rate(RateKey::Route, 100, 1_000, 100)]
    );
    let rates = route(
        "rate = [{ requests = 100, every = \"100ms\", per = \"client\", burst = 7 }, { requests = 5, per = \"header:X-Key\" }]",
    )
    .rates;
    let expected = [
        rate(RateKey::Client, 100, 100, 7),
        rate(RateKey::Header("x-key".to_owned()), 5, 1_000, 5),
    ];
    assert_eq!(rates, expected);
    let tables = "[[route.shop.rate]]\nrequests = 10\n[[route.shop.rate]]\nrequests = 100\nevery = \"1m\"";
    let expected = [
        rate(RateKey::Route, 10, 1_000, 10),
        rate(RateKey::Route, 100, 60_000, 100),
    ];
    assert_eq!(
        route(tables).rates,
        expected,
        "a burst and a flow bound each other"
    );
}

#[test]
fn a_priority_is_a_height_or_a_header() {
    assert_eq!(route("priority = 0").priority, PriorityPlan::Fixed(0));
    assert_eq!(route("priority = 7").priority, PriorityPlan::Fixed(7));
    assert_eq!(route("priority = 3").priority, PriorityPlan::Middle);
    assert_eq!(
        route("priority = \"header:Priority\"").priority,
        PriorityPlan::Header("priority".to_owned())
    );
}

#[test]
fn a_split_names_pools_and_their_shares() {
    let plan = route("split = { canary = \"0.5%\" }\nsplit_by = \"cookie:sid\"").split;
    let expected = SplitPlan {
        arms: vec![(Name::from("canary"), 5)],
        key: Some(HashKey::Cookie("sid".to_owned())),
    };
    assert_eq!(plan, Some(expected));
    let whole = route("split = { canary = \"100%\" }").split.unwrap();
    assert_eq!(whole.arms, [(Name::from("canary"), 1_000)]);
}

#[test]
fn a_mirror_is_a_pool_or_a_share_for_one() {
    let mirror = |share| MirrorPlan {
        pool: Name::from("canary"),
        share,
    };
    assert_eq!(route("mirror = \"canary\"").mirror, Some(mirror(1_000)));
    assert_eq!(
        route("mirror = { pool = \"canary\", share = \"10%\" }").mirror,
        Some(mirror(100))
    );
}
