use super::*;
use crate::cause::Cause;
use crate::plan::{BalancePlan, HashKey, MirrorPlan, Plan, PolicySource, RateKey, RatePlan, SplitPlan};
use crate::policy::{Policies, Policy};
use crate::resolved::Resolved;
use crate::samples::{Request, dice, plan, pool_plan, route_plan};
use crate::snapshot::Snapshot;
use crate::tick::Tick;

/// Pools `pool`, `canary` and `shadow`, two backends each, and one route to the first.
fn with(change: impl FnOnce(&mut RoutePlan)) -> Plan {
    let mut route = route_plan("all");
    change(&mut route);
    let mut plan = plan(vec![route]);
    let others = ["canary", "shadow"].map(|name| pool_plan(name, BalancePlan::RoundRobin, &[1, 1]));
    plan.pools.extend(others);
    plan
}

fn split(route: &mut RoutePlan) {
    route.split = Some(SplitPlan {
        arms: vec![("canary".into(), 100)],
        key: Some(HashKey::Header("x-user".into())),
    });
}

fn mirror(route: &mut RoutePlan) {
    route.mirror = Some(MirrorPlan {
        pool: "shadow".into(),
        share: 250,
    });
}

fn build(plan: &Plan, previous: Option<&Snapshot>) -> Snapshot {
    Snapshot::build(plan, &Resolved::new(), previous, 1)
}

fn route(change: impl FnOnce(&mut RoutePlan)) -> Arc<Route> {
    Arc::clone(&build(&with(change), None).routes[0])
}

fn get() -> Request {
    Request::get("", "/")
}

#[test]
fn a_route_without_a_split_has_one_pool() {
    let route = route(|_| ());
    let own = |throw| Arc::ptr_eq(route.pool_for(&get(), throw), &route.pool);
    assert!(dice(100).all(own));
    assert!(dice(100).all(|throw| route.mirrors(throw).is_none()));
}

#[test]
fn a_split_sends_its_share_to_the_very_pools_of_the_snapshot() {
    let snapshot = build(&with(split), None);
    let (route, canary) = (&snapshot.routes[0], snapshot.pool("canary").unwrap());
    let sent = dice(10_000).filter(|throw| Arc::ptr_eq(route.pool_for(&get(), *throw), canary));
    assert!(sent.count().abs_diff(1_000) < 100);
}

#[test]
fn a_split_into_a_pool_that_is_not_there_meets_nobody() {
    let mut plan = with(split);
    plan.pools.truncate(1);
    let route = Arc::clone(&build(&plan, None).routes[0]);
    let pools = dice(100).map(|throw| Arc::clone(route.pool_for(&get(), throw)));
    let missing = pools.into_iter().find(|pool| *pool.name == *"canary").unwrap();
    assert_eq!(missing.everyone().candidates(), 0);
}

#[test]
fn a_mirror_gets_copies_of_its_share() {
    let route = route(mirror);
    let copies = dice(10_000).filter_map(|throw| route.mirrors(throw));
    assert!(
        copies
            .map(|pool| assert_eq!(&*pool.name, "shadow"))
            .count()
            .abs_diff(2_500)
            < 150
    );
}

#[test]
fn what_is_demanded_is_demanded_in_whichever_pool() {
    let policy = || Policy::new("eu").unwrap();
    let mut plan = with(|route| {
        split(route);
        mirror(route);
        route.demands = vec![DemandPlan {
            accepts: Policies::from_iter([policy()]),
            from: PolicySource::Header("policy".into()),
            otherwise: Policies::none(),
            is_optional: false,
        }];
    });
    for pool in &mut plan.pools {
        pool.targets[0].policies = Policies::from_iter([policy()]);
    }
    plan.pools[2].targets[0].policies = Policies::none();
    let snapshot = build(&plan, None);
    let asked = get().with("policy", "eu");
    let group = |pool: &str| {
        let demanded = snapshot.routes[0].demanded(snapshot.pool(pool).unwrap(), &asked);
        demanded.unwrap().candidates()
    };
    assert_eq!([group("pool"), group("canary")], [1, 1]);
    assert_eq!(
        group("shadow"),
        0,
        "the policy is known, and nobody there upholds it"
    );
    let canary = snapshot.pool("canary").unwrap();
    let unmet = snapshot.routes[0].demanded(canary, &get()).unwrap_err();
    assert_eq!(unmet.cause, Cause::PolicyMissing);
    assert_eq!(
        canary.everyone().candidates(),
        0,
        "nothing comes here that demands nothing"
    );
}

#[test]
fn the_shorter_of_what_route_and_client_say_is_allowed() {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let both = route(|route| {
        route.deadline = DeadlinePlan {
            timeout: seconds(5),
            header: Some("x-timeout".into()),
        };
    });
    assert_eq!(both.time_allowed(&get()), seconds(5));
    assert_eq!(both.time_allowed(&get().with("x-timeout", "2000")), seconds(2));
    assert_eq!(both.time_allowed(&get().with("x-timeout", "1M")), seconds(5));
    assert_eq!(both.time_allowed(&get().with("x-timeout", "soon")), seconds(5));
    let neither = route(|_| ());
    assert_eq!(neither.time_allowed(&get().with("x-timeout", "2000")), None);
}

#[test]
fn requests_are_held_by_what_their_route_says_of_their_priority() {
    let route = route(|route| route.priority = PriorityPlan::Header("priority".into()));
    assert_eq!(route.priority(&get().with("priority", "u=1, i")), 1);
    assert_eq!(route.priority(&get()), 3);
}

#[test]
fn limits_live_on_only_as_long_as_the_plan_says_the_same_of_them() {
    let limit = RatePlan {
        per: RateKey::Route,
        requests: 1,
        every: Duration::from_secs(60),
        burst: 1,
    };
    let limited = with(|route| route.rates = vec![limit.clone()]);
    let first = build(&limited, None);
    let admits = |snapshot: &Snapshot| snapshot.routes[0].rates.admit(&get(), Tick::default()).is_ok();
    assert!(admits(&first));
    let mut same = limited.clone();
    same.routes[0].pool = "canary".into();
    let next = build(&same, Some(&first));
    assert!(!admits(&next));
    let other = with(|route| route.rates = vec![RatePlan { burst: 2, ..limit }]);
    let last = build(&other, Some(&next));
    assert!(admits(&last) && admits(&last) && !admits(&last));
}
