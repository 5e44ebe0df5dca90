mod ends;
mod lists;
mod stage;
mod starts;

use stage::Stage;

use super::*;
use crate::samples::fleet_plan;
use crate::standing::Standing;

#[test]
fn nothing_is_started_before_it_is_known_what_there_is() {
    let mut stage = Stage::asleep(stage::plan());
    assert!(stage.step(2).is_empty());
    assert!(stage.fleet.wants_list());
    assert_eq!(stage.fleet.next_due(), None);
    stage.list(&[]);
    assert_eq!(stage.step(2), ["start i1", "start i2"]);
}

#[test]
fn the_size_is_kept_within_the_plan() {
    let mut plan = stage::plan();
    plan.min = 1;
    let mut stage = Stage::empty(plan);
    assert_eq!(stage.step(0), ["start i1"]);
    assert_eq!(stage.step(9), ["start i2", "start i3", "start i4"]);
    assert!(stage.step(9).is_empty());
}

#[test]
fn a_smaller_max_makes_those_beyond_it_leave() {
    let mut stage = Stage::serving(stage::plan(), 4);
    let mut plan = stage::plan();
    plan.max = 2;
    stage.fleet.follow(plan);
    assert_eq!(stage.step(4), ["drain i3", "drain i4"]);
}

#[test]
fn who_resigns_wants_nothing_and_finds_all_again() {
    let mut stage = Stage::serving(stage::plan(), 2);
    stage.fleet.resign();
    assert!(stage.step(4).is_empty());
    assert_eq!(stage.fleet.size_now(), Sizes::default());
    stage.started("i3");
    stage.list(&[stage::found("i1", 9), stage::found("i2", 8)]);
    assert!(stage.step(2).is_empty());
    assert_eq!(stage.states(), ["i1 serving", "i2 serving"]);
}

#[test]
fn when_all_are_to_leave_they_drain_and_nobody_follows() {
    let mut stage = Stage::serving(stage::plan(), 2);
    stage.step(3);
    stage.fleet.leave_all();
    assert_eq!(stage.step(4), ["drain i1", "drain i2", "stop i3"]);
    for id in ["i1", "i2"] {
        stage.look(id, Standing::Draining, 0);
    }
    assert_eq!(stage.step(4), ["stop i1", "stop i2"]);
    for id in ["i1", "i2", "i3"] {
        stage.ended(id);
    }
    assert_eq!(stage.step(4), ["forget i1", "forget i2", "forget i3"]);
    assert_eq!(
        (stage.fleet.size_now().total(), stage.fleet.next_due()),
        (0, None)
    );
}

#[test]
fn events_have_the_codes_of_the_list() {
    let mut stage = Stage::serving(stage::plan(), 1);
    stage.look("i1", Standing::Down, 0);
    stage.step(1);
    stage.step_after(2_000, 1);
    stage.step_after(10_000, 1);
    stage.ended("i1");
    let events = stage.events();
    assert_eq!(
        events,
        [
            "down",
            "hung",
            "ordered",
            "killed",
            "start_timed_out",
            "backing_off",
            "ended"
        ]
    );
    assert!(events.iter().all(|code| FleetEventKind::CODES.contains(code)));
}

#[test]
fn events_that_nobody_takes_are_bounded() {
    let mut stage = Stage::serving(stage::plan(), 1);
    for _ in 0..EVENTS_MAX {
        stage.look("i1", Standing::Down, 0);
        stage.step(1);
        stage.look("i1", Standing::Serving, 0);
        stage.step(1);
    }
    assert_eq!(stage.fleet.take_events().len(), EVENTS_MAX);
}

#[test]
fn two_fleets_do_not_wait_alike_after_a_failure() {
    let wait = |name: &str| {
        let mut plan = fleet_plan(name);
        plan.min = 1;
        let mut stage = Stage::empty(plan);
        stage.step(1);
        stage.fleet.start_failed("i1", stage::at(0));
        stage.fleet.backs_off_until()
    };
    assert!(wait("a").is_some());
    assert_ne!(wait("a"), wait("b"));
}
