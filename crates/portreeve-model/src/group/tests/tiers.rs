//! Near ones first, backups last.

use std::time::Duration;

use super::*;
use crate::ejection::EjectedBy;
use crate::plan::{EjectionPlan, FailMode, InFlightPlan, PoolPlan};
use crate::why::Why;

fn placed(label: &str, zone: Option<&str>, is_backup: bool) -> Arc<Backend> {
    let address = crate::address::BackendAddress::Unix(format!("/{label}").into());
    let backend = Backend::new(label.into(), address, 1, eu());
    Arc::new(backend.placed(zone.map(Into::into), is_backup))
}

/// `n0` to `n3` near, `f0` and `f1` far, `b` a backup in the near zone.
fn zoned() -> Vec<Arc<Backend>> {
    let near = (0..4).map(|number| placed(&format!("n{number}"), Some("here"), false));
    let far = [placed("f0", Some("there"), false), placed("f1", None, false)];
    let mut all: Vec<_> = far.into_iter().chain(near).collect();
    all.push(placed("b", Some("here"), true));
    all
}

fn built(backends: &[Arc<Backend>], before: Option<&Arc<Group>>) -> Arc<Group> {
    let plan = pool_plan("pool", BalancePlan::RoundRobin, &[]);
    let manner = Arc::new(Manner::of(&plan, Some(&"here".into())));
    Group::build(eu(), backends.to_vec(), &rules(&manner), before)
}

fn at(ms: u64) -> Tick {
    Tick::after_start(Duration::from_millis(ms))
}

fn named(backends: &[Arc<Backend>], label: &str) -> Arc<Backend> {
    Arc::clone(backends.iter().find(|backend| *backend.label == *label).unwrap())
}

/// How many of 4,000 requests went near, far, and to the backup.
fn shares(group: &Group, backends: &[Arc<Backend>], ms: u64) -> [usize; 3] {
    let counted = counts(group, backends, at(ms), 4_000);
    let of = |first: char| {
        let named = backends.iter().zip(&counted);
        named
            .filter(|(backend, _)| backend.label.starts_with(first))
            .map(|(_, count)| count)
            .sum()
    };
    ['n', 'f', 'b'].map(of)
}

#[test]
fn the_own_zone_serves_all_while_enough_of_it_serves() {
    let backends = zoned();
    let group = built(&backends, None);
    assert_eq!(group.candidates(), 7);
    assert_eq!(shares(&group, &backends, 0), [4_000, 0, 0]);
    named(&backends, "n1").stand(Standing::Down);
    assert_eq!(
        shares(&group, &backends, 20),
        [4_000, 0, 0],
        "three of four can do it"
    );
}

#[test]
fn what_the_own_zone_cannot_carry_spills_over() {
    let backends = zoned();
    let group = built(&backends, None);
    for label in ["n1", "n2"] {
        named(&backends, label).stand(Standing::Down);
    }
    let [near, far, backup] = shares(&group, &backends, 20);
    assert!(near.abs_diff(2_800) < 120, "{near}: half of it, 1.4 times");
    assert_eq!((far, backup), (4_000 - near, 0));
    let eject = |label| {
        let plan = EjectionPlan::default();
        named(&backends, label).eject(EjectedBy::Latency, &plan, at(20))
    };
    assert!(eject("n3"));
    let [near, ..] = shares(&group, &backends, 40);
    assert!(near.abs_diff(1_400) < 120, "{near}: the ejected are missed too");
    named(&backends, "n0").stand(Standing::Down);
    assert_eq!(shares(&group, &backends, 60), [0, 4_000, 0]);
}

#[test]
fn those_who_were_down_before_the_group_was_made_are_missed_too() {
    let backends = zoned();
    named(&backends, "n1").stand(Standing::Down);
    named(&backends, "n2").stand(Standing::Unproved);
    let group = built(&backends, None);
    let [near, far, _] = shares(&group, &backends, 0);
    assert!(near.abs_diff(2_800) < 120 && near + far == 4_000, "{near}");
}

