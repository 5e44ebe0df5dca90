//! What holds whatever is seen and planned.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn rule() -> impl Strategy<Value = RulePlan> {
    let within = (1_u64..400).prop_map(Duration::from_secs);
    prop_oneof![
        (1_u32..50).prop_map(in_flight),
        (1_u32..500, within.clone())
            .prop_map(|(per_backend, within)| RulePlan::Requests { per_backend, within }),
        (1_u64..1_000).prop_map(|ms| RulePlan::Latency {
            p95: Duration::from_millis(ms)
        }),
        (1_u64..1_000).prop_map(|ms| RulePlan::HoldAge {
            at_most: Duration::from_millis(ms)
        }),
        (1_u8..=100).prop_map(|percent| RulePlan::Cpu { percent }),
        (1_u32..100, within, 0_u32..5, 5_u32..30).prop_map(|(requests, within, start, max)| {
            RulePlan::Steps {
                requests,
                within,
                start,
                max,
            }
        }),
        (0_u16..1_440, 1_u16..=1_440, 1_u32..20).prop_map(|(from, to, min)| {
            RulePlan::Schedule(SchedulePlan {
                days: [true, false, true, false, true, false, true],
                from,
                to,
                utc_offset: 90,
                min,
            })
        }),
    ]
}

fn pace() -> impl Strategy<Value = PacePlan> {
    let steps_max = proptest::option::of(1_u32..5);
    (0_u64..400, 0_u64..100, steps_max).prop_map(|(stabilisation, cool_down, steps_max)| PacePlan {
        stabilisation: seconds(stabilisation),
        cool_down: seconds(cool_down),
        steps_max,
    })
}

fn any_plan() -> impl Strategy<Value = FleetPlan> {
    let idle = proptest::option::of((0_u64..600).prop_map(Duration::from_secs));
    (
        0_u32..5,
        1_u32..30,
        vec(rule(), 0..4),
        pace(),
        pace(),
        0_u8..=100,
        idle,
    )
        .prop_map(|(min, max, rules, up, down, tolerance_percent, idle)| FleetPlan {
            up,
            down,
            tolerance_percent,
            idle,
            ..plan(min, max.max(min), rules)
        })
}

#[derive(Debug, Clone)]
struct Turn {
    pause_ms: u64,
    seen: Seen,
    more: u64,
    asked: u64,
    /// Of a hundred.
    healthy: u32,
    is_decided: bool,
}

fn turn() -> impl Strategy<Value = Turn> {
    let odd = prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(-1.0), 0.0..1e9_f64];
    let figures = (
        prop_oneof![Just(0), 0_u64..200, Just(u64::MAX)],
        prop_oneof![4 => Just(0_u64), 1 => 0_u64..50],
        0_u64..5_000,
        proptest::option::of(0_u64..5_000),
        proptest::option::of(prop_oneof![0.0..200.0_f64, odd]),
    );
    let rest = (0_u64..30_000, 0_u64..100, 0_u64..2, 0_u32..=100, any::<bool>());
    (figures, rest).prop_map(
        |((in_flight, waiting, wait, p95, cpu), (pause_ms, more, asked, healthy, is_decided))| Turn {
            pause_ms,
            seen: Seen {
                in_flight,
                waiting,
                longest_wait: Duration::from_millis(wait),
                p95: p95.map(Duration::from_millis),
                cpu_percent: cpu,
                ..Seen::default()
            },
            more,
            asked,
            healthy,
            is_decided,
        },
    )
}

impl World {
    fn turn(&mut self, turn: &Turn) -> Option<Decision> {
        self.pass(Duration::from_millis(turn.pause_ms));
        let (requests_total, asked_total) = (self.seen.requests_total, self.seen.asked_total);
        self.seen = Seen {
            requests_total: requests_total + turn.more,
            asked_total: asked_total + turn.asked,
            ..turn.seen
        };
        if !turn.is_decided {
            self.scaler.sample(&self.seen, self.now);
            return None;
        }
        let healthy = self.size * turn.healthy / 100;
        let (size, now) = (self.size, self.now);
        let decision = self
            .scaler
            .decide(&self.plan, &self.seen, size, healthy, now, self.unix_ms);
        self.size = decision.size;
        Some(decision)
    }
}

