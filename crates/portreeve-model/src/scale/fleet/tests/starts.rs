//! From order to first pass, and what becomes of failures.

use std::time::Duration;

use super::stage::{Stage, at, plan};
use crate::plan::RegisteredBy;
use crate::scale::{FleetEventKind, InstanceState};
use crate::standing::Standing;

#[test]
fn what_is_wanted_is_started_once_and_serves_after_its_first_pass() {
    let mut stage = Stage::empty(plan());
    assert_eq!(stage.step(2), ["start i1", "start i2"]);
    assert!(stage.step_after(100, 2).is_empty());
    stage.started("i1");
    stage.look("i1", Standing::Unproved, 0);
    assert!(stage.step_after(100, 2).is_empty());
    assert_eq!(stage.states(), ["i1 starting", "i2 ordered"]);
    stage.look("i1", Standing::Serving, 0);
    assert!(stage.step_after(100, 2).is_empty());
    assert_eq!(stage.get("i1").state, InstanceState::Serving);
    let last = stage.fleet.take_events().pop().unwrap().kind;
    let took = Duration::from_millis(300);
    assert_eq!(last, FleetEventKind::Serving { took });
}

#[test]
fn the_scaler_registers_what_started_and_again_only_if_that_failed() {
    let mut plan = plan();
    plan.lifecycle.registered_by = RegisteredBy::Scaler;
    let mut stage = Stage::empty(plan);
    stage.step(1);
    stage.started("i1");
    assert_eq!(stage.step(1), ["register i1"]);
    assert!(stage.step_after(2_000, 1).is_empty());
    stage.fleet.register_failed("i1", at(stage.now));
    assert!(stage.step_after(900, 1).is_empty());
    assert_eq!(stage.step_after(100, 1), ["register i1"]);
}

#[test]
fn one_that_does_not_serve_in_time_is_stopped_and_another_follows_after_a_pause() {
    let mut stage = Stage::empty(plan());
    stage.step(1);
    stage.started("i1");
    stage.look("i1", Standing::Unproved, 0);
    assert!(stage.step(1).is_empty());
    assert_eq!(stage.fleet.next_due(), Some(at(5_000)));
    assert!(stage.step_after(4_999, 1).is_empty());
    assert_eq!(stage.step_after(1, 1), ["deregister i1", "stop i1"]);
    let pause = stage.pause().unwrap();
    assert!((900..=1_000).contains(&pause), "{pause}");
    assert!(stage.step_after(pause - 1, 1).is_empty());
    let due = stage.fleet.next_due().unwrap().micros();
    assert_eq!(due.div_ceil(1_000), stage.now + 1);
    assert_eq!(stage.step_after(1, 1), ["start i2"]);
}

#[test]
fn a_start_without_an_answer_is_given_up_and_stopped_again_if_it_comes_late() {
    let mut stage = Stage::empty(plan());
    stage.step(1);
    assert_eq!(stage.step_after(5_000, 1), ["stop i1"]);
    assert_eq!(stage.step_after(2_000, 1), ["start i2"]);
    stage.started("i1");
    assert_eq!(stage.step(1), ["stop i1"]);
    assert_eq!(stage.step_after(10_000, 0)[..1], ["kill i1"]);
}

#[test]
fn one_that_was_forgotten_and_starts_after_all_is_stopped() {
    let mut stage = Stage::empty(plan());
    stage.step(1);
    stage.fleet.start_failed("i1", at(0));
    assert_eq!(stage.step(0), ["forget i1"]);
    stage.started("i1");
    assert_eq!(stage.step(0), ["stop i1"]);
}

#[test]
fn pauses_double_while_starts_fail_and_a_first_pass_ends_that() {
    let mut stage = Stage::empty(plan());
    let mut pauses = Vec::new();
    for number in 1..=8 {
        let order = stage.step(1).pop().unwrap();
        assert_eq!(order, format!("start i{number}"));
        stage.fleet.start_failed(&order[6..], at(stage.now));
        pauses.push(stage.pause().unwrap());
        stage.now += pauses[pauses.len() - 1];
    }
    for (pause, secs) in pauses.iter().zip([1, 2, 4, 8, 16, 32, 60, 60]) {
        assert!((secs * 900..=secs * 1_000).contains(pause), "{pauses:?}");
    }
    stage.step(1);
    stage.serve("i9");
    stage.step(1);
    stage.step(2);
    stage.fleet.start_failed("i10", at(stage.now));
    assert!(stage.pause().unwrap() <= 1_000);
}

#[test]
fn who_dies_soon_after_its_first_pass_is_replaced_at_once_but_not_again_and_again() {
    let mut stage = Stage::empty(plan());
    stage.step(1);
    let mut pauses = Vec::new();
    for number in 1..=5 {
        let id = format!("i{number}");
        stage.serve(&id);
        stage.step_after(100, 1);
        stage.now += 1_000;
        stage.ended(&id);
        let pause = stage.pause().unwrap_or(0);
        pauses.push(pause.div_ceil(1_000));
        stage.now += pause;
        assert_eq!(
            stage.step(1),
            [format!("forget {id}"), format!("start i{}", number + 1)]
        );
    }
    assert_eq!(pauses, [0, 2, 4, 8, 16]);
}

#[test]
fn who_dies_after_it_served_for_long_is_replaced_at_once_each_time() {
    let mut stage = Stage::empty(plan());
    stage.step(1);
    for number in 1..=5 {
        let id = format!("i{number}");
        stage.serve(&id);
        stage.step(1);
        stage.now += 10_000;
        stage.ended(&id);
        assert_eq!(stage.step(1).len(), 2);
    }
    assert_eq!(stage.get("i6").restarts, 5);
}

#[test]
fn many_that_fail_together_are_one_failure() {
    let mut stage = Stage::empty(plan());
    stage.step(4);
    for number in 1..=4 {
        stage.fleet.start_failed(&format!("i{number}"), at(stage.now));
        stage.now += 10;
    }
    let events = stage.events();
    assert_eq!(events.iter().filter(|code| **code == "backing_off").count(), 1);
    assert_eq!(stage.step_after(1_000, 4).len(), 8);
}

#[test]
fn those_that_never_end_keep_more_than_twice_the_max_from_being_there() {
    let mut stage = Stage::empty(plan());
    for _ in 0..100 {
        stage.step_after(100_000, 4);
        assert!(stage.fleet.size_now().total() <= 8);
    }
    assert_eq!(stage.fleet.size_now().stopping, 8);
    stage.now += 1;
    stage.list(&[]);
    let acts = stage.step(4);
    assert_eq!(
        acts.iter().filter(|act| act.starts_with("start")).count(),
        4,
        "{acts:?}"
    );
}

#[test]
fn a_registered_one_has_started_whatever_the_driver_does_not_say() {
    let mut stage = Stage::empty(plan());
    stage.step(2);
    stage.look("i1", Standing::Unproved, 0);
    stage.look("i2", Standing::Serving, 0);
    stage.step(2);
    assert_eq!(stage.states(), ["i1 starting", "i2 serving"]);
}
