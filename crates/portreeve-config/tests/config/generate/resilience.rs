//! Any probe, ejection, retry, hedge, room and cookie of a pool that go together.

use std::time::Duration;

use portreeve_model::plan::{
    BalancePlan, Check, EjectionPlan, FailMode, HedgePlan, HoldPlan, HttpCheck, InFlightPlan, PoolPlan,
    ProbePlan, RetryPlan, StickyPlan, WaitingPage,
};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{ms, scale};

/// The pool with all of it, as far as its balance and its limits allow.
pub(super) fn of(pool: PoolPlan) -> impl Strategy<Value = PoolPlan> {
    let looked_at = (option::of(probe()), ejection());
    let again = (retry(), option::of(hedge()));
    let chosen = (ms(0, 3_600_000), option::of(sticky()), option::of(scale::plan()));
    (looked_at.boxed(), again.boxed(), room().boxed(), chosen.boxed()).prop_map(
        move |(
            (probe, ejection),
            (retry, hedge),
            (in_flight, fail_mode, hold),
            (slow_start, sticky, scale),
        )| {
            made_sound(PoolPlan {
                probe,
                ejection,
                retry,
                hedge,
                in_flight,
                fail_mode,
                hold,
                slow_start,
                sticky,
                scale,
                ..pool.clone()
            })
        },
    )
}

/// Whatever contradicts the rest gives way to it.
fn made_sound(mut pool: PoolPlan) -> PoolPlan {
    let limits = &pool.limits;
    let total = limits.total_timeout.unwrap_or(Duration::MAX);
    let most = total.min(limits.first_byte_timeout);
    pool.retry.attempt_timeout = pool.retry.attempt_timeout.map(|own| own.min(most));
    pool.hold.timeout = pool.hold.timeout.min(total);
    let is_never = limits.attempts_max == 1 || (pool.retry.budget_percent, pool.retry.budget_min) == (0, 0);
    if is_never {
        pool.hedge = None;
        pool.retry.statuses = Vec::new();
        pool.retry.marked_by = None;
    }
    let end = most.min(pool.retry.attempt_timeout.unwrap_or(most));
    pool.hedge = pool.hedge.map(|hedge| within(hedge, end));
    if matches!(pool.balance, BalancePlan::Hash(_)) {
        pool.sticky = None;
    }
    if matches!(pool.balance, BalancePlan::Hash(_) | BalancePlan::First) {
        pool.slow_start = Duration::ZERO;
    }
    if let Some(first) = pool.targets.first_mut() {
        first.is_backup = false;
    }
    scale::made_sound(&mut pool);
    with_default_hold(pool)
}

fn within(hedge: HedgePlan, end: Duration) -> HedgePlan {
    let after = hedge.after.map(|after| after.min(end));
    let plain = HedgePlan::default().after_min;
    HedgePlan {
        after,
        after_min: match after {
            Some(after) => hedge.after_min.min(after),
            None if end < plain => plain,
            None => hedge.after_min.min(end),
        },
    }
}

/// The hold that is there without a word, where a word would be a fault, or where it is the same anyway.
fn with_default_hold(mut pool: PoolPlan) -> PoolPlan {
    let is_long =
        pool.scale.is_some() || pool.in_flight == InFlightPlan::Adaptive && pool.fail_mode != FailMode::Hold;
    let plain = Duration::from_secs(if is_long { 30 } else { 5 });
    let plain = pool.limits.total_timeout.map_or(plain, |total| total.min(plain));
    let is_never = pool.in_flight == InFlightPlan::Unlimited && pool.fail_mode != FailMode::Hold;
    if is_never {
        pool.hold.requests_max = HoldPlan::default().requests_max;
    }
    if pool.fail_mode == FailMode::Hold {
        pool.hold.requests_max = pool.hold.requests_max.max(1);
    }
    if is_never || pool.hold.requests_max == 0 {
        pool.hold = HoldPlan {
            requests_max: pool.hold.requests_max,
            timeout: plain,
            ..HoldPlan::default()
        };
    }
    pool
}

fn probe() -> impl Strategy<Value = ProbePlan> {
    let times = (ms(100, 3_600_000), ms(100, 3_600_000), ms(1, 3_600_000));
    let counts = (1..=10_u8, 1..=10_u8);
    (check(), option::of((times, counts))).prop_map(|(check, said)| {
        let plain = ProbePlan::new(check);
        match said {
            None => plain,
            Some(((every, unhealthy, timeout), (rise, fall))) => ProbePlan {
                every,
                every_unhealthy: unhealthy.min(every),
                timeout: timeout.min(every),
                rise,
                fall,
                ..plain
            },
        }
    })
}

fn check() -> impl Strategy<Value = Check> {
    let word = "[ -z|~ä\t]{0,20}";
    prop_oneof![
        Just(Check::Connect),
        Just(Check::Packet),
        http().prop_map(Check::Http),
        "[a-zA-Z.]{0,20}".prop_map(|service| Check::Grpc { service }),
        ("[!-z|~ä]{1,20}", vec(word, 0..3)).prop_map(|(program, mut command)| {
            command.insert(0, program);
            command.push("{host}:{port}".to_owned());
            Check::Exec { command }
        }),
    ]
}

