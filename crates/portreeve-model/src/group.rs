//! The backends of a pool that uphold what a request demands: among these it is balanced, and nowhere else.

mod manner;
mod pick;
mod sticky;
#[cfg(test)]
mod tests;
mod tier;

use std::iter;
use std::sync::Arc;

pub(crate) use self::manner::{GroupRules, Manner};
use self::sticky::Places;
use self::tier::{Rank, Tiers};
use crate::ask::{Ask, NotPicked};
use crate::backend::Backend;
use crate::lease::Lease;
use crate::plan::LedgerMode;
use crate::policy::Policies;
use crate::route::RequestView;
use crate::standing::Standing;

/// The backends of a pool that uphold certain policies and may serve, as of one snapshot.
#[derive(Debug)]
pub struct Group {
    policies: Policies,
    /// Who may serve: the nearest tier first.
    backends: Vec<Arc<Backend>>,
    /// Who upholds the same and may not serve now, where that matters: the need that is missing, and the last resort.
    others: Vec<Arc<Backend>>,
    ledger: LedgerMode,
    manner: Arc<Manner>,
    tiers: Tiers,
    places: Places,
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

    /// Chooses a backend that was not tried yet, that may serve at this moment, and that has room: see
    /// [`Room`](crate::Room). [`Lease::why`] says how it came to be chosen.
    ///
    /// Where the pool says to use all, and nobody is healthy, it is one that is down or ejected; never one that does not
    /// uphold the policies, drains, is gone, or was never proved.
    ///
    /// # Errors
    /// There is nobody left, or nobody with room.
    pub fn pick(&self, ask: &Ask<'_>) -> Result<Lease, NotPicked> {
        if let Some(lease) = self.pick_known(ask) {
            return Ok(lease);
        }
        let nearest = self.tiers.nearest(&self.backends, ask);
        let place = self.choose(nearest, ask);
        if let Some(lease) = place.and_then(|place| self.take(nearest, place, ask)) {
            return Ok(lease);
        }
        self.pick_other(nearest, place, ask)
    }

    /// Whether the backend that was picked may still be given the request: what is asked last before its first byte goes
    /// out.
    #[must_use]
    pub fn admits(&self, lease: &Lease) -> bool {
        lease.may_serve(&self.policies)
    }

    /// The hash of what consistent hashing looks at, for [`Ask::key`]; 0, without any work, if the pool does not hash
    /// or the request lacks it.
    #[must_use]
    pub fn key(&self, request: &dyn RequestView) -> u64 {
        self.tiers.first().balance.key(request)
    }

    /// Whether nobody in it serves at this moment, not even one that is ejected.
    #[must_use]
    pub fn is_deserted(&self) -> bool {
        self.backends
            .iter()
            .all(|backend| backend.standing() != Standing::Serving)
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
        self.tiers.iter().any(|tier| tier.balance.is_weight_rounded())
    }

    /// Of these backends, all of which uphold `policies`, those who may serve. The very same group if nothing of it
    /// changed; turns go on in any case.
    pub(crate) fn build(
        policies: Policies,
        upholding: impl IntoIterator<Item = Arc<Backend>>,
        rules: &GroupRules<'_>,
        before: Option<&Arc<Self>>,
    ) -> Arc<Self> {
        let (backends, others) = sorted(upholding, rules.manner);
        debug_assert!(backends.iter().all(|backend| backend.policies.uphold(&policies)));
        debug_assert!(others.iter().all(|backend| backend.policies.uphold(&policies)));
        let is_same = |before: &&Arc<Self>| {
            before.follows(rules) && are(&before.backends, &backends) && are(&before.others, &others)
        };
        if let Some(same) = before.filter(is_same) {
            return Arc::clone(same);
        }
        let extent = rules.extent(&policies);
        let before = before.map(|before| (&before.tiers, &before.backends[..]));
        Arc::new(Self {
            ledger: rules.ledger(&policies),
            tiers: Tiers::lay_out(&backends, &others, (rules.manner, extent), before),
            places: Places::of(&backends, rules.manner.is_sticky),
            manner: Arc::clone(rules.manner),
            policies,
            backends,
            others,
        })
    }

    /// Those of this group that uphold `policies` too, also those that may not serve now.
    pub(crate) fn upholding(&self, policies: &Policies) -> impl Iterator<Item = Arc<Backend>> {
        let known = self.backends.iter().chain(&self.others);
        known.filter(|backend| backend.policies.uphold(policies)).cloned()
    }

    /// Whether it would be no other by these rules, of the same backends.
    pub(crate) fn follows(&self, rules: &GroupRules<'_>) -> bool {
        self.manner == *rules.manner && self.ledger == rules.ledger(&self.policies)
    }
}

/// Who may serve, the nearest tier first, and who may not at the moment.
fn sorted(
    upholding: impl IntoIterator<Item = Arc<Backend>>,
    manner: &Manner,
) -> (Vec<Arc<Backend>>, Vec<Arc<Backend>>) {
    let (mut backends, mut others) = (Vec::new(), Vec::new());
    for backend in upholding {
        match backend.standing() {
            Standing::Serving => backends.push(backend),
            other if manner.remembers(other) => others.push(backend),
            _ => {}
        }
    }
    backends.sort_by_key(|backend| Rank::of(backend, manner));
    (backends, others)
}

fn are(some: &[Arc<Backend>], others: &[Arc<Backend>]) -> bool {
    let is_it = |(one, other): (&Arc<Backend>, &Arc<Backend>)| Arc::ptr_eq(one, other);
    some.len() == others.len() && iter::zip(some, others).all(is_it)
}
