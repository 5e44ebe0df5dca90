mod room;
mod tiers;

use super::*;
use crate::backend::BackendId;
use crate::plan::{BalancePlan, HashKey};
use crate::policy::Policy;
use crate::samples::{ask, backend, dice, in_threads, pool_plan, tried};
use crate::tick::Tick;
use crate::tried::Tried;

fn eu() -> Policies {
    Policies::from_iter([Policy::new("eu").unwrap()])
}

fn upholding(label: &str, policies: &Policies) -> Arc<Backend> {
    let address = crate::address::BackendAddress::Unix(format!("/{label}").into());
    Arc::new(Backend::new(label.into(), address, 1, policies.clone()))
}

fn three() -> Vec<Arc<Backend>> {
    ["a", "b", "c"].map(|label| upholding(label, &eu())).into()
}

fn all_plans() -> [BalancePlan; 9] {
    [
        BalancePlan::RoundRobin,
        BalancePlan::LeastRequests,
        BalancePlan::Random,
        BalancePlan::TwoChoices,
        BalancePlan::PeakEwma,
        BalancePlan::Prequal,
        BalancePlan::ReportedLoad,
        BalancePlan::Hash(HashKey::Path),
        BalancePlan::First,
    ]
}

fn manner(balance: &BalancePlan) -> Arc<Manner> {
    Arc::new(Manner::of(&pool_plan("pool", balance.clone(), &[]), None))
}

fn rules(manner: &Arc<Manner>) -> GroupRules<'_> {
    GroupRules {
        is_joinable: false,
        manner,
        ledgers: &[],
    }
}

fn group(backends: &[Arc<Backend>], before: Option<&Arc<Group>>) -> Arc<Group> {
    Group::build(
        eu(),
        backends.to_vec(),
        &rules(&manner(&BalancePlan::RoundRobin)),
        before,
    )
}

fn pick(group: &Group) -> Option<String> {
    let lease = group.pick(&ask(&Tried::default())).ok()?;
    Some(lease.backend().label.to_string())
}

/// How often each of them was picked, where each request ends before the next begins.
fn counts(group: &Group, backends: &[Arc<Backend>], now: Tick, picks: u64) -> Vec<usize> {
    let tried = Tried::default();
    let pick = |dice| {
        let ask = Ask {
            dice,
            now,
            ..ask(&tried)
        };
        group.pick(&ask).map(|lease| lease.backend().id)
    };
    let picked: Vec<_> = dice(picks).filter_map(|dice| pick(dice).ok()).collect();
    let count = |backend: &Arc<Backend>| picked.iter().filter(|id| **id == backend.id).count();
    backends.iter().map(count).collect()
}

fn picks(group: &Group, count: usize) -> String {
    (0..count).map(|_| pick(group).unwrap()).collect()
}

#[test]
fn who_left_since_is_never_picked_and_the_others_are() {
    let backends = three();
    let group = group(&backends, None);
    for standing in [
        Standing::Down,
        Standing::Draining,
        Standing::Unproved,
        Standing::Gone,
    ] {
        backends[1].stand(standing);
        let seen = picks(&group, 30);
        assert!(!seen.contains('b'), "{standing:?}: {seen}");
        assert!(seen.contains('a') && seen.contains('c'));
    }
}

#[test]
fn nobody_is_picked_when_all_have_left_however_it_is_balanced() {
    for plan in all_plans() {
        let backends = three();
        let group = Group::build(eu(), backends.clone(), &rules(&manner(&plan)), None);
        for backend in &backends {
            backend.stand(Standing::Gone);
        }
        for dice in dice(50) {
            let tried = Tried::default();
            let ask = Ask {
                key: dice,
                dice,
                tried: &tried,
                now: crate::tick::Tick::default(),
                sticky: None,
            };
            assert!(group.pick(&ask).is_err(), "{plan:?}");
        }
        assert!(backends.iter().all(|backend| backend.in_flight() == 0));
    }
}

