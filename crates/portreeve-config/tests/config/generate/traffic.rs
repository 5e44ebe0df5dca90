//! Any deadline, rates, priority, split and mirror of a route.

use portreeve_model::plan::{
    BackendTlsPlan, Check, DeadlinePlan, FailMode, HashKey, InFlightPlan, MirrorPlan, Name, Plan, PoolPlan,
    PriorityPlan, RateKey, RatePlan, RoutePlan, Scheme, SplitPlan,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::ms;

/// The route with all of it; the other pools are some of these.
pub(super) fn of(route: RoutePlan, pools: &[Name]) -> impl Strategy<Value = RoutePlan> + use<> {
    let others: Vec<Name> = pools
        .iter()
        .filter(|pool| **pool != route.pool)
        .cloned()
        .collect();
    let elsewhere = (
        subsequence(others.clone(), 0..=others.len()).prop_shuffle(),
        vec(1..=250_u16, others.len()),
        option::of(key()),
        any::<bool>(),
        1..=1_000_u16,
    );
    (deadline(), rates(), priority(), elsewhere).prop_map(
        move |(deadline, rates, priority, (mut names, shares, key, is_mirrored, share))| {
            let mirror = names.pop().filter(|_| is_mirrored);
            let arms: Vec<(Name, u16)> = names.into_iter().zip(shares).collect();
            RoutePlan {
                deadline,
                rates,
                priority,
                split: (!arms.is_empty()).then_some(SplitPlan { arms, key }),
                mirror: mirror.map(|pool| MirrorPlan { pool, share }),
                ..route.clone()
            }
        },
    )
}

/// The plan with pools for packets that say nothing of HTTP, and routes that do not contradict their pools.
pub(super) fn made_sound(mut plan: Plan) -> Plan {
    let packets = plan
        .listeners
        .iter()
        .filter_map(|listener| listener.packets.as_ref());
    let packets: Vec<&Name> = packets.map(|packets| &packets.pool).collect();
    let speak_packets = plan.pools.iter_mut().filter(|pool| packets.contains(&&pool.name));
    speak_packets.for_each(without_http);
    for route in &mut plan.routes {
        let arms = route.split.iter().flat_map(|split| &split.arms);
        let names: Vec<&Name> = std::iter::once(&route.pool)
            .chain(arms.map(|(name, _)| name))
            .collect();
        let pools = || plan.pools.iter().filter(|pool| names.contains(&&pool.name));
        let delay = pools()
            .filter_map(|pool| pool.hedge)
            .map(|hedge| hedge.after.unwrap_or(hedge.after_min))
            .max();
        let is_before = route
            .deadline
            .timeout
            .is_some_and(|own| delay.is_some_and(|delay| own <= delay));
        if is_before {
            route.deadline.timeout = None;
        }
        if !pools().any(may_hold) {
            route.priority = PriorityPlan::Middle;
        }
    }
    plan
}

fn without_http(pool: &mut PoolPlan) {
    let speaks_http = |check: &Check| matches!(check, Check::Http(_) | Check::Grpc { .. });
    pool.probe = pool.probe.take().filter(|probe| !speaks_http(&probe.check));
    pool.hedge = None;
    pool.sticky = None;
    pool.hold.page = None;
    (pool.scheme, pool.tls) = (Scheme::Http, BackendTlsPlan::default());
    let targets = pool.targets.iter_mut();
    targets.for_each(|target| target.scheme = Scheme::Http);
}

fn may_hold(pool: &PoolPlan) -> bool {
    let has_reason = pool.in_flight != InFlightPlan::Unlimited || pool.fail_mode == FailMode::Hold;
    has_reason && pool.hold.requests_max > 0
}

fn deadline() -> impl Strategy<Value = DeadlinePlan> {
    let header = option::of("x-[a-z]{1,9}");
    (option::of(ms(1, 604_800_000)), header).prop_map(|(timeout, header)| DeadlinePlan { timeout, header })
}

/// Each counts something else, so that none makes another useless.
fn rates() -> impl Strategy<Value = Vec<RatePlan>> {
    let keys = vec![
        RateKey::Route,
        RateKey::Client,
        RateKey::Header("x-key".to_owned()),
        RateKey::Header("x-user".to_owned()),
    ];
    let figures = (1..=1_000_000_u32, ms(1, 3_600_000), option::of(1..=1_000_000_u32));
    (subsequence(keys, 0..=3).prop_shuffle(), vec(figures, 3)).prop_map(|(keys, figures)| {
        let rate = |(per, (requests, every, burst)): (RateKey, (u32, _, Option<u32>))| RatePlan {
            per,
            requests,
            every,
            burst: burst.unwrap_or(requests),
        };
        keys.into_iter().zip(figures).map(rate).collect()
    })
}

fn priority() -> impl Strategy<Value = PriorityPlan> {
    prop_oneof![
        Just(PriorityPlan::Middle),
        select(vec![0, 1, 2, 4, 5, 6, 7]).prop_map(PriorityPlan::Fixed),
        "[a-z-]{1,20}".prop_map(PriorityPlan::Header),
    ]
}

fn key() -> impl Strategy<Value = HashKey> {
    prop_oneof![
        Just(HashKey::ClientAddress),
        Just(HashKey::Path),
        "[a-zA-Z0-9_-]{1,20}".prop_map(HashKey::Cookie),
    ]
}