#[test]
fn who_finds_the_own_zone_full_goes_to_the_next_and_says_so() {
    let backends = zoned();
    let group = built(&backends, None);
    let near = backends.iter().filter(|backend| backend.label.starts_with('n'));
    near.for_each(|backend| backend.set_limit(InFlightPlan::AtMost(1)));
    let tried = Tried::default();
    let leases: Vec<_> = (0..8).map(|_| group.pick(&ask(&tried)).unwrap()).collect();
    let whys: Vec<_> = leases.iter().map(Lease::why).collect();
    assert_eq!(whys[..4], [Why::Turn; 4]);
    assert_eq!(whys[4..], [Why::Spill; 4]);
    assert!(
        leases[4..]
            .iter()
            .all(|lease| lease.backend().label.starts_with('f'))
    );
}

#[test]
fn a_backup_serves_only_when_nobody_else_may() {
    let backends = zoned();
    let group = built(&backends, None);
    let others: Vec<_> = backends[..6].to_vec();
    others[1..]
        .iter()
        .for_each(|backend| backend.stand(Standing::Down));
    assert_eq!(shares(&group, &backends, 20), [0, 4_000, 0]);
    others[0].set_limit(InFlightPlan::AtMost(1));
    let held = Lease::take(&others[0], at(20));
    let tried_none = Tried::default();
    assert_eq!(group.pick(&ask(&tried_none)).unwrap_err(), NotPicked::Full);
    let backup = named(&backends, "b");
    backup.pass_over(at(10));
    assert_eq!(group.pick(&ask(&tried_none)).unwrap_err(), NotPicked::Full);
    assert_eq!(backup.room(at(20)), crate::gate::Room::Free);
    let tried = tried([&others[0]]);
    let lease = group.pick(&ask(&tried)).unwrap();
    assert_eq!((&*lease.backend().label, lease.why()), ("b", Why::Spill));
    drop(held);
    others[0].pass_over(at(1_000));
    assert_eq!(shares(&group, &backends, 40), [0, 0, 4_000]);
    named(&backends, "b").stand(Standing::Down);
    assert_eq!(shares(&group, &backends, 60), [0, 4_000, 0]);
}

#[test]
fn a_pool_of_backups_alone_serves() {
    let backends = [placed("b", None, true)];
    let group = built(&backends, None);
    assert_eq!(shares(&group, &backends, 0), [0, 0, 4_000]);
    assert_eq!(pick(&group).as_deref(), Some("b"));
}

#[test]
fn without_a_zone_of_its_own_a_proxy_knows_no_near_and_far() {
    let backends = zoned();
    let group = group(&backends, None);
    let [near, far, backup] = shares(&group, &backends, 0);
    assert_eq!((near + far, backup), (4_000, 0));
    assert!(far.abs_diff(1_333) < 3, "{far}");
}

#[test]
fn turns_go_on_within_each_tier() {
    let near: Vec<_> = ["x", "y", "z"]
        .map(|label| placed(label, Some("here"), false))
        .into();
    let mut all = near.clone();
    all.push(placed("far", None, false));
    let two = built(&near[..2], None);
    assert_eq!(picks(&two, 3), "xyx");
    assert_eq!(picks(&built(&all, Some(&two)), 4), "yzxy");
}

#[test]
fn use_all_takes_those_of_every_tier() {
    let backends = zoned();
    let plan = PoolPlan {
        fail_mode: FailMode::UseAll,
        ..pool_plan("pool", BalancePlan::RoundRobin, &[])
    };
    let manner = Arc::new(Manner::of(&plan, Some(&"here".into())));
    let group = Group::build(eu(), backends.clone(), &rules(&manner), None);
    backends.iter().for_each(|backend| backend.stand(Standing::Down));
    let [near, far, backup] = shares(&group, &backends, 20);
    assert_eq!(near + far + backup, 4_000);
    assert!(near > 2_000 && far > 1_000 && backup > 400);
}
