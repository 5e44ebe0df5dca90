//! Any rules, in the order in which a file gives them.

use portreeve_model::plan::{RulePlan, SchedulePlan};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::generate::ms;

/// Of a fleet that may have so many.
pub(super) fn rules(most: u32) -> BoxedStrategy<Vec<RulePlan>> {
    (targets(), option::of(steps(most)), vec(hours(most), 0..3))
        .prop_map(|(mut rules, steps, hours)| {
            rules.extend(steps);
            rules.extend(hours.into_iter().map(RulePlan::Schedule));
            rules
        })
        .boxed()
}

fn targets() -> impl Strategy<Value = Vec<RulePlan>> {
    let counted = (1..=1_000_000_u32, 1..=1_000_000_000_u32, ms(1_000, 3_600_000));
    let times = (ms(1, 3_600_000), ms(1, 600_000));
    let shares = (1..=100_u8, 1..=100_u8, 1..=100_u8);
    (counted, times, shares).prop_flat_map(|(counted, times, shares)| {
        let all = vec![
            RulePlan::InFlight {
                per_backend: counted.0,
            },
            RulePlan::Requests {
                per_backend: counted.1,
                within: counted.2,
            },
            RulePlan::Latency { p95: times.0 },
            RulePlan::HoldAge { at_most: times.1 },
            RulePlan::Cpu { percent: shares.0 },
            RulePlan::Memory { percent: shares.1 },
            RulePlan::Load { percent: shares.2 },
        ];
        subsequence(all, 0..=7)
    })
}

fn steps(most: u32) -> impl Strategy<Value = RulePlan> {
    let max = prop_oneof![Just(most), 1..=most];
    (1..=1_000_000_000_u32, ms(1_000, 3_600_000), 0..=most, max).prop_map(|(requests, within, start, max)| {
        RulePlan::Steps {
            requests,
            within,
            start: start.min(max),
            max,
        }
    })
}

fn hours(most: u32) -> impl Strategy<Value = SchedulePlan> {
    let days = prop_oneof![
        Just([true; 7]),
        any::<[bool; 7]>().prop_filter("some day", |days| days.contains(&true))
    ];
    (days, 0..=1_439_u16, 1..=1_440_u16, -840..=840_i16, 1..=most).prop_map(
        |(days, from, to, utc_offset, min)| SchedulePlan {
            days,
            from,
            to,
            utc_offset,
            min,
        },
    )
}
