//! Who has no room, and who is the last resort.

use std::time::Duration;

use super::*;
use crate::ejection::EjectedBy;
use crate::plan::{EjectionPlan, FailMode, InFlightPlan, PoolPlan, StickyPlan};
use crate::why::Why;

fn at(ms: u64) -> Tick {
    Tick::after_start(Duration::from_millis(ms))
}

fn eject(backend: &Backend) {
    assert!(backend.eject(EjectedBy::Latency, &EjectionPlan::default(), at(0)));
}

fn built(plan: &PoolPlan, backends: &[Arc<Backend>]) -> Arc<Group> {
    let manner = Arc::new(Manner::of(plan, None));
    Group::build(eu(), backends.to_vec(), &rules(&manner), None)
}

fn plan(balance: BalancePlan) -> PoolPlan {
    pool_plan("pool", balance, &[])
}

fn ask_at(tried: &Tried, now: Tick) -> Ask<'_> {
    Ask { now, ..ask(tried) }
}

#[test]
fn no_more_leases_are_given_than_the_limit_and_then_it_is_full() {
    for balance in all_plans() {
        let backends = three();
        backends
            .iter()
            .for_each(|backend| backend.set_limit(InFlightPlan::AtMost(5)));
        let group = built(&plan(balance.clone()), &backends);
        let tried = Tried::default();
        let leases: Vec<_> = dice(40)
            .filter_map(|dice| group.pick(&Ask { dice, ..ask(&tried) }).ok())
            .collect();
        assert_eq!(leases.len(), 15, "{balance:?}");
        assert_eq!(group.pick(&ask(&tried)).unwrap_err(), NotPicked::Full);
        drop(leases);
        assert!(group.pick(&ask(&tried)).is_ok());
        let total: u64 = backends
            .iter()
            .map(|backend| backend.vitals.requests_total())
            .sum();
        assert_eq!(total, 16, "{balance:?}: who is refused is no request");
    }
}

/// Threads that race for one place see it now taken, now free: there is somebody all the while, whom to wait for helps.
#[test]
fn who_loses_a_race_for_the_last_place_is_told_to_wait() {
    let backends = [upholding("a", &eu())];
    backends[0].set_limit(InFlightPlan::AtMost(1));
    let group = built(&plan(BalancePlan::LeastRequests), &backends);
    in_threads(4, |_| {
        let tried = Tried::default();
        for dice in dice(20_000) {
            let picked = group.pick(&Ask { dice, ..ask(&tried) });
            assert!(!matches!(picked, Err(NotPicked::Nobody)));
        }
    });
}

#[test]
fn full_is_said_only_if_waiting_could_help() {
    let backends = three();
    let group = built(&plan(BalancePlan::RoundRobin), &backends);
    backends[0].set_limit(InFlightPlan::AtMost(1));
    let _held = Lease::take(&backends[0], at(0));
    backends[1].stand(Standing::Down);
    eject(&backends[2]);
    let tried = Tried::default();
    assert_eq!(group.pick(&ask(&tried)).unwrap_err(), NotPicked::Full);
    backends[0].stand(Standing::Draining);
    assert_eq!(group.pick(&ask(&tried)).unwrap_err(), NotPicked::Nobody);
}

#[test]
fn the_second_in_the_file_serves_what_the_first_has_no_room_for() {
    let backends = three();
    let group = built(&plan(BalancePlan::First), &backends);
    backends
        .iter()
        .for_each(|backend| backend.set_limit(InFlightPlan::AtMost(2)));
    let tried = Tried::default();
    let leases: Vec<_> = dice(5)
        .map(|dice| group.pick(&Ask { dice, ..ask(&tried) }).unwrap())
        .collect();
    let served: String = leases.iter().map(|lease| &*lease.backend().label).collect();
    assert_eq!(served, "aabbc");
}

#[test]
fn who_is_ejected_gets_one_request_when_its_time_is_over_and_that_one_is_its_trial() {
    for balance in all_plans() {
        let backends = three();
        let group = built(&plan(balance.clone()), &backends[..1]);
        eject(&backends[0]);
        let tried = Tried::default();
        assert_eq!(
            group.pick(&ask_at(&tried, at(4_999))).unwrap_err(),
            NotPicked::Nobody
        );
        let trial = group.pick(&ask_at(&tried, at(5_000))).unwrap();
        assert_eq!(trial.why(), Why::Trial, "{balance:?}");
        assert!(group.pick(&ask_at(&tried, at(5_001))).is_err());
    }
}