#[test]
fn the_one_who_is_left_is_found_however_it_is_balanced() {
    for plan in all_plans() {
        let backends = three();
        let group = Group::build(eu(), backends.clone(), &rules(&manner(&plan)), None);
        backends[0].stand(Standing::Gone);
        backends[2].stand(Standing::Draining);
        for dice in dice(50) {
            let tried = Tried::default();
            let ask = Ask {
                key: dice,
                dice,
                tried: &tried,
                now: crate::tick::Tick::default(),
                sticky: None,
            };
            let lease = group.pick(&ask).unwrap();
            assert_eq!(&*lease.backend().label, "b", "{plan:?}");
        }
    }
}

#[test]
fn who_was_tried_is_not_picked_again() {
    let backends = three();
    let group = group(&backends, None);
    let both = tried(&backends[..2]);
    for dice in dice(30) {
        let ask = Ask { dice, ..ask(&both) };
        assert_eq!(&*group.pick(&ask).unwrap().backend().label, "c");
    }
    assert!(group.pick(&ask(&tried(&backends))).is_err());
}

#[test]
fn who_was_tried_and_who_left_together_leave_nobody() {
    let backends = three();
    let group = group(&backends, None);
    backends[2].stand(Standing::Gone);
    assert!(group.pick(&ask(&tried(&backends[..2]))).is_err());
}

#[test]
fn a_pick_that_came_to_nothing_leaves_nothing_in_flight() {
    let backends = three();
    let group = group(&backends, None);
    backends[0].stand(Standing::Down);
    let lease = group.pick(&ask(&Tried::default())).unwrap();
    let in_flight: u32 = backends.iter().map(|backend| backend.in_flight()).sum();
    assert_eq!(in_flight, 1);
    drop(lease);
    assert!(backends.iter().all(|backend| backend.in_flight() == 0));
}

#[test]
fn the_very_same_group_goes_on_where_nothing_changed() {
    let backends = three();
    let first = group(&backends, None);
    let same = group(&backends, Some(&first));
    assert!(Arc::ptr_eq(&first, &same));
    let fewer = group(&backends[1..], Some(&first));
    assert!(!Arc::ptr_eq(&first, &fewer));
    let ledgered = GroupRules {
        is_joinable: false,
        manner: &manner(&BalancePlan::RoundRobin),
        ledgers: &[(Policy::new("eu").unwrap(), LedgerMode::On)],
    };
    let other = Group::build(eu(), backends.clone(), &ledgered, Some(&first));
    assert!(!Arc::ptr_eq(&first, &other));
    let random = Group::build(
        eu(),
        backends,
        &rules(&manner(&BalancePlan::Random)),
        Some(&first),
    );
    assert!(!Arc::ptr_eq(&first, &random));
}

#[test]
fn a_group_does_not_change_for_those_who_may_not_serve() {
    let backends = three();
    let first = group(&backends[..2], None);
    for standing in [Standing::Unproved, Standing::Down, Standing::Draining] {
        backends[2].stand(standing);
        assert!(
            Arc::ptr_eq(&first, &group(&backends, Some(&first))),
            "{standing:?}"
        );
    }
}

#[test]
fn turns_go_on_when_somebody_joins() {
    let backends = three();
    let two = group(&backends[..2], None);
    assert_eq!(picks(&two, 3), "aba");
    let three = group(&backends, Some(&two));
    assert_eq!(picks(&three, 6), "bcabca");
}

#[test]
fn turns_go_on_when_somebody_leaves_whose_turn_it_is_not() {
    let backends = three();
    let three = group(&backends, None);
    assert_eq!(picks(&three, 4), "abca");
    let two = group(
        &[Arc::clone(&backends[1]), Arc::clone(&backends[2])],
        Some(&three),
    );
    assert_eq!(picks(&two, 4), "bcbc");
}

#[test]
fn the_turn_of_one_who_leaves_passes_to_the_next() {
    let backends = three();
    let three = group(&backends, None);
    assert_eq!(picks(&three, 4), "abca");
    let two = group(
        &[Arc::clone(&backends[0]), Arc::clone(&backends[2])],
        Some(&three),
    );
    assert_eq!(picks(&two, 4), "caca");
}

