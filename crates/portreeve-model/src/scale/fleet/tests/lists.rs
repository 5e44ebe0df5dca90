//! What there is already, what vanishes, and what others name.

use super::stage::{Stage, at, found, plan};
use crate::plan::{DriverPlan, Ec2Plan, FleetPlan, RegisteredBy};
use crate::scale::FoundInstance;
use crate::standing::Standing::{Down, Draining, Serving};

fn named_by_others() -> FleetPlan {
    let group = Ec2Plan {
        group: "asg".into(),
        region: None,
        endpoint: None,
    };
    FleetPlan {
        driver: DriverPlan::Ec2(group),
        ..plan()
    }
}

fn ending(id: &str) -> FoundInstance {
    FoundInstance {
        is_ending: true,
        ..found(id, 1)
    }
}

#[test]
fn what_is_there_is_adopted_and_not_doubled() {
    let mut plan = plan();
    plan.lifecycle.registered_by = RegisteredBy::Scaler;
    let mut stage = Stage::with(plan, &[found("a", 9), found("b", 5)]);
    stage.look("a", Serving, 0);
    assert_eq!(stage.step(2), ["register b"]);
    assert_eq!(stage.states(), ["a serving", "b starting"]);
    assert_eq!(stage.events(), ["adopted", "adopted", "up"]);
}

#[test]
fn of_more_than_max_the_newest_drain() {
    let ages = [("a", 50), ("b", 1), ("c", 40), ("d", 2), ("e", 30), ("f", 20)];
    let mut stage = Stage::with(plan(), &ages.map(|(id, age)| found(id, age)));
    for (id, _) in ages {
        stage.look(id, Serving, u32::from(id == "b"));
    }
    assert_eq!(stage.step(4), ["drain b", "drain d"]);
}

#[test]
fn those_on_their_way_out_are_waited_for_and_not_asked_but_killed_if_they_stay() {
    let mut stage = Stage::with(plan(), &[ending("a")]);
    assert_eq!(stage.step(1), ["start i1"]);
    stage.serve("i1");
    assert!(stage.step_after(100, 1).is_empty());
    assert_eq!(stage.states()[0], "a stopping");
    assert_eq!(stage.step_after(10_000, 1), ["kill a"]);
}

#[test]
fn whom_others_end_is_drained_and_replaced() {
    let mut stage = Stage::serving(plan(), 1);
    stage.look("i1", Serving, 1);
    stage.list(&[ending("i1")]);
    assert_eq!(stage.step(1), ["drain i1", "start i2"]);
    stage.look("i1", Draining, 0);
    assert!(stage.step(1).is_empty());
    assert_eq!(stage.states()[0], "i1 stopping");
}

#[test]
fn one_that_two_lists_lack_has_vanished_unless_it_serves() {
    let mut stage = Stage::serving(plan(), 2);
    stage.look("i1", Down, 0);
    stage.step(2);
    stage.now += 1;
    stage.list(&[]);
    assert!(stage.step(2).is_empty());
    stage.list(&[]);
    assert_eq!(stage.step(2), ["forget i1", "start i3"]);
    assert_eq!(stage.states(), ["i2 serving", "i3 ordered"]);
}

#[test]
fn a_list_that_was_asked_for_before_says_nothing_of_what_came_since() {
    let mut stage = Stage::serving(plan(), 1);
    let asked = at(stage.now);
    stage.now += 100;
    stage.ended("i1");
    assert_eq!(stage.step(1), ["forget i1", "start i2"]);
    stage.started("i2");
    stage.step(0);
    stage.fleet.found(&[found("i1", 60)], asked, at(stage.now));
    assert_eq!(stage.states(), ["i2 stopping"]);
    stage
        .fleet
        .found(&[found("i1", 60)], at(stage.now + 1), at(stage.now + 1));
    assert_eq!(stage.states(), ["i1 starting"]);
}

#[test]
fn a_list_tells_what_a_start_did_not() {
    let mut stage = Stage::empty(plan());
    stage.step(1);
    stage.list(&[found("i1", 0)]);
    assert_eq!(stage.states(), ["i1 starting"]);
    assert_eq!(stage.get("i1").handle.as_deref(), Some("h-i1"));
}

#[test]
fn an_order_that_is_not_listed_yet_goes_on() {
    let mut stage = Stage::empty(plan());
    stage.step(1);
    for _ in 0..4 {
        stage.now += 100;
        stage.list(&[]);
        assert!(stage.step(1).is_empty());
    }
    assert_eq!(stage.states(), ["i1 ordered"]);
}

#[test]
fn what_nobody_knew_is_adopted() {
    let mut stage = Stage::serving(plan(), 1);
    stage.list(&[found("i1", 60), found("x", 9)]);
    assert_eq!(stage.step(1), ["stop x"]);
}

#[test]
fn others_names_replace_ours_the_oldest_order_first() {
    let mut stage = Stage::empty(named_by_others());
    stage.step(2);
    for id in ["i1", "i2"] {
        stage.fleet.started(id, String::new(), None, at(0));
    }
    assert!(stage.fleet.wants_list());
    for _ in 0..3 {
        stage.now += 100;
        stage.list(&[found("i-0a", 0)]);
        assert!(stage.step(2).is_empty());
    }
    assert_eq!(stage.states(), ["i-0a starting", "i2 starting"]);
    stage.list(&[found("i-0a", 1), found("i-0b", 0)]);
    assert_eq!(stage.states(), ["i-0a starting", "i-0b starting"]);
    assert!(!stage.fleet.wants_list());
    let claimed = stage.events().into_iter().filter(|code| *code == "claimed");
    assert_eq!(claimed.count(), 2);
}

#[test]
fn answers_to_an_order_that_has_its_name_already_change_nothing() {
    let mut stage = Stage::empty(named_by_others());
    stage.step(2);
    stage.list(&[found("i-0a", 0), found("i-0b", 0)]);
    stage.fleet.started("i1", String::new(), None, at(0));
    stage.fleet.start_failed("i2", at(0));
    assert!(stage.step(2).is_empty());
    assert_eq!(stage.states(), ["i-0a starting", "i-0b starting"]);
}

#[test]
fn what_comes_after_its_order_was_given_up_takes_its_place() {
    let mut stage = Stage::empty(named_by_others());
    stage.step(1);
    stage.fleet.started("i1", String::new(), None, at(0));
    assert_eq!(stage.step_after(5_000, 1), ["stop i1"]);
    stage.list(&[found("i-0a", 0)]);
    assert!(stage.step(1).is_empty());
    assert_eq!(stage.states(), ["i-0a starting"]);
}