/// From the largest wish each bound begins where the one before ended, and the last ends at the size.
fn is_explained(decision: &Decision) -> bool {
    let mut size = decision.wishes.iter().map(|wish| wish.size).max().unwrap();
    for bound in &decision.bounds {
        if bound.from != size || bound.to == size {
            return false;
        }
        size = bound.to;
    }
    size == decision.size || decision.rule == Some(RuleKind::Idle)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn never_beyond_max_nor_below_min_and_never_none_while_somebody_waits(
        plans in vec(any_plan(), 1..4),
        size in 0_u32..40,
        turns in vec(turn(), 1..120),
    ) {
        let mut world = World::of(plans[0].clone(), size);
        for (number, turn) in turns.iter().enumerate() {
            world.plan = plans[number * plans.len() / turns.len()].clone();
            let before = world.size;
            let Some(decision) = world.turn(turn) else { continue };
            let (size, plan) = (decision.size, &world.plan);
            prop_assert!(plan.min <= size && size <= plan.max, "{decision:?}");
            prop_assert!(size > 0 || world.seen.waiting == 0, "{decision:?}");
            prop_assert!(size > 0 || before == 0 || world.seen.in_flight == 0, "{decision:?}");
            prop_assert!(is_explained(&decision), "{decision:?}");
            let is_paced = (plan.min..=plan.max).contains(&before) && decision.rule != Some(RuleKind::Idle);
            let floor = plan.min.max(1);
            let most = before.saturating_add(plan.up.steps_max.unwrap_or(u32::MAX)).max(floor);
            let least = before.saturating_sub(plan.down.steps_max.unwrap_or(u32::MAX));
            prop_assert!(!is_paced || (least..=most).contains(&size), "{decision:?}");
            prop_assert!(size <= before.max(floor) || decision.wishes.iter().any(|wish| wish.size >= size));
        }
    }

    #[test]
    fn a_step_up_is_followed_within_two_periods_and_one_down_within_the_window_without_a_reversal(
        per_backend in 1_u32..40,
        low in 1_u32..4,
        high in 4_u32..30,
        stabilisation in 0_u64..40,
        begins in 0_u64..10,
        tolerance in 0_u8..15,
    ) {
        let mut world = World::new(plan(1, 40, vec![in_flight(per_backend)]));
        (world.plan.down.stabilisation, world.plan.tolerance_percent) = (seconds(stabilisation * 10), tolerance);
        let (low_load, high_load) = (u64::from(low * per_backend), u64::from(high * per_backend));
        world.seen.in_flight = low_load;
        world.periods(60);
        prop_assert_eq!(world.size, low);
        for _ in 0..3 {
            world.half_a_period(begins, high_load);
            let ups = world.periods(1 + 30);
            let is_enough = f64::from(ups[0]) * (1.0 + f64::from(tolerance) / 100.0) + 1e-6 >= f64::from(high);
            prop_assert!(ups.is_sorted() && ups[0] <= high && is_enough, "{ups:?}");
            world.half_a_period(begins, low_load);
            let downs = world.periods(usize::try_from(stabilisation).unwrap() + 1);
            prop_assert!(downs.iter().rev().is_sorted(), "{downs:?}");
            prop_assert_eq!(world.size, low);
        }
    }

    #[test]
    fn after_a_wish_that_stays_the_size_stays(rules in vec(rule(), 1..4), turn in turn(), size in 1_u32..20) {
        let rules = rules.into_iter().filter(|rule| matches!(rule, RulePlan::InFlight { .. }));
        let mut world = World::of(plan(1, 40, rules.collect()), size);
        world.seen = turn.seen;
        world.periods(62);
        let settled = world.size;
        prop_assert!(world.periods(100).iter().all(|size| *size == settled));
    }
}

impl World {
    /// One period, in which after so many seconds the load becomes another.
    fn half_a_period(&mut self, begins: u64, in_flight: u64) {
        for second in 0..10 {
            self.pass(seconds(1));
            if second == begins {
                self.seen.in_flight = in_flight;
            }
            self.scaler.sample(&self.seen, self.now);
        }
        self.decide();
    }
}