#[test]
fn turns_go_on_at_the_one_that_took_anothers_place_under_the_same_name() {
    let backends = three();
    let before = group(&backends, None);
    assert_eq!(picks(&before, 1), "a");
    let mut replaced = backends.clone();
    replaced[1] = upholding("b", &eu());
    assert_eq!(picks(&group(&replaced, Some(&before)), 4), "bcab");
}

#[test]
fn turns_over_an_empty_group_begin_with_the_first_who_comes() {
    let backends = three();
    let first = group(&backends[..1], None);
    assert_eq!(picks(&first, 3), "aaa");
    let empty = group(&[], Some(&first));
    assert_eq!(pick(&empty), None);
    let again = group(&backends[..2], Some(&empty));
    let seen = picks(&again, 4);
    assert!(seen == "abab" || seen == "baba", "{seen}");
}

#[test]
fn both_snapshots_count_the_same_turns() {
    let backends = three();
    let old = group(&backends[..2], None);
    let ledgered = GroupRules {
        is_joinable: false,
        manner: &manner(&BalancePlan::RoundRobin),
        ledgers: &[(Policy::new("eu").unwrap(), LedgerMode::On)],
    };
    let new = Group::build(eu(), backends[..2].to_vec(), &ledgered, Some(&old));
    let seen: Vec<_> = [&old, &new, &old, &new].map(|group| pick(group).unwrap()).into();
    assert_eq!(seen, ["a", "b", "a", "b"]);
}

#[test]
fn it_is_outdated_once_somebody_is_gone_and_not_before() {
    let backends = three();
    let group = group(&backends, None);
    for standing in [Standing::Down, Standing::Draining] {
        backends[0].stand(standing);
        assert!(!group.is_outdated());
    }
    backends[0].stand(Standing::Gone);
    assert!(group.is_outdated());
}

#[test]
fn the_ledger_is_as_the_strictest_of_its_policies_wants_it() {
    let policy = |name| Policy::new(name).unwrap();
    let ledgers = [
        (policy("eu"), LedgerMode::On),
        (policy("hipaa"), LedgerMode::Required),
    ];
    let rules = GroupRules {
        is_joinable: false,
        manner: &manner(&BalancePlan::RoundRobin),
        ledgers: &ledgers,
    };
    let mode = |names: &[&'static str]| {
        let policies = names.iter().map(|name| policy(name)).collect();
        Group::build(policies, Vec::new(), &rules, None).ledger()
    };
    assert_eq!(mode(&["eu"]), LedgerMode::On);
    assert_eq!(mode(&["eu", "hipaa", "us"]), LedgerMode::Required);
    assert_eq!(mode(&["us"]), LedgerMode::Off);
    assert_eq!(mode(&[]), LedgerMode::Off);
}

#[test]
fn more_who_left_than_can_be_remembered_end_in_nobody_and_not_in_a_wrong_one() {
    let mut backends: Vec<_> = (0..Tried::MAX + 5)
        .map(|number| upholding(&number.to_string(), &eu()))
        .collect();
    backends.push(upholding("last", &eu()));
    let group = group(&backends, None);
    for backend in &backends[..Tried::MAX + 5] {
        backend.stand(Standing::Gone);
    }
    let mut found: Vec<BackendId> = Vec::new();
    for dice in dice(200) {
        let tried = Tried::default();
        let ask = Ask { dice, ..ask(&tried) };
        found.extend(group.pick(&ask).map(|lease| lease.backend().id));
    }
    assert!(found.iter().all(|id| *id == backends[Tried::MAX + 5].id));
}

#[test]
fn a_backend_without_policies_serves_who_demands_none() {
    let plain = [backend("plain", 1)];
    let everyone = Group::build(
        Policies::none(),
        plain.to_vec(),
        &rules(&manner(&BalancePlan::RoundRobin)),
        None,
    );
    assert_eq!(pick(&everyone).as_deref(), Some("plain"));
}
