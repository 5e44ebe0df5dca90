use super::*;
use crate::cause::Cause;
use crate::plan::{BalancePlan, HashKey, LedgerMode};
use crate::samples::{ask, listener_plan, named_target, plan, pool_plan, route_plan, target};
use crate::stats::RequestOutcome;
use crate::tried::Tried;

fn build(plan: &Plan, previous: Option<&Snapshot>) -> Snapshot {
    Snapshot::build(plan, &Resolved::new(), previous, 2)
}

/// One route to one pool of backends at these ports.
fn at_ports(ports: &[u16]) -> Plan {
    let mut plan = plan(vec![route_plan("all")]);
    plan.pools[0].targets = ports.iter().map(|port| target(*port, 1)).collect();
    plan
}

fn pick(snapshot: &Snapshot) -> String {
    let lease = snapshot.pools[0]
        .everyone()
        .pick(&ask(&Tried::default()))
        .unwrap();
    lease.backend().label.to_string()
}

#[test]
fn each_snapshot_has_the_next_number() {
    let first = build(&at_ports(&[1]), None);
    assert_eq!(first.sequence, 1);
    assert_eq!(build(&at_ports(&[1]), Some(&first)).sequence, 2);
}

#[test]
fn listeners_are_found_by_name() {
    let mut plan = at_ports(&[1]);
    plan.listeners.push(listener_plan("other"));
    let snapshot = build(&plan, None);
    assert_eq!(&*snapshot.listener("other").unwrap().name, "other");
    assert!(snapshot.listener("none").is_none());
}

#[test]
fn backends_that_stay_are_the_very_same() {
    let first = build(&at_ports(&[1, 2, 3]), None);
    let next = build(&at_ports(&[3, 4, 1]), Some(&first));
    let (before, after) = (&first.pools[0].backends, &next.pools[0].backends);
    assert!(Arc::ptr_eq(&after[0], &before[2]));
    assert!(Arc::ptr_eq(&after[2], &before[0]));
    assert!(before.iter().all(|backend| backend.id != after[1].id));
}

#[test]
fn a_backend_of_another_weight_or_pool_is_another() {
    let first = build(&at_ports(&[1]), None);
    let mut heavier = at_ports(&[1]);
    heavier.pools[0].targets[0].weight = 2;
    let mut renamed = at_ports(&[1]);
    renamed.pools[0].name = "renamed".into();
    for plan in [heavier, renamed] {
        let next = build(&plan, Some(&first));
        assert_ne!(next.pools[0].backends[0].id, first.pools[0].backends[0].id);
    }
}

#[test]
fn the_same_target_twice_is_two_backends_and_stays_so() {
    let first = build(&at_ports(&[1, 1]), None);
    let ids = |snapshot: &Snapshot| {
        snapshot.pools[0]
            .backends
            .iter()
            .map(|one| one.id)
            .collect::<Vec<_>>()
    };
    assert_ne!(ids(&first)[0], ids(&first)[1]);
    assert_eq!(ids(&build(&at_ports(&[1, 1]), Some(&first))), ids(&first));
}

#[test]
fn leases_outlive_their_snapshot_and_still_count() {
    let first = build(&at_ports(&[1]), None);
    let lease = first.pools[0].everyone().pick(&ask(&Tried::default())).unwrap();
    let next = build(&at_ports(&[1]), Some(&first));
    drop(first);
    assert_eq!(next.pools[0].backends[0].in_flight(), 1);
    drop(lease);
    assert_eq!(next.pools[0].backends[0].in_flight(), 0);
}

#[test]
fn the_rotation_goes_on_where_it_was() {
    let first = build(&at_ports(&[1, 2, 3]), None);
    assert_eq!([pick(&first), pick(&first)], ["10.0.0.1:1", "10.0.0.1:2"]);
    let next = build(&at_ports(&[1, 2, 3]), Some(&first));
    assert_eq!(
        [pick(&next), pick(&first), pick(&next)],
        ["10.0.0.1:3", "10.0.0.1:1", "10.0.0.1:2"]
    );
}

