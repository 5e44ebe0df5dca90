//! The backends of a pool that uphold what a request demands: among these it is balanced, and nowhere else.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::ask::{Ask, NotPicked};
use crate::backend::Backend;
use crate::balance::Balance;
use crate::balance::extent::Extent;
use crate::cursor::Cursor;
use crate::lease::Lease;
use crate::plan::{BalancePlan, LedgerMode};
use crate::policy::Policies;
use crate::route::RequestView;
use crate::standing::Standing;

/// The backends of a pool that uphold certain policies and may serve, as of one snapshot.
#[derive(Debug)]
pub struct Group {
    policies: Policies,
    backends: Vec<Arc<Backend>>,
    ledger: LedgerMode,
    plan: BalancePlan,
    balance: Balance,
    /// Lives on from snapshot to snapshot.
    cursor: Arc<Cursor>,
}

impl Group {
    /// What is demanded of a backend; nothing: everybody of the pool is here.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// How many there are to choose from.
    #[must_use]
    pub fn candidates(&self) -> usize {
        self.backends.len()
    }

    /// Whether what these policies ask for is written to the ledger.
    #[must_use]
    pub fn ledger(&self) -> LedgerMode {
        self.ledger
    }

    /// Chooses a backend that was not tried yet, and that may serve at this moment.
    ///
    /// # Errors
    /// There is nobody left.
    pub fn pick(&self, ask: &Ask<'_>) -> Result<Lease, NotPicked> {
        let lease = self.choose(ask).ok_or(NotPicked::Nobody)?;
        if lease.backend().may_serve(&self.policies) {
            return Ok(lease);
        }
        self.pick_other(ask, lease).ok_or(NotPicked::Nobody)
    }

    /// Whether a backend that was picked may still be given the request: what is asked last before its first byte goes
    /// out.
    #[must_use]
    pub fn admits(&self, backend: &Backend) -> bool {
        backend.may_serve(&self.policies)
    }

    /// The hash of what consistent hashing looks at, for [`Ask::key`]; 0, without any work, if the pool does not hash
    /// or the request lacks it.
    #[must_use]
    pub fn key(&self, request: &dyn RequestView) -> u64 {
        self.balance.key(request)
    }

    /// Whether somebody in it is no more what it was: a newer snapshot is there or on its way.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        self.backends
            .iter()
            .any(|backend| backend.standing() == Standing::Gone)
    }

    /// See [`Pool::is_weight_rounded`](crate::Pool::is_weight_rounded).
    pub(crate) fn is_weight_rounded(&self) -> bool {
        self.balance.is_weight_rounded()
    }

    /// Of these `backends`, all of which uphold `policies`. The very same group if nothing of it changed; turns go on
    /// in any case.
    pub(crate) fn build(
        policies: Policies,
        backends: Vec<Arc<Backend>>,
        rules: &GroupRules<'_>,
        before: Option<&Arc<Self>>,
    ) -> Arc<Self> {
        debug_assert!(backends.iter().all(|backend| backend.policies.uphold(&policies)));
        let ledger = rules.ledger(&policies);
        if let Some(same) = before.filter(|before| before.is_same(&backends, ledger, rules.balance)) {
            return Arc::clone(same);
        }
        let cursor = before
            .map(|before| Arc::clone(&before.cursor))
            .unwrap_or_default();
        let mut group = Self::turning(policies, backends, rules, cursor);
        if let Some(before) = before {
            group
                .balance
                .go_on(&group.backends, &before.balance, &before.backends, &group.cursor);
        }
        Arc::new(group)
    }

    /// Of these `backends`, in turns that `cursor` counts.
    pub(crate) fn turning(
        policies: Policies,
        backends: Vec<Arc<Backend>>,
        rules: &GroupRules<'_>,
        cursor: Arc<Cursor>,
    ) -> Self {
        let extent = if policies.is_empty() && !rules.is_joinable {
            Extent::Fixed
        } else {
            Extent::Changing
        };
        Self {
            ledger: rules.ledger(&policies),
            plan: rules.balance.clone(),
            balance: Balance::new(rules.balance, &backends, extent),
            policies,
            backends,
            cursor,
        }
    }

    /// Those of this group that uphold `policies` too.
    pub(crate) fn upholding(&self, policies: &Policies) -> Vec<Arc<Backend>> {
        let fitting = self
            .backends
            .iter()
            .filter(|backend| backend.policies.uphold(policies));
        fitting.cloned().collect()
    }

    /// The world moved on since the snapshot: whoever may not serve any more counts as tried.
    #[cold]
    fn pick_other(&self, ask: &Ask<'_>, mut lease: Lease) -> Option<Lease> {
        let mut tried = *ask.tried;
        while tried.insert(lease.backend().id) {
            lease = self.choose(&Ask {
                tried: &tried,
                ..*ask
            })?;
            if lease.backend().may_serve(&self.policies) {
                return Some(lease);
            }
        }
        None
    }

    fn choose(&self, ask: &Ask<'_>) -> Option<Lease> {
        if self.is_exhausted(ask) {
            return None;
        }
        let place = self.balance.choose(&self.backends, ask, &self.cursor)?;
        Some(Lease::take(&self.backends[place], ask.now))
    }

    /// Only a group of up to as many backends as can be tried may be.
    fn is_exhausted(&self, ask: &Ask<'_>) -> bool {
        !ask.tried.is_empty()
            && self.backends.len() <= ask.tried.len()
            && self.backends.iter().all(|backend| ask.tried.contains(backend.id))
    }

    /// Whether it would be no other by these rules, of the same backends.
    pub(crate) fn follows(&self, rules: &GroupRules<'_>) -> bool {
        self.plan == *rules.balance && self.ledger == rules.ledger(&self.policies)
    }

    fn is_same(&self, backends: &[Arc<Backend>], ledger: LedgerMode, plan: &BalancePlan) -> bool {
        let is_it = |(one, other): (&Arc<Backend>, &Arc<Backend>)| Arc::ptr_eq(one, other);
        self.ledger == ledger
            && self.plan == *plan
            && self.backends.len() == backends.len()
            && self.backends.iter().zip(backends).all(is_it)
    }
}

/// What all groups of a pool have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupRules<'a> {
    pub(crate) balance: &'a BalancePlan,
    /// Whether its backends may come and go by themselves.
    pub(crate) is_joinable: bool,
    pub(crate) ledgers: &'a [(crate::policy::Policy, LedgerMode)],
}

impl GroupRules<'_> {
    /// The strictest that any of them asks for.
    fn ledger(&self, policies: &Policies) -> LedgerMode {
        let asked = self
            .ledgers
            .iter()
            .filter(|(policy, _)| policies.contains(policy.as_str()));
        asked.map(|(_, mode)| *mode).max().unwrap_or_default()
    }
}
