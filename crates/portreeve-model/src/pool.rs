//! Backends that serve the same thing, and the choice among them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::BackendAddress;
use crate::ask::Ask;
use crate::backend::Backend;
use crate::balance::Balance;
use crate::cursor::Cursor;
use crate::lease::Lease;
use crate::plan::{BackendLimits, BalancePlan, Name, PoolPlan, Target};
use crate::resolved::Resolved;
use crate::route::RequestView;

/// Backends that serve the same thing.
#[derive(Debug)]
pub struct Pool {
    /// As in `[pool.NAME]`.
    pub name: Name,
    /// In the order of the plan; a name's addresses in sorted order.
    pub backends: Vec<Arc<Backend>>,
    /// What a backend may make us wait for.
    pub limits: BackendLimits,
    plan: BalancePlan,
    balance: Balance,
    /// Lives on from snapshot to snapshot.
    cursor: Arc<Cursor>,
}

impl Pool {
    /// Chooses a backend that was not tried yet; `None` if there is nobody left.
    #[must_use]
    pub fn pick(&self, ask: &Ask<'_>) -> Option<Lease> {
        if self.is_exhausted(ask) {
            return None;
        }
        let place = self.balance.choose(&self.backends, ask, &self.cursor)?;
        Some(Lease::take(&self.backends[place]))
    }

    /// The hash of what consistent hashing looks at, for [`Ask::key`]; 0, without any work, if the pool does not hash
    /// or the request lacks it.
    #[must_use]
    pub fn key(&self, request: &dyn RequestView) -> u64 {
        self.balance.key(request)
    }

    /// Whether round robin had to round the weights, as exact turns would repeat only after more than 65,536. Shares
    /// are then off by up to one turn in 65,536 per backend.
    #[must_use]
    pub fn is_weight_rounded(&self) -> bool {
        self.balance.is_weight_rounded()
    }

    /// What `previous`, the pool of the same name, had and still has to have is carried over.
    pub(crate) fn build(plan: &PoolPlan, resolved: &Resolved, previous: Option<&Self>) -> Self {
        let backends = backends(plan, resolved, previous);
        let unchanged =
            previous.filter(|pool| pool.plan == plan.balance && is_same(&pool.backends, &backends));
        let balance = unchanged.map_or_else(
            || Balance::new(&plan.balance, &backends),
            |pool| pool.balance.clone(),
        );
        let cursor = previous.map(|pool| Arc::clone(&pool.cursor)).unwrap_or_default();
        let (name, limits) = (Arc::clone(&plan.name), plan.limits.clone());
        Self {
            name,
            backends,
            limits,
            plan: plan.balance.clone(),
            balance,
            cursor,
        }
    }

    /// A pool in which there is nobody to pick.
    pub(crate) fn empty(name: &Name) -> Self {
        let (plan, limits) = (BalancePlan::default(), BackendLimits::default());
        let balance = Balance::new(&plan, &[]);
        Self {
            name: Arc::clone(name),
            backends: Vec::new(),
            limits,
            plan,
            balance,
            cursor: Arc::default(),
        }
    }

    /// Only a pool of up to as many backends as can be tried may be.
    fn is_exhausted(&self, ask: &Ask<'_>) -> bool {
        !ask.tried.is_empty()
            && self.backends.len() <= ask.tried.len()
            && self.backends.iter().all(|backend| ask.tried.contains(backend.id))
    }
}

/// The very same backends where label, address and weight stay, new ones for the rest.
fn backends(plan: &PoolPlan, resolved: &Resolved, previous: Option<&Pool>) -> Vec<Arc<Backend>> {
    let mut known = previous.map(|pool| Known::of(&pool.backends)).unwrap_or_default();
    let mut backends = Vec::new();
    for target in &plan.targets {
        for (label, address) in resolved.expand(target) {
            let kept = known.take(&label, &address, target);
            let make = || {
                Arc::new(Backend::new(
                    label,
                    address,
                    target.weight,
                    target.policies.clone(),
                ))
            };
            backends.push(kept.unwrap_or_else(make));
        }
    }
    backends
}