#[test]
fn a_change_of_backends_does_not_restart_the_rotation() {
    let mut snapshot = build(&at_ports(&[1, 2, 3]), None);
    let mut counts = std::collections::BTreeMap::<String, u32>::new();
    for round in 0..300 {
        *counts.entry(pick(&snapshot)).or_default() += 1;
        let ports: &[u16] = if round % 2 == 0 { &[1, 2, 3, 4] } else { &[1, 2, 3] };
        snapshot = build(&at_ports(ports), Some(&snapshot));
    }
    assert!(
        counts["10.0.0.1:1"] <= 110,
        "restarted each time, the first would have all: {counts:?}"
    );
}

#[test]
fn a_hash_table_is_taken_over_only_for_the_same_backends_and_key() {
    let mut plan = at_ports(&[1, 2]);
    plan.pools[0].balance = BalancePlan::Hash(HashKey::Path);
    let first = build(&plan, None);
    plan.pools[0].balance = BalancePlan::Hash(HashKey::ClientAddress);
    let other_key = build(&plan, Some(&first));
    let request = crate::samples::Request::get("", "/a");
    assert_ne!(first.pools[0].everyone().key(&request), 0);
    assert_eq!(other_key.pools[0].everyone().key(&request), 0);
    plan.pools[0].targets.remove(0);
    let one = build(&plan, Some(&other_key));
    assert_eq!(pick(&one), "10.0.0.1:2");
}

#[test]
fn limits_are_those_of_the_new_plan() {
    let first = build(&at_ports(&[1]), None);
    let mut plan = at_ports(&[1]);
    plan.pools[0].limits.attempts_max = 7;
    plan.listeners[0].limits.fields_max = 9;
    let next = build(&plan, Some(&first));
    assert_eq!(next.pools[0].limits.attempts_max, 7);
    assert_eq!(next.listeners[0].limits.fields_max, 9);
}

#[test]
fn counts_live_on_by_name() {
    let first = build(&at_ports(&[1]), None);
    first.routes[0].stats.record(
        1,
        &RequestOutcome {
            status: 200,
            ..RequestOutcome::default()
        },
    );
    first.listeners[0].stats.refused(1, Cause::ListenerFull);
    let next = build(&at_ports(&[2]), Some(&first));
    assert_eq!(next.routes[0].stats.totals().requests(), 1);
    assert!(Arc::ptr_eq(&next.listeners[0].stats, &first.listeners[0].stats));
    let mut renamed = at_ports(&[2]);
    renamed.routes[0].name = "renamed".into();
    assert_eq!(
        build(&renamed, Some(&next)).routes[0].stats.totals().requests(),
        0
    );
}

#[test]
fn more_workers_than_shards_begin_new_counts() {
    let first = build(&at_ports(&[1]), None);
    let next = Snapshot::build(&at_ports(&[1]), &Resolved::new(), Some(&first), 3);
    assert!(!Arc::ptr_eq(&next.routes[0].stats, &first.routes[0].stats));
}

#[test]
fn a_route_without_its_pool_gets_an_empty_one() {
    let mut plan = at_ports(&[1]);
    plan.routes[0].pool = "missing".into();
    let snapshot = build(&plan, None);
    assert_eq!(&*snapshot.routes[0].pool.name, "missing");
    assert!(
        snapshot.routes[0]
            .pool
            .everyone()
            .pick(&ask(&Tried::default()))
            .is_err()
    );
}

#[test]
fn routes_of_one_pool_share_it() {
    let mut plan = at_ports(&[1]);
    plan.routes.push(route_plan("more"));
    plan.pools.push(pool_plan("idle", BalancePlan::First, &[]));
    let snapshot = build(&plan, None);
    assert!(Arc::ptr_eq(&snapshot.routes[0].pool, &snapshot.routes[1].pool));
    assert_eq!(snapshot.pools.len(), 2);
}