#[test]
fn the_others_share_what_an_ejected_one_does_not_get() {
    for balance in all_plans() {
        let backends = three();
        let group = built(&plan(balance.clone()), &backends);
        eject(&backends[1]);
        let counts = counts(&group, &backends, at(1), 3_000);
        assert_eq!((counts[1], counts[0] + counts[2]), (0, 3_000), "{balance:?}");
        if balance != BalancePlan::First && !matches!(balance, BalancePlan::Hash(_)) {
            assert!(counts[0].abs_diff(counts[2]) < 200, "{balance:?}: {counts:?}");
        }
    }
}

#[test]
fn who_wants_to_be_left_alone_is_asked_only_if_nobody_else_is_free() {
    let backends = three();
    let group = built(&plan(BalancePlan::RoundRobin), &backends);
    backends[0].pass_over(at(1_000));
    let counted = counts(&group, &backends, at(1), 300);
    assert_eq!(counted[0], 0);
    eject(&backends[1]);
    backends[2].set_limit(InFlightPlan::AtMost(1));
    let _held = Lease::take(&backends[2], at(0));
    assert_eq!(counts(&group, &backends, at(1), 300), [300, 0, 0]);
}

#[test]
fn by_default_nobody_serves_where_nobody_is_healthy() {
    for fail_mode in [FailMode::Refuse, FailMode::Hold] {
        let backends = three();
        let plan = PoolPlan {
            fail_mode,
            ..plan(BalancePlan::RoundRobin)
        };
        let group = built(&plan, &backends);
        eject(&backends[0]);
        backends[1].stand(Standing::Down);
        backends[2].stand(Standing::Down);
        let tried = Tried::default();
        assert_eq!(group.pick(&ask(&tried)).unwrap_err(), NotPicked::Nobody);
    }
}

#[test]
fn use_all_asks_the_ejected_then_those_who_are_down_and_nobody_else_ever() {
    let plan = PoolPlan {
        fail_mode: FailMode::UseAll,
        ..plan(BalancePlan::RoundRobin)
    };
    let mut backends: Vec<_> = ["a", "b", "c", "d", "e", "f"]
        .map(|label| upholding(label, &eu()))
        .into();
    // Known to be down before the group is made, and found out later.
    backends[1].stand(Standing::Down);
    let group = built(&plan, &backends);
    backends[2].stand(Standing::Down);
    backends[3].stand(Standing::Draining);
    backends[4].stand(Standing::Gone);
    backends[5].stand(Standing::Unproved);
    eject(&backends[0]);
    assert_eq!(counts(&group, &backends, at(1), 100), [100, 0, 0, 0, 0, 0]);
    let tried = tried([&backends[0]]);
    let lease = group.pick(&ask(&tried)).unwrap();
    assert_eq!(lease.why(), Why::UseAll);
    assert!(lease.may_serve(&eu()));
    backends.remove(0).stand(Standing::Draining);
    let counts = counts(&group, &backends, at(1), 1_000);
    assert_eq!(counts[2..], [0, 0, 0]);
    assert_eq!(counts[0] + counts[1], 1_000);
    assert!(counts[0].abs_diff(counts[1]) < 150, "{counts:?}");
}

#[test]
fn use_all_asks_nobody_unhealthy_while_somebody_is_full_or_free() {
    let plan = PoolPlan {
        fail_mode: FailMode::UseAll,
        ..plan(BalancePlan::RoundRobin)
    };
    let backends = three();
    let group = built(&plan, &backends);
    backends[0].stand(Standing::Down);
    eject(&backends[1]);
    assert_eq!(counts(&group, &backends, at(1), 50), [0, 0, 50]);
    backends[2].set_limit(InFlightPlan::AtMost(1));
    let _held = Lease::take(&backends[2], at(0));
    let tried = Tried::default();
    assert_eq!(group.pick(&ask(&tried)).unwrap_err(), NotPicked::Full);
}

#[test]
fn a_lease_for_want_of_anybody_healthy_ends_when_its_backend_drains() {
    let plan = PoolPlan {
        fail_mode: FailMode::UseAll,
        ..plan(BalancePlan::RoundRobin)
    };
    let backends = three();
    let group = built(&plan, &backends[..1]);
    backends[0].stand(Standing::Down);
    let lease = group.pick(&ask(&Tried::default())).unwrap();
    assert!(lease.may_serve(&eu()));
    let other = Policies::from_iter([Policy::new("us").unwrap()]);
    assert!(!lease.may_serve(&other));
    backends[0].stand(Standing::Draining);
    assert!(!lease.may_serve(&eu()));
}

