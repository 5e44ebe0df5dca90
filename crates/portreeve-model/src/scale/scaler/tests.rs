//! Decisions under a clock that is turned by hand.

use super::*;
use crate::plan::{PacePlan, SchedulePlan};
use crate::samples::fleet_plan;
use crate::scale::{BoundKind, RuleKind};

mod by_chance;
mod promises;

/// A fleet whose size follows each decision at once, and which is looked at ten times a period of ten seconds.
struct World {
    scaler: Scaler,
    plan: FleetPlan,
    seen: Seen,
    size: u32,
    now: Tick,
    unix_ms: u64,
}

impl World {
    fn new(plan: FleetPlan) -> Self {
        Self::of(plan, 1)
    }

    fn of(plan: FleetPlan, size: u32) -> Self {
        Self {
            scaler: Scaler::new(Tick::default()),
            plan,
            seen: Seen::default(),
            size,
            now: Tick::default(),
            unix_ms: 0,
        }
    }

    fn with_in_flight(mut self, in_flight: u64) -> Self {
        self.seen.in_flight = in_flight;
        self
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
        self.unix_ms += u64::try_from(time.as_millis()).unwrap();
    }

    /// After a period in which all the time was seen what is seen now.
    fn period(&mut self) -> Decision {
        for _ in 0..9 {
            self.pass(EVERY / 10);
            self.scaler.sample(&self.seen, self.now);
        }
        self.pass(EVERY / 10);
        self.decide()
    }

    /// At once.
    fn decide(&mut self) -> Decision {
        let (size, now) = (self.size, self.now);
        let decision = self
            .scaler
            .decide(&self.plan, &self.seen, size, size, now, self.unix_ms);
        assert_eq!((decision.at, decision.current), (now, size));
        self.size = decision.size;
        decision
    }

    /// So many periods, one after the other; the size after each.
    fn periods(&mut self, count: usize) -> Vec<u32> {
        (0..count).map(|_| self.period().size).collect()
    }

    /// Until the size is this one; how long that took.
    fn until(&mut self, size: u32) -> Duration {
        let start = self.now;
        while self.size != size {
            self.period();
            assert!(
                self.now.since(start) < Duration::from_secs(86_400),
                "never {size}"
            );
        }
        self.now.since(start)
    }
}

const EVERY: Duration = Duration::from_secs(10);

fn plan(min: u32, max: u32, rules: Vec<RulePlan>) -> FleetPlan {
    FleetPlan {
        min,
        max,
        rules,
        ..fleet_plan("default")
    }
}