#[test]
fn a_name_that_gains_an_address_keeps_no_backend_under_its_old_label() {
    let mut plan = at_ports(&[]);
    plan.pools[0].targets = vec![named_target("app", 80)];
    let mut resolved = Resolved::new();
    resolved.insert("app", vec![[10, 0, 0, 1].into()]);
    let first = Snapshot::build(&plan, &resolved, None, 1);
    assert_eq!(&*first.pools[0].backends[0].label, "app:80");
    resolved.insert("app", vec![[10, 0, 0, 1].into(), [10, 0, 0, 2].into()]);
    let next = Snapshot::build(&plan, &resolved, Some(&first), 1);
    let labels: Vec<_> = next.pools[0]
        .backends
        .iter()
        .map(|backend| &*backend.label)
        .collect();
    assert_eq!(labels, ["10.0.0.1:80", "10.0.0.2:80"]);
}

fn policies(names: &[&str]) -> crate::policy::Policies {
    names.iter().map(|name| Policy::new(name).unwrap()).collect()
}

/// Backends at these ports of a pool of its own, all upholding `eu`.
fn of_eu(pool: &str, ports: &[u16]) -> Plan {
    let mut plan = at_ports(ports);
    plan.pools[0].name = pool.into();
    plan.routes[0].pool = pool.into();
    for target in &mut plan.pools[0].targets {
        target.policies = policies(&["eu"]);
    }
    plan
}

#[test]
fn backends_of_a_pool_that_is_gone_serve_nobody_who_still_knows_them() {
    let first = build(&of_eu("old", &[1]), None);
    let next = build(&of_eu("new", &[1]), Some(&first));
    assert!(first.pools[0].everyone().pick(&ask(&Tried::default())).is_err());
    assert_eq!(pick(&next), "10.0.0.1:1");
}

#[test]
fn policies_that_routes_name_are_known_before_anybody_upholds_them() {
    let mut plan = at_ports(&[1]);
    let demand = |from, accepts: &[&str], otherwise: &[&str]| crate::plan::DemandPlan {
        from,
        accepts: policies(accepts),
        otherwise: policies(otherwise),
        is_optional: false,
    };
    plan.routes[0].demands = vec![
        demand(PolicySource::Fixed(policies(&["fixed"])), &[], &[]),
        demand(PolicySource::Header("policy".into()), &["accepted"], &["default"]),
    ];
    let snapshot = build(&plan, None);
    let known: Vec<_> = snapshot.pools[0].known_policies().map(Policy::as_str).collect();
    assert_eq!(known, ["accepted", "default", "fixed"]);
    for name in known {
        assert_eq!(snapshot.pools[0].upholding(name).unwrap().candidates(), 0);
    }
    assert!(snapshot.pools[0].upholding("other").is_none());
}

#[test]
fn another_mode_of_the_ledger_reaches_the_groups_at_once() {
    let mut plan = of_eu("pool", &[1]);
    let first = build(&plan, None);
    plan.policies.push(crate::plan::PolicyPlan {
        policy: Policy::new("eu").unwrap(),
        ledger: LedgerMode::Required,
    });
    let next = build(&plan, Some(&first));
    let mode = |snapshot: &Snapshot| snapshot.pools[0].upholding("eu").unwrap().ledger();
    assert_eq!(
        [mode(&first), mode(&next)],
        [LedgerMode::Off, LedgerMode::Required]
    );
    let both = policies(&["eu"]);
    assert_eq!(next.pools[0].upholding_all(&both).ledger(), LedgerMode::Required);
}

#[test]
fn what_a_pool_shares_lives_on_by_its_name() {
    let first = build(&at_ports(&[1]), None);
    let next = build(&at_ports(&[2, 3]), Some(&first));
    assert!(Arc::ptr_eq(&first.pools[0].shared, &next.pools[0].shared));
    let mut renamed = at_ports(&[2, 3]);
    renamed.pools[0].name = "renamed".into();
    let last = build(&renamed, Some(&next));
    assert!(!Arc::ptr_eq(&next.pools[0].shared, &last.pools[0].shared));
}