#[test]
fn a_share_rises_from_a_tenth() {
    for balance in [
        BalancePlan::RoundRobin,
        BalancePlan::Random,
        BalancePlan::LeastRequests,
        BalancePlan::TwoChoices,
        BalancePlan::PeakEwma,
        BalancePlan::Prequal,
        BalancePlan::ReportedLoad,
    ] {
        let backends = three();
        let plan = PoolPlan {
            slow_start: Duration::from_secs(10),
            ..plan(balance.clone())
        };
        let group = built(&plan, &backends);
        let warm = |backend: &Arc<Backend>| backend.warmth(at(0), plan.slow_start);
        backends[..2].iter().map(warm).for_each(drop);
        let share = |ms: u64| {
            let counts = counts(&group, &backends, at(ms), 6_000);
            counts[2] as f64 / (counts[0] + counts[1]) as f64 * 2.0
        };
        let (first, middle, last) = (share(10_001), share(15_001), share(20_001));
        assert!((0.05..0.16).contains(&first), "{balance:?}: {first}");
        assert!((0.40..0.65).contains(&middle), "{balance:?}: {middle}");
        assert!((0.90..1.10).contains(&last), "{balance:?}: {last}");
    }
}

#[test]
fn a_pool_in_which_all_start_slowly_serves_all_the_same() {
    let backends = three();
    let plan = PoolPlan {
        slow_start: Duration::from_secs(10),
        ..plan(BalancePlan::RoundRobin)
    };
    let counts = counts(&built(&plan, &backends), &backends, at(1), 3_000);
    assert_eq!(counts.iter().sum::<usize>(), 3_000);
    assert!(
        counts.iter().all(|count| count.abs_diff(1_000) < 150),
        "{counts:?}"
    );
}

#[test]
fn a_sticky_client_stays_until_its_backend_may_not_serve_or_is_full() {
    let backends = three();
    let plan = PoolPlan {
        sticky: Some(StickyPlan {
            cookie: "portreeve".to_owned(),
            max_age: None,
            is_secure: false,
        }),
        ..plan(BalancePlan::RoundRobin)
    };
    let group = built(&plan, &backends);
    let none = Tried::default();
    let pick = |tried: &Tried| {
        let sticky = Some(backends[1].sticky_key());
        let lease = group.pick(&Ask { sticky, ..ask(tried) }).unwrap();
        (lease.backend().label.to_string(), lease.why())
    };
    let stays = ("b".to_owned(), Why::Sticky);
    for _ in 0..5 {
        assert_eq!(pick(&none), stays);
    }
    assert_ne!(pick(&tried([&backends[1]])).0, "b");
    backends[1].pass_over(at(1_000));
    assert_eq!(pick(&none), stays, "what it wants is there");
    backends[1].set_limit(InFlightPlan::AtMost(1));
    let held = Lease::take(&backends[1], at(0));
    assert_ne!(pick(&none).0, "b");
    drop(held);
    assert_eq!(pick(&none), stays);
    backends[1].stand(Standing::Draining);
    assert_ne!(pick(&none).0, "b");
}

#[test]
fn an_unknown_sticky_key_is_as_none() {
    let group = group(&three(), None);
    let tried = Tried::default();
    let lease = group
        .pick(&Ask {
            sticky: Some(7),
            ..ask(&tried)
        })
        .unwrap();
    assert_eq!((&*lease.backend().label, lease.why()), ("a", Why::Turn));
}

#[test]
fn each_way_to_balance_says_why() {
    let whys = [
        (BalancePlan::RoundRobin, Why::Turn),
        (BalancePlan::LeastRequests, Why::Load),
        (BalancePlan::Random, Why::Chance),
        (BalancePlan::TwoChoices, Why::Load),
        (BalancePlan::PeakEwma, Why::Latency),
        (BalancePlan::Prequal, Why::Latency),
        (BalancePlan::ReportedLoad, Why::Load),
        (BalancePlan::Hash(HashKey::Path), Why::Key),
        (BalancePlan::First, Why::First),
    ];
    for (balance, why) in whys {
        let group = built(&plan(balance), &three());
        let tried = Tried::default();
        assert_eq!(
            group
                .pick(&Ask {
                    key: 9,
                    ..ask(&tried)
                })
                .unwrap()
                .why(),
            why
        );
    }
}