fn in_flight(per_backend: u32) -> RulePlan {
    RulePlan::InFlight { per_backend }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn bounds(decision: &Decision) -> Vec<BoundKind> {
    decision.bounds.iter().map(|bound| bound.by).collect()
}

/// What this rule alone wishes after a period, with so many backends that all serve.
fn wishes(rule: RulePlan, seen: Seen, size: u32) -> Option<u32> {
    let kind = RuleKind::of(&rule);
    let mut world = World::of(plan(1, 100, vec![rule]), size);
    world.seen = seen;
    world.period();
    world.size = size;
    let decision = world.period();
    let mut wishes = decision.wishes.iter().filter(|wish| wish.rule == kind);
    wishes.next().map(|wish| wish.size)
}

fn with(change: impl FnOnce(&mut Seen)) -> Seen {
    let mut seen = Seen::default();
    change(&mut seen);
    seen
}

#[test]
fn each_has_no_more_in_flight_than_it_should_and_who_waits_counts() {
    let seen = with(|seen| (seen.in_flight, seen.waiting) = (41, 16));
    assert_eq!(wishes(in_flight(20), seen, 1), Some(3));
    let exactly = with(|seen| seen.in_flight = 60);
    assert_eq!(wishes(in_flight(20), exactly, 1), Some(3));
    assert_eq!(wishes(in_flight(20), Seen::default(), 1), Some(0));
}

#[test]
fn what_is_used_is_shared_out_in_proportion_and_at_most_doubles() {
    let cpu = |percent| with(|seen| seen.cpu_percent = Some(percent));
    let rule = || RulePlan::Cpu { percent: 70 };
    assert_eq!(wishes(rule(), cpu(35.0), 4), Some(2));
    assert_eq!(wishes(rule(), cpu(100.0), 4), Some(6));
    assert_eq!(wishes(RulePlan::Cpu { percent: 10 }, cpu(100.0), 4), Some(8));
    assert_eq!(wishes(rule(), cpu(f64::NAN), 4), None);
    assert_eq!(wishes(rule(), Seen::default(), 4), None);
    assert_eq!(wishes(rule(), cpu(90.0), 0), None);
    let memory = with(|seen| seen.memory_percent = Some(90.0));
    assert_eq!(wishes(RulePlan::Memory { percent: 60 }, memory, 2), Some(3));
    let load = with(|seen| seen.load_percent = Some(90.0));
    assert_eq!(wishes(RulePlan::Load { percent: 60 }, load, 2), Some(3));
}

#[test]
fn a_latency_doubles_or_halves_at_most() {
    let p95 = |ms| with(|seen| seen.p95 = Some(Duration::from_millis(ms)));
    let rule = || RulePlan::Latency {
        p95: Duration::from_millis(250),
    };
    assert_eq!(wishes(rule(), p95(375), 4), Some(6));
    assert_eq!(wishes(rule(), p95(9_000), 4), Some(8));
    assert_eq!(wishes(rule(), p95(1), 4), Some(2));
    assert_eq!(wishes(rule(), Seen::default(), 4), None);
}

#[test]
fn who_waits_because_nobody_served_asks_for_no_more_than_one() {
    let rule = RulePlan::HoldAge {
        at_most: Duration::from_millis(500),
    };
    let mut world = World::of(plan(0, 10, vec![rule]), 0);
    world.period();
    world.seen = with(|seen| (seen.waiting, seen.longest_wait) = (1, seconds(3)));
    assert_eq!(world.decide().size, 1);
    world.seen.waiting = 0;
    assert_eq!(
        world.period().size,
        1,
        "it waited for the first, not for a second"
    );
    world.seen.longest_wait = seconds(3);
    assert_eq!(world.period().size, 2);
}

#[test]
fn a_wait_between_two_decisions_is_not_forgotten() {
    let rule = RulePlan::HoldAge {
        at_most: Duration::from_millis(500),
    };
    let mut world = World::of(plan(1, 10, vec![rule]), 2);
    world.period();
    let waited = with(|seen| seen.longest_wait = Duration::from_millis(750));
    world.pass(seconds(1));
    world.scaler.sample(&waited, world.now);
    assert_eq!(world.period().size, 3);
}

#[test]
fn requests_in_a_time_are_shared_out() {
    let rule = RulePlan::Requests {
        per_backend: 100,
        within: seconds(60),
    };
    let mut world = World::new(plan(1, 10, vec![rule]));
    world.period();
    world.seen.requests_total = 350;
    assert_eq!(world.period().size, 4);
}

/// The homework's rule: one more for each 20 requests of the last two minutes, at most ten.
fn homework() -> World {
    let rule = RulePlan::Steps {
        requests: 20,
        within: seconds(120),
        start: 1,
        max: 10,
    };
    let mut world = World::new(plan(1, 20, vec![rule]));
    world.plan.down = PacePlan::after(Duration::ZERO);
    world.period();
    world
}

#[test]
fn steps_are_those_of_the_classical_form_to_the_letter() {
    for (requests, size) in [
        (0, 1),
        (19, 1),
        (20, 2),
        (39, 2),
        (40, 3),
        (179, 9),
        (180, 10),
        (5_000, 10),
    ] {
        let mut world = homework();
        world.seen.requests_total = requests;
        assert_eq!(world.period().size, size, "{requests}");
    }
}

#[test]
fn steps_go_back_when_their_requests_are_old() {
    let mut world = homework();
    world.seen.requests_total = 100;
    assert_eq!(world.periods(11), [6; 11]);
    assert_eq!(world.periods(2), [6, 1]);
}

#[test]
fn the_largest_wish_wins() {
    let rules = vec![in_flight(20), RulePlan::Cpu { percent: 50 }];
    let mut world = World::of(plan(1, 10, rules), 2).with_in_flight(90);
    world.seen.cpu_percent = Some(60.0);
    let decision = world.period();
    assert_eq!((decision.size, decision.rule), (5, Some(RuleKind::InFlight)));
    let told: Vec<_> = decision
        .wishes
        .iter()
        .map(|wish| (wish.rule, wish.size))
        .collect();
    assert_eq!(
        told,
        [(RuleKind::InFlight, 5), (RuleKind::Cpu, 3), (RuleKind::Min, 1)]
    );
}

#[test]
fn what_is_near_its_target_changes_nothing() {
    let mut world = World::of(plan(1, 10, vec![in_flight(20)]), 2).with_in_flight(44);
    let decision = world.period();
    assert_eq!(
        (decision.size, bounds(&decision)),
        (2, vec![BoundKind::Tolerance])
    );
    world.seen.in_flight = 45;
    assert_eq!(world.period().size, 3);
}

#[test]
fn nothing_is_beyond_max_and_nothing_below_min() {
    let mut world = World::of(plan(2, 5, vec![in_flight(1)]), 3).with_in_flight(1_000);
    let decision = world.period();
    assert_eq!((decision.size, bounds(&decision)), (5, vec![BoundKind::Max]));
    world.seen.in_flight = 0;
    world.until(2);
    assert_eq!(world.periods(100), [2; 100]);
}

#[test]
fn a_reload_of_min_and_max_counts_at_once_whatever_the_paces() {
    let mut world = World::of(plan(1, 10, vec![]), 1);
    let slow = PacePlan {
        stabilisation: seconds(3_600),
        cool_down: seconds(3_600),
        steps_max: Some(1),
    };
    (world.plan.up, world.plan.down) = (slow.clone(), slow);
    world.period();
    world.plan.min = 4;
    let decision = world.period();
    assert_eq!(decision.size, 4);
    assert_eq!(bounds(&decision), [BoundKind::UpStabilisation, BoundKind::Min]);
    (world.plan.min, world.plan.max) = (1, 2);
    assert_eq!(world.period().size, 2);
}

#[test]
fn without_rules_there_are_as_many_as_the_minimum() {
    let mut world = World::of(plan(3, 10, vec![]), 0).with_in_flight(500);
    let decision = world.period();
    assert_eq!((decision.size, decision.rule), (3, Some(RuleKind::Min)));
}

#[test]
fn it_shrinks_to_the_largest_wish_of_the_last_while() {
    let mut world = World::new(plan(1, 10, vec![in_flight(20)])).with_in_flight(190);
    world.periods(3);
    world.seen.in_flight = 90;
    world.periods(3);
    world.seen.in_flight = 10;
    let decision = world.period();
    assert_eq!(decision.size, 10);
    assert_eq!(bounds(&decision), [BoundKind::DownStabilisation]);
    assert_eq!(world.until(5), seconds(260));
    assert_eq!(world.until(1), seconds(30));
}

#[test]
fn it_grows_to_the_smallest_wish_of_the_last_while() {
    let mut world = World::new(plan(1, 10, vec![in_flight(20)]));
    world.plan.up.stabilisation = seconds(60);
    world.periods(10);
    world.seen.in_flight = 90;
    assert_eq!(world.periods(3), [1; 3]);
    world.seen.in_flight = 190;
    let decision = world.period();
    assert_eq!(bounds(&decision), [BoundKind::UpStabilisation]);
    assert_eq!(world.until(5), seconds(20));
    assert_eq!(world.until(10), seconds(30));
}

#[test]
fn a_spike_is_no_reason_to_grow_where_wishes_must_last() {
    let mut world = World::new(plan(1, 10, vec![in_flight(20)]));
    world.plan.up.stabilisation = seconds(60);
    for _ in 0..20 {
        world.seen.in_flight = 500;
        world.periods(5);
        world.seen.in_flight = 0;
        world.period();
        assert_eq!(world.size, 1);
    }
}

#[test]
fn after_a_change_it_waits_before_the_next_in_the_same_direction() {
    let mut world = World::new(plan(1, 10, vec![in_flight(20)])).with_in_flight(60);
    world.plan.up.cool_down = seconds(60);
    world.plan.down = PacePlan {
        cool_down: seconds(30),
        ..PacePlan::after(Duration::ZERO)
    };
    assert_eq!(world.period().size, 3);
    world.seen.in_flight = 100;
    let decision = world.period();
    assert_eq!(
        (decision.size, bounds(&decision)),
        (3, vec![BoundKind::UpCoolDown])
    );
    world.seen.in_flight = 40;
    assert_eq!(world.period().size, 2, "the other direction is free");
    world.seen.in_flight = 20;
    let decision = world.period();
    assert_eq!(
        (decision.size, bounds(&decision)),
        (2, vec![BoundKind::DownCoolDown])
    );
    assert_eq!(world.until(1), seconds(20));
    world.seen.in_flight = 100;
    assert_eq!(world.until(5), seconds(10));
}

#[test]
fn it_takes_so_many_steps_at_a_time() {
    let mut world = World::new(plan(1, 10, vec![in_flight(1)])).with_in_flight(10);
    world.plan.up.steps_max = Some(4);
    world.plan.down = PacePlan {
        steps_max: Some(2),
        ..PacePlan::after(Duration::ZERO)
    };
    assert_eq!(world.periods(4), [5, 9, 10, 10]);
    world.seen.in_flight = 0;
    let decision = world.period();
    assert_eq!(
        (decision.size, bounds(&decision)),
        (8, vec![BoundKind::DownSteps])
    );
    assert_eq!(world.periods(4), [6, 4, 2, 1]);
}

#[test]
fn those_that_were_there_at_the_start_are_given_the_time_to_show_that_they_are_too_many() {
    let mut world = World::of(plan(1, 10, vec![in_flight(20)]), 6).with_in_flight(5);
    assert_eq!(world.until(1), seconds(300));
}

#[test]
fn a_request_that_waits_wakes_at_once_whatever_the_paces() {
    let mut world = World::of(plan(0, 10, vec![in_flight(20)]), 0);
    world.plan.up = PacePlan {
        stabilisation: seconds(600),
        cool_down: seconds(600),
        steps_max: None,
    };
    world.periods(3);
    world.pass(seconds(1));
    world.seen.waiting = 1;
    let decision = world.decide();
    assert_eq!((decision.size, decision.bounds), (1, vec![]));
    assert!(decision.wishes.iter().any(|wish| wish.rule == RuleKind::Wake));
}

#[test]
fn a_request_that_was_refused_wakes_too_and_only_once() {
    let mut world = World::of(plan(0, 10, vec![]), 0);
    world.period();
    world.seen.asked_total = 1;
    let decision = world.period();
    assert_eq!((decision.size, decision.rule), (1, Some(RuleKind::Wake)));
    let decision = world.period();
    assert_eq!((decision.size, decision.rule), (1, Some(RuleKind::Idle)));
}

#[test]
fn the_last_ones_stop_when_nobody_has_asked_for_long_whatever_the_rules() {
    let homework = RulePlan::Steps {
        requests: 20,
        within: seconds(120),
        start: 1,
        max: 10,
    };
    for rules in [
        vec![],
        vec![in_flight(20)],
        vec![homework, RulePlan::Cpu { percent: 5 }],
    ] {
        let mut world = World::of(plan(0, 10, rules), 2);
        world.plan.idle = Some(seconds(60));
        world.plan.down = PacePlan::after(seconds(3_600));
        world.seen.cpu_percent = Some(50.0);
        world.seen.requests_total = 7;
        world.periods(3);
        world.seen.requests_total = 8;
        assert!(world.periods(6).iter().all(|size| *size > 0));
        let decision = world.period();
        assert_eq!((decision.size, decision.rule), (0, Some(RuleKind::Idle)));
        assert_eq!(world.periods(1_000), [0; 1_000]);
    }
}

#[test]
fn what_may_be_none_is_at_least_one_until_it_is_idle() {
    let mut world = World::of(plan(0, 10, vec![in_flight(20)]), 3);
    world.plan.idle = Some(seconds(600));
    world.plan.down = PacePlan::after(Duration::ZERO);
    assert_eq!(world.periods(59), [1; 59]);
    assert_eq!(world.periods(2), [0; 2]);
    world.plan.idle = None;
    world.size = 1;
    assert_eq!(world.periods(500), [1; 500]);
}

#[test]
fn a_long_request_keeps_the_last_one() {
    let mut world = World::of(plan(0, 10, vec![]), 1).with_in_flight(1);
    assert_eq!(world.periods(500), [1; 500]);
}

#[test]
fn a_schedule_is_a_wish_in_its_hours() {
    let hours = SchedulePlan {
        days: [true; 7],
        from: 60,
        to: 120,
        utc_offset: 0,
        min: 4,
    };
    let mut world = World::of(plan(0, 10, vec![RulePlan::Schedule(hours)]), 0);
    assert_eq!(world.until(4), seconds(3_600));
    let decision = world.period();
    assert_eq!(decision.rule, Some(RuleKind::Schedule));
    assert_eq!(world.periods(358), [4; 358], "idle, but scheduled");
    assert_eq!(world.period().size, 0, "nobody asked, and the hours are over");
}

#[test]
fn one_second_of_much_is_a_tenth_of_a_period() {
    let mut world = World::new(plan(1, 100, vec![in_flight(20)])).with_in_flight(10);
    world.periods(3);
    world.pass(seconds(1));
    world.scaler.sample(&with(|seen| seen.in_flight = 110), world.now);
    for _ in 0..9 {
        world.pass(seconds(1));
        world.scaler.sample(&world.seen, world.now);
    }
    assert_eq!(world.decide().size, 1);
}

#[test]
fn another_plan_takes_over_what_was_counted() {
    let requests = |within| RulePlan::Requests {
        per_backend: 100,
        within: seconds(within),
    };
    let mut world = World::new(plan(1, 100, vec![requests(600)]));
    for _ in 0..60 {
        world.seen.requests_total += 100;
        world.period();
    }
    let (size, needed) = (world.size, 59.0);
    assert!(
        needed / 1.1 <= f64::from(size) && f64::from(size) <= needed,
        "{size}"
    );
    world.plan.rules = vec![requests(60)];
    world.plan.down = PacePlan::after(Duration::ZERO);
    world.seen.requests_total += 100;
    assert_eq!(world.period().size, 6);
}
