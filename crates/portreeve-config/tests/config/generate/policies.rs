//! Any policies, and demands of them.

use std::net::SocketAddr;

use portreeve_model::plan::{
    DemandPlan, LedgerMode, MembersPlan, Name, Plan, PolicyPlan, PolicySource, PoolPlan, RoutePlan,
    ScaleMode, Target, TargetAddress,
};
use portreeve_model::{Policies, Policy};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::scale;

/// What a file says of single policies.
pub(super) fn plans() -> impl Strategy<Value = Vec<PolicyPlan>> {
    let named = (policies(3), vec(ledger_mode(), 3));
    named.prop_map(|(policies, modes)| {
        let pairs = policies.iter().zip(modes);
        pairs
            .map(|(policy, ledger)| PolicyPlan {
                policy: policy.clone(),
                ledger,
            })
            .collect()
    })
}

pub(super) fn ledger_mode() -> impl Strategy<Value = LedgerMode> {
    select(vec![LedgerMode::Off, LedgerMode::On, LedgerMode::Required])
}

/// Few common names, so that sets overlap, and strange ones.
pub(super) fn policies(most: usize) -> impl Strategy<Value = Policies> {
    let common = select(vec!["eu", "hipaa", "PP_1", "111"]).prop_map(str::to_owned);
    let strange = "[!-+--~ä☃\"\\\\]([ -+--~ä☃]{0,18}[!-+--~ä☃])?";
    btree_set(prop_oneof![common, strange], 0..=most).prop_map(|names| {
        let policies = names.iter().map(|name| Policy::new(name).expect("a good name"));
        policies.collect()
    })
}

/// What is always demanded first, then what requests say, each place once.
pub(super) fn demands() -> impl Strategy<Value = Vec<DemandPlan>> {
    (policies(2), vec(demand(), 0..3)).prop_map(|(always, named)| {
        let mut demands = Vec::new();
        if !always.is_empty() {
            demands.push(plain(PolicySource::Fixed(always)));
        }
        for demand in named {
            if demands.iter().all(|known: &DemandPlan| known.from != demand.from) {
                demands.push(demand);
            }
        }
        demands
    })
}

fn plain(from: PolicySource) -> DemandPlan {
    DemandPlan {
        from,
        accepts: Policies::none(),
        otherwise: Policies::none(),
        is_optional: false,
    }
}

fn demand() -> impl Strategy<Value = DemandPlan> {
    (source(), policies(3), policies(3), any::<bool>(), any::<bool>()).prop_map(
        |(from, otherwise, more, is_bounded, is_optional)| {
            let accepts: Policies = otherwise.iter().chain(&more).cloned().collect();
            DemandPlan {
                from,
                accepts: if is_bounded { accepts } else { Policies::none() },
                is_optional: is_optional && otherwise.is_empty(),
                otherwise,
            }
        },
    )
}

fn source() -> impl Strategy<Value = PolicySource> {
    prop_oneof![
        "[!#$%&'*+.^_`|~0-9a-z-]{1,20}".prop_map(PolicySource::Header),
        "[!#$%&'*+.^_`|~0-9a-zA-Z-]{1,20}".prop_map(PolicySource::Cookie),
        "[ -~ä]{1,20}".prop_map(PolicySource::Query),
        (1..=127_u8).prop_map(PolicySource::HostLabel),
        (1..=255_u8).prop_map(PolicySource::PathSegment),
    ]
}

/// The plan with a backend for whatever it always demands, and with a way for backends into the pools it leads to.
pub(super) fn made_servable(mut plan: Plan) -> Plan {
    let is_open = plan.listeners.iter().any(|listener| listener.registration);
    let served = plan
        .listeners
        .iter()
        .filter_map(|listener| listener.packets.as_ref());
    let packets: Vec<_> = served.map(|packets| packets.pool.clone()).collect();
    for pool in &mut plan.pools {
        let routes = plan.routes.iter().filter(|route| leads_to(route, &pool.name));
        let always: Vec<Policies> = routes.map(always).collect();
        let is_reached = !always.is_empty() || packets.contains(&pool.name);
        if let Some(scale) = pool.scale.as_mut().filter(|_| !is_open) {
            scale::made_by_us(scale);
        }
        let starts = starts(pool);
        fill(pool, is_open, is_reached && !starts);
        let first = pool.targets.first_mut().map(|target| &mut target.policies);
        let fleets = pool.scale.iter_mut().flat_map(|scale| &mut scale.fleets);
        let first = first.or_else(|| fleets.map(|fleet| &mut fleet.policies).next());
        if let Some(first) = first {
            let all = always.iter().flatten().chain(&*first);
            *first = all.cloned().collect();
        }
    }
    plan
}

/// Whether any of its requests gets into this pool.
fn leads_to(route: &RoutePlan, pool: &Name) -> bool {
    let arms = route.split.iter().flat_map(|split| &split.arms);
    let mirror = route.mirror.iter().map(|mirror| &mirror.pool);
    let mut others = arms.map(|(name, _)| name).chain(mirror);
    route.pool == *pool || others.any(|name| name == pool)
}

/// Whether it has backends that no file names.
fn starts(pool: &PoolPlan) -> bool {
    let scale = pool.scale.as_ref();
    scale.is_some_and(|scale| scale.mode == ScaleMode::On)
}

fn fill(pool: &mut PoolPlan, is_open: bool, is_reached: bool) {
    match (pool.targets.is_empty() && is_reached, is_open) {
        (true, true) => pool.members = pool.members.take().or(Some(MembersPlan::default())),
        (true, false) => pool
            .targets
            .push(Target::new(TargetAddress::Socket(SocketAddr::from((
                [10, 0, 0, 1],
                80,
            ))))),
        (false, _) => {}
    }
}

fn always(route: &RoutePlan) -> Policies {
    match route.demands.first().map(|demand| &demand.from) {
        Some(PolicySource::Fixed(policies)) => policies.clone(),
        _ => Policies::none(),
    }
}
