//! Who leaves, who is replaced, and how they end.

use std::time::Duration;

use super::stage::{Stage, at, plan};
use crate::plan::{FleetPlan, LeavesFirst};
use crate::standing::Standing::{Down, Draining, Serving};

fn leaving(order: LeavesFirst) -> FleetPlan {
    let mut plan = plan();
    plan.lifecycle.leaves_first = order;
    plan
}

fn keeping_ports() -> FleetPlan {
    let mut plan = plan();
    plan.lifecycle.keeps_port = true;
    plan
}

#[test]
fn the_least_loaded_leave_first_and_of_them_the_newest() {
    let mut stage = Stage::serving(leaving(LeavesFirst::LeastLoaded), 4);
    for (id, in_flight) in [("i1", 5), ("i2", 1), ("i3", 3), ("i4", 1)] {
        stage.look(id, Serving, in_flight);
    }
    assert_eq!(stage.step(3), ["drain i4"]);
    assert_eq!(stage.step(1), ["drain i2", "drain i3"]);
}

#[test]
fn or_the_newest_or_the_oldest() {
    for (order, first) in [
        (LeavesFirst::Newest, "drain i3"),
        (LeavesFirst::Oldest, "drain i1"),
    ] {
        let mut stage = Stage::serving(leaving(order), 3);
        stage.look("i2", Serving, 0);
        assert_eq!(stage.step(2), [first]);
    }
}

#[test]
fn before_all_leave_those_that_never_served() {
    let mut stage = Stage::serving(leaving(LeavesFirst::Oldest), 2);
    stage.step(4);
    stage.started("i3");
    assert_eq!(stage.step(3), ["stop i4"]);
    assert_eq!(stage.step(2), ["stop i3"]);
    assert_eq!(stage.step(1), ["drain i1"]);
}

#[test]
fn who_leaves_finishes_its_requests_is_asked_and_then_killed_again_and_again() {
    let mut stage = Stage::serving(plan(), 1);
    stage.look("i1", Serving, 2);
    assert_eq!(stage.step(0), ["drain i1"]);
    assert!(stage.step_after(100, 0).is_empty());
    stage.look("i1", Draining, 1);
    assert!(stage.step_after(10_000, 0).is_empty());
    assert_eq!(stage.fleet.next_due(), Some(at(stage.now + 250)));
    stage.look("i1", Draining, 0);
    assert_eq!(stage.step(0), ["stop i1"]);
    assert!(stage.step_after(9_999, 0).is_empty());
    assert_eq!(stage.step_after(1, 0), ["kill i1"]);
    assert!(stage.step_after(9_999, 0).is_empty());
    assert_eq!(stage.step_after(1, 0), ["kill i1"]);
    stage.ended("i1");
    assert_eq!(stage.step(0), ["forget i1"]);
    assert!(stage.step(0).is_empty());
}

#[test]
fn who_may_still_be_given_requests_is_not_stopped_though_it_has_none() {
    let mut stage = Stage::serving(plan(), 1);
    assert_eq!(stage.step(0), ["drain i1"]);
    assert!(stage.step_after(500, 0).is_empty());
    assert_eq!(stage.step_after(500, 0), ["drain i1"]);
    stage.look("i1", Draining, 0);
    assert_eq!(stage.step(0), ["stop i1"]);
}

#[test]
fn who_drains_for_too_long_is_stopped() {
    let mut stage = Stage::serving(plan(), 1);
    stage.step(0);
    stage.look("i1", Draining, 1);
    assert!(stage.step_after(29_999, 0).is_empty());
    assert_eq!(stage.step_after(1, 0), ["stop i1"]);
}

#[test]
fn a_stop_that_fails_is_told_again_ever_more_rarely() {
    let mut stage = Stage::serving(plan(), 1);
    stage.step(0);
    stage.look("i1", Draining, 0);
    stage.step(0);
    let mut told = 0;
    let begin = stage.now;
    while stage.now < begin + 600_000 {
        stage.fleet.stop_failed("i1", at(stage.now));
        stage.now = stage.fleet.next_due().unwrap().micros() / 1_000;
        told += stage.step(0).len();
    }
    assert!((10..=20).contains(&told), "{told}");
}

#[test]
fn who_drains_is_recalled_before_another_is_started() {
    let mut stage = Stage::serving(plan(), 2);
    stage.step(1);
    stage.look("i2", Draining, 3);
    assert_eq!(stage.step(3), ["undrain i2", "start i3"]);
    assert!(stage.step_after(500, 3).is_empty());
    assert_eq!(stage.step_after(500, 3), ["undrain i2"]);
    stage.look("i2", Serving, 3);
    assert!(stage.step_after(100, 3).is_empty());
    assert_eq!(stage.states(), ["i1 serving", "i2 serving", "i3 ordered"]);
}

#[test]
fn who_is_recalled_before_its_drain_came_about_is_undrained_all_the_same() {
    let mut stage = Stage::serving(plan(), 1);
    assert_eq!(stage.step(0), ["drain i1"]);
    assert_eq!(stage.step_after(1, 1), ["undrain i1"]);
    stage.look("i1", Draining, 0);
    assert!(stage.step_after(10, 1).is_empty());
    stage.look("i1", Serving, 0);
    assert!(stage.step_after(1_000, 1).is_empty());
    assert_eq!(stage.states(), ["i1 serving"]);
}

