//! Backends that serve the same thing, and the choice among them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::BackendAddress;
use crate::ask::Ask;
use crate::backend::Backend;
use crate::balance::Balance;
use crate::cursor::Cursor;
use crate::lease::Lease;
use crate::plan::{BackendLimits, BalancePlan, Name, PoolPlan};
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
            let kept = known.take(&label, &address, target.weight);
            backends.push(kept.unwrap_or_else(|| Arc::new(Backend::new(label, address, target.weight))));
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

    fn take(&mut self, label: &str, address: &BackendAddress, weight: u16) -> Option<Arc<Backend>> {
        let twins = self.0.get_mut(label)?;
        let place = twins
            .iter()
            .position(|twin| twin.address == *address && twin.weight == weight)?;
        Some(twins.remove(place))
    }
}

fn is_same(one: &[Arc<Backend>], other: &[Arc<Backend>]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| Arc::ptr_eq(one, other))
}