fn http() -> impl Strategy<Value = HttpCheck> {
    let head = (
        select(vec!["GET", "POST", "OPTIONS", "HEAD"]),
        "/[!$&'-;=?a-z%]{0,20}",
        option::of(select(vec!["shop.example.com", "[::1]:80", "a:8000", "10.0.0.1"])),
    );
    let headers = btree_map("x-[a-z]{1,8}", "([!-~ä]([ -~ä]{0,9}[!-~ä])?)?", 0..3);
    let passes = (statuses(200, 1), option::of("[ -~ä\n\"\\\\]{1,40}"));
    (head, headers, passes).prop_map(|((method, target, host), headers, (statuses, body))| HttpCheck {
        method: method.to_owned(),
        target,
        host: host.map(str::to_owned),
        headers: headers.into_iter().collect(),
        statuses,
        body_contains: body.filter(|_| method != "HEAD"),
    })
}

/// Up to three, each once.
fn statuses(least: u16, fewest: usize) -> impl Strategy<Value = Vec<(u16, u16)>> {
    let range = (least..=599_u16, 0..=99_u16);
    let range = range.prop_map(|(first, more)| (first, (first + more).min(599)));
    btree_set(range, fewest..=3).prop_map(|ranges| ranges.into_iter().collect())
}

fn ejection() -> impl Strategy<Value = EjectionPlan> {
    let reasons = (
        option::of(1..=1_000_u16),
        statuses(500, 0),
        any::<bool>(),
        option::of(2..=1_000_u16),
    );
    let times = (ms(100, 86_400_000), ms(100, 86_400_000));
    let plan = (reasons, times, 1..=100_u8).prop_map(|(reasons, (one, other), share)| {
        let counts_failures = reasons.0.is_some() || reasons.2;
        EjectionPlan {
            failures_in_a_row: reasons.0,
            statuses: match counts_failures {
                true => reasons.1,
                false => EjectionPlan::default().statuses,
            },
            by_success_rate: reasons.2,
            latency_factor: reasons.3.or((!counts_failures).then_some(7)),
            time: one.min(other),
            time_max: one.max(other),
            share_max_percent: share,
        }
    });
    let nobody = EjectionPlan {
        share_max_percent: 0,
        ..EjectionPlan::default()
    };
    prop_oneof![Just(EjectionPlan::default()), Just(nobody), plan]
}

fn retry() -> impl Strategy<Value = RetryPlan> {
    let wishes = (statuses(400, 0), option::of("x-[a-z]{1,9}"), 0..=1_u32 << 20);
    let budget = (0..=100_u8, prop_oneof![Just(0_u16), 0..=10_000_u16]);
    let times = (option::of(ms(1, 86_400_000)), ms(0, 3_600_000));
    let plan = (wishes, budget, times).prop_map(|(wishes, budget, times)| RetryPlan {
        statuses: wishes.0,
        marked_by: wishes.1,
        body_bytes_max: wishes.2,
        attempt_timeout: times.0,
        budget_percent: budget.0,
        budget_min: budget.1,
        retry_after_max: times.1,
    });
    prop_oneof![Just(RetryPlan::default()), plan]
}

fn hedge() -> impl Strategy<Value = HedgePlan> {
    let plan = (option::of(ms(1, 60_000)), ms(1, 60_000));
    let plan = plan.prop_map(|(after, after_min)| HedgePlan { after, after_min });
    prop_oneof![Just(HedgePlan::default()), plan]
}

fn room() -> impl Strategy<Value = (InFlightPlan, FailMode, HoldPlan)> {
    let in_flight = prop_oneof![
        Just(InFlightPlan::Adaptive),
        Just(InFlightPlan::Unlimited),
        (1..=1_000_000_u32).prop_map(InFlightPlan::AtMost),
    ];
    let fail_mode = select(vec![FailMode::Refuse, FailMode::Hold, FailMode::UseAll]);
    let requests_max = prop_oneof![Just(0_u32), Just(1_024), 0..=100_000_u32];
    let bytes_max = prop_oneof![Just(64 << 20), 64 << 10..=1_u64 << 40];
    let page = prop_oneof![
        Just(None),
        Just(Some(WaitingPage::Ours)),
        "[!-~ä][ -~ä\n\r\t]{0,40}".prop_map(|html| Some(WaitingPage::Of(html.into()))),
    ];
    let hold = (requests_max, ms(1, 600_000), bytes_max, page);
    let hold = hold.prop_map(|(requests_max, timeout, bytes_max, page)| HoldPlan {
        requests_max,
        timeout,
        bytes_max,
        page,
    });
    (in_flight, fail_mode, hold)
}

fn sticky() -> impl Strategy<Value = StickyPlan> {
    let cookie = prop_oneof![Just("portreeve".to_owned()), "[!#$%&'*+.^`|~0-9a-zA-Z-]{1,20}"];
    let max_age = option::of((1..=34_560_000_u64).prop_map(Duration::from_secs));
    (cookie, max_age, any::<bool>()).prop_map(|(cookie, max_age, is_secure)| StickyPlan {
        cookie,
        max_age,
        is_secure,
    })
}
