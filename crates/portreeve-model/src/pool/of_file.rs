//! The backends that stand in the file: the very same where nothing changed, others for the rest, and what becomes of
//! those that they replace.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Weak};

use super::{Pool, PoolWorld};
use crate::address::BackendAddress;
use crate::backend::{Backend, BackendId};
use crate::digest::Digests;
use crate::plan::{Target, TargetAddress};
use crate::standing::Standing;

/// The very same backends where label, address, weight, policies, zone and tier stay, new ones for the rest.
pub(super) fn backends_of_file(world: &PoolWorld<'_>, previous: Option<&Pool>) -> Vec<Arc<Backend>> {
    let mut known = previous
        .map(|pool| Known::of(&pool.backends[..pool.of_file]))
        .unwrap_or_default();
    let mut backends = Vec::new();
    for target in &world.plan.targets {
        for (label, address) in world.resolved.expand(target) {
            let kept = known.take(&label, &address, target);
            let make = || {
                let backend = Backend::new(label, address, target.weight, target.policies.clone());
                Arc::new(
                    backend
                        .placed(target.zone.clone(), target.is_backup)
                        .speaking(target.scheme, host_of(target)),
                )
            };
            let backend = kept.unwrap_or_else(make);
            let standing = standing_of_file(world, &backend);
            // A request that fails to reach it just now is not contradicted.
            if standing != Standing::Serving || backend.standing() != Standing::Down {
                backend.stand(standing);
            }
            backends.push(backend);
        }
    }
    backends
}

/// The name that stands in the file.
fn host_of(target: &Target) -> Option<Arc<str>> {
    match &target.address {
        TargetAddress::Host { host, .. } => Some(host.as_str().into()),
        TargetAddress::Socket(_) | TargetAddress::Unix(_) => None,
    }
}

/// One of the file serves unless the operator drained it, or it cannot be reached.
fn standing_of_file(world: &PoolWorld<'_>, backend: &Backend) -> Standing {
    world.registry.standing_of_file(world.plan, backend)
}

/// Backends that stood in the file and do not any more, but whose address still upholds there all that they did:
/// another weight, more policies. Whoever holds an older snapshot may still go to them, for as long as that is so.
#[derive(Debug, Default)]
pub(super) struct Formers(Vec<Weak<Backend>>);

impl Formers {
    /// Lets all that stood in the file before stand as the file has it `now`: who is not in it with all its policies
    /// may serve nobody any more, whatever snapshot he holds. To one that upheld nothing only requests go that demand
    /// nothing, so it is let be.
    pub(super) fn after(previous: Option<&Pool>, now: &[Arc<Backend>]) -> Self {
        let there: BTreeSet<BackendId> = now.iter().map(|backend| backend.id).collect();
        let left = before(previous).filter(|backend| !there.contains(&backend.id));
        let left: Vec<_> = left.collect();
        if left.is_empty() {
            return Self::default();
        }
        let at = by_address(now);
        let mut formers = Self::default();
        for former in left {
            former.retire();
            let here = at.get(&former.address).map_or(&[][..], Vec::as_slice);
            match standing_among(here, &former) {
                Some(standing) => {
                    former.stand(standing);
                    formers.0.push(Arc::downgrade(&former));
                }
                None if former.policies.is_empty() => {}
                None => former.stand(Standing::Gone),
            }
        }
        formers
    }

    pub(super) fn alive(&self) -> impl Iterator<Item = Arc<Backend>> {
        self.0.iter().filter_map(Weak::upgrade)
    }
}

/// All that stood in the file so far and that somebody may still know of.
fn before(previous: Option<&Pool>) -> impl Iterator<Item = Arc<Backend>> {
    previous.into_iter().flat_map(|pool| {
        let of_file = pool.backends[..pool.of_file].iter();
        of_file.cloned().chain(pool.formers.alive())
    })
}

fn by_address(backends: &[Arc<Backend>]) -> HashMap<&BackendAddress, Vec<&Backend>, Digests> {
    let mut at: HashMap<_, Vec<&Backend>, _> = HashMap::with_hasher(Digests);
    for backend in backends {
        at.entry(&backend.address).or_default().push(backend);
    }
    at
}

/// As what a backend stands among those that have its address now; `None` if none of them does all that it did.
fn standing_among(here: &[&Backend], former: &Backend) -> Option<Standing> {
    let does_all = |one: &&&Backend| one.policies.uphold(&former.policies);
    // The least standing is the best: one of them that serves is enough.
    here.iter().filter(does_all).map(|one| one.standing()).min()
}

/// Backends that can be taken over, each once.
#[derive(Default)]
struct Known(BTreeMap<Arc<str>, Vec<Arc<Backend>>>);

impl Known {
    /// Of those that stand in the file: one that registered may have the same name, but is another.
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
        let is_it = |twin: &Arc<Backend>| {
            twin.address == *address
                && twin.weight == target.weight
                && twin.policies == target.policies
                && twin.zone == target.zone
                && twin.is_backup == target.is_backup
                && twin.scheme == target.scheme
        };
        let place = twins.iter().position(is_it)?;
        Some(twins.remove(place))
    }
}