/// Backends that can be taken over, each once.
#[derive(Default)]
struct Known(BTreeMap<Arc<str>, Vec<Arc<Backend>>>);

impl Known {
    fn of(backends: &[Arc<Backend>]) -> Self {
        let mut known = Self::default();
        for backend in backends {
            known
                .0
                .entry(Arc::clone(&backend.label))
                .or_default()
                .push(Arc::clone(backend));
        }
        known
    }

    fn take(&mut self, label: &str, address: &BackendAddress, target: &Target) -> Option<Arc<Backend>> {
        let twins = self.0.get_mut(label)?;
        let place = twins.iter().position(|twin| {
            twin.address == *address && twin.weight == target.weight && twin.policies == target.policies
        })?;
        Some(twins.remove(place))
    }
}

fn is_same(one: &[Arc<Backend>], other: &[Arc<Backend>]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| Arc::ptr_eq(one, other))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::HashKey;
    use crate::samples::{ask, pool, tried};
    use crate::tried::Tried;

    fn balances() -> impl Strategy<Value = BalancePlan> {
        prop::sample::select(vec![
            BalancePlan::RoundRobin,
            BalancePlan::LeastRequests,
            BalancePlan::Random,
            BalancePlan::TwoChoices,
            BalancePlan::Hash(HashKey::Path),
            BalancePlan::First,
        ])
    }

    #[test]
    fn an_empty_pool_picks_nobody() {
        assert!(
            Pool::empty(&"none".into())
                .pick(&ask(&Tried::default()))
                .is_none()
        );
    }

    #[test]
    fn a_pick_is_in_flight_until_its_lease_falls() {
        let pool = pool(BalancePlan::RoundRobin, &[1]);
        let lease = pool.pick(&ask(&Tried::default())).unwrap();
        assert_eq!(lease.backend().in_flight(), 1);
        drop(lease);
        assert_eq!(pool.backends[0].in_flight(), 0);
        assert_eq!(pool.backends[0].requests_total(), 1);
    }

    #[test]
    fn only_a_hashing_pool_computes_a_key() {
        let request = crate::samples::Request::get("", "/a");
        assert_eq!(pool(BalancePlan::RoundRobin, &[1]).key(&request), 0);
        assert_ne!(pool(BalancePlan::Hash(HashKey::Path), &[1]).key(&request), 0);
    }

    #[test]
    fn only_weights_that_were_rounded_are_said_to_be() {
        assert!(!pool(BalancePlan::RoundRobin, &[1000, 1]).is_weight_rounded());
        let weights: Vec<u16> = (1..=1000).collect();
        assert!(pool(BalancePlan::RoundRobin, &weights).is_weight_rounded());
        assert!(!pool(BalancePlan::Random, &weights).is_weight_rounded());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_backend_is_tried_once_and_then_nobody_is_left(
            balance in balances(), weights in prop::collection::vec(1_u16..=1000, 0..8), key: u64, dice: u64,
        ) {
            let pool = pool(balance, &weights);
            let mut tried = Tried::default();
            for _ in &weights {
                let lease = pool.pick(&Ask { key, dice, tried: &tried });
                prop_assert!(tried.insert(lease.expect("somebody is left").backend().id));
            }
            let left = pool.pick(&Ask { key, dice, tried: &tried });
            prop_assert!(left.is_none());
        }

        #[test]
        fn a_large_pool_never_picks_a_tried_backend(
            balance in balances(), heavy in 0_usize..8, key: u64, dice: u64,
        ) {
            let mut weights = [1; 12];
            weights[heavy] = 1000;
            let pool = pool(balance, &weights);
            let tried = tried(&pool.backends[..8]);
            let lease = pool.pick(&Ask { key, dice, tried: &tried }).expect("four are left");
            prop_assert!(!tried.contains(lease.backend().id));
        }
    }
}