#[test]
fn who_leaves_though_it_was_just_recalled_drains_again_before_it_is_stopped() {
    let mut stage = Stage::serving(plan(), 1);
    stage.step(0);
    stage.look("i1", Draining, 1);
    assert_eq!(stage.step(1), ["undrain i1"]);
    stage.look("i1", Draining, 0);
    assert_eq!(stage.step_after(10, 0), ["drain i1"]);
    assert!(stage.step_after(900, 0).is_empty());
    assert_eq!(stage.step_after(100, 0), ["stop i1"]);
}

#[test]
fn who_was_asked_to_end_is_not_recalled() {
    let mut stage = Stage::serving(plan(), 1);
    stage.step(0);
    stage.look("i1", Draining, 0);
    assert_eq!(stage.step(0), ["stop i1"]);
    assert_eq!(stage.step(1), ["start i2"]);
}

#[test]
fn those_that_drain_count_towards_max() {
    let mut plan = plan();
    plan.max = 2;
    let mut stage = Stage::serving(plan, 2);
    stage.look("i1", Draining, 1);
    assert!(stage.step(2).is_empty());
    stage.look("i1", Draining, 0);
    assert_eq!(stage.step(2), ["stop i1", "start i3"]);
}

#[test]
fn who_is_down_for_a_moment_stays_and_for_too_long_is_replaced() {
    let mut stage = Stage::serving(plan(), 1);
    stage.look("i1", Down, 1);
    assert!(stage.step(1).is_empty());
    assert_eq!(stage.fleet.next_due(), Some(at(stage.now + 2_000)));
    stage.look("i1", Serving, 1);
    assert!(stage.step_after(1_999, 1).is_empty());
    stage.look("i1", Down, 1);
    assert!(stage.step_after(1, 1).is_empty());
    assert_eq!(
        stage.step_after(2_000, 1),
        ["deregister i1", "stop i1", "start i2"]
    );
    assert_eq!(stage.get("i2").restarts, 1);
}

#[test]
fn who_registers_anew_while_it_is_stopped_is_deregistered_again_but_not_hurriedly() {
    let mut stage = Stage::serving(plan(), 1);
    stage.look("i1", Down, 0);
    stage.step(1);
    stage.step_after(2_000, 1);
    assert!(stage.step_after(999, 1).is_empty());
    assert_eq!(stage.step_after(1, 1), ["deregister i1"]);
    assert!(stage.step_after(1_999, 1).is_empty());
    assert_eq!(stage.step_after(1, 1), ["deregister i1"]);
}

#[test]
fn whose_registration_is_gone_is_replaced_too() {
    let mut stage = Stage::serving(plan(), 1);
    stage.unlook("i1");
    stage.step(1);
    assert_eq!(stage.step_after(2_000, 1), ["stop i1", "start i2"]);
}

#[test]
fn a_kept_port_is_handed_on_as_soon_as_it_is_free() {
    let mut stage = Stage::serving(keeping_ports(), 2);
    stage.ended("i1");
    assert_eq!(stage.step(2), ["forget i1", "start i3 at 8001"]);
    stage.look("i2", Down, 0);
    stage.step(3);
    assert_eq!(stage.step_after(2_000, 3), ["deregister i2", "stop i2"]);
    stage.ended("i2");
    assert_eq!(stage.step_after(100, 3), ["forget i2", "start i5 at 8002"]);
}

#[test]
fn a_port_that_nobody_frees_is_given_up() {
    let mut stage = Stage::serving(keeping_ports(), 1);
    stage.look("i1", Down, 0);
    stage.step(1);
    stage.step_after(2_000, 1);
    stage.unlook("i1");
    assert_eq!(stage.step_after(10_000, 1), ["kill i1"]);
    stage.step_after(19_999, 1);
    assert!(stage.states()[0].contains("killing"));
    assert_eq!(stage.step_after(1, 1).pop().unwrap(), "start i2");
}

#[test]
fn a_port_at_which_nothing_can_be_started_is_given_up_after_three_attempts() {
    let mut stage = Stage::serving(keeping_ports(), 1);
    stage.ended("i1");
    let mut starts = stage.step(1).split_off(1);
    for number in 2..=4 {
        stage.fleet.start_failed(&format!("i{number}"), at(stage.now));
        starts.extend(stage.step_after(60_000, 1).split_off(1));
    }
    assert_eq!(
        starts,
        [
            "start i2 at 8001",
            "start i3 at 8001",
            "start i4 at 8001",
            "start i5"
        ]
    );
}

#[test]
fn whom_others_drain_leaves_and_is_replaced_unless_they_think_better_of_it() {
    let mut stage = Stage::serving(plan(), 1);
    stage.look("i1", Draining, 1);
    assert_eq!(stage.step(1), ["start i2"]);
    stage.look("i1", Serving, 1);
    stage.step_after(100, 2);
    assert_eq!(stage.states(), ["i1 serving", "i2 ordered"]);
}

#[test]
fn whoever_cannot_be_recalled_since_others_drain_it_too_leaves_after_all() {
    let mut stage = Stage::serving(plan(), 1);
    stage.step(0);
    stage.look("i1", Draining, 1);
    stage.step(1);
    stage.step_after(5_000, 1);
    assert_eq!(stage.states()[0], "i1 draining");
    assert_eq!(stage.fleet.size_now().ordered, 1);
}

#[test]
fn stop_timeouts_of_nothing_are_no_hot_loop() {
    let mut plan = plan();
    plan.lifecycle.stop_timeout = Duration::ZERO;
    let mut stage = Stage::serving(plan, 1);
    stage.unlook("i1");
    let mut told = 0;
    for _ in 0..100 {
        told += stage.step_after(100, 0).len();
    }
    assert!((8..=12).contains(&told), "{told}");
}
