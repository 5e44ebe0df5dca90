//! Backends that serve the same thing, and the groups of them that uphold the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::address::BackendAddress;
use crate::backend::Backend;
use crate::group::{Group, GroupRules};
use crate::plan::{BackendLimits, LedgerMode, Name, PoolPlan, Target};
use crate::policy::{Policies, Policy};
use crate::registry::Registry;
use crate::resolved::Resolved;
use crate::several::Several;
use crate::standing::Standing;

/// Backends that serve the same thing.
#[derive(Debug)]
pub struct Pool {
    /// As in `[pool.NAME]`.
    pub name: Name,
    /// All of them, whether they may serve or not: those of the plan in its order (a name's addresses in sorted order),
    /// then those that registered in theirs.
    pub backends: Vec<Arc<Backend>>,
    /// What a backend may make us wait for.
    pub limits: BackendLimits,
    plan: PoolPlan,
    /// The state of the registrations that it was made from.
    generation: u64,
    everyone: Arc<Group>,
    /// Each policy that is known here, also those that nobody upholds at the moment.
    by_policy: BTreeMap<Policy, Arc<Group>>,
    several: Several,
}

impl Pool {
    /// Everybody who may serve, for requests that demand nothing.
    #[must_use]
    pub fn everyone(&self) -> &Arc<Group> {
        &self.everyone
    }

    /// Those who uphold this policy; `None` if nobody here ever said so, neither a backend nor the configuration.
    #[must_use]
    pub fn upholding(&self, policy: &str) -> Option<&Arc<Group>> {
        self.by_policy.get(policy)
    }

    /// Those who uphold all of these, each of which is known here.
    #[must_use]
    pub fn upholding_all(&self, policies: &Policies) -> Arc<Group> {
        self.several
            .find_or(policies, || self.make_several(policies, None))
    }

    /// The policies that are known here.
    pub fn known_policies(&self) -> impl Iterator<Item = &Policy> {
        self.by_policy.keys()
    }

    /// Whether round robin had to round the weights, as exact turns would repeat only after more than 65,536. Shares
    /// are then off by up to one turn in 65,536 per backend.
    #[must_use]
    pub fn is_weight_rounded(&self) -> bool {
        self.everyone.is_weight_rounded()
    }

    /// What `previous`, the pool of the same name, had and still has to have is carried over.
    pub(crate) fn build(world: &PoolWorld<'_>, previous: Option<&Arc<Self>>) -> Arc<Self> {
        let generation = world.registry.generation(&world.plan.name);
        let is_same = |pool: &&Arc<Self>| {
            world.plan.targets.is_empty() && pool.generation == generation && pool.plan == *world.plan
        };
        if let Some(same) = previous.filter(is_same).filter(|pool| pool.knows_all(world)) {
            return Arc::clone(same);
        }
        let mut of_file = of_file(world, previous.map(|pool| &**pool));
        retire(previous.map(|pool| &**pool), &of_file);
        let members = world.registry.members(&world.plan.name);
        of_file.extend(members.map(|member| Arc::clone(&member.backend)));
        Arc::new(Self::of(world, of_file, generation, previous.map(|pool| &**pool)))
    }

    /// A pool in which there is nobody to pick.
    pub(crate) fn empty(name: &Name) -> Arc<Self> {
        let plan = PoolPlan::empty(Arc::clone(name));
        let world = PoolWorld {
            plan: &plan,
            resolved: &Resolved::new(),
            registry: &Registry::default(),
            ledgers: &[],
            demanded: &BTreeSet::new(),
        };
        Self::build(&world, None)
    }

    fn of(
        world: &PoolWorld<'_>,
        backends: Vec<Arc<Backend>>,
        generation: u64,
        previous: Option<&Self>,
    ) -> Self {
        let rules = world.rules();
        let serving = |backend: &&Arc<Backend>| backend.standing() == Standing::Serving;
        let able: Vec<_> = backends.iter().filter(serving).cloned().collect();
        let by_policy = by_policy(world, &backends, &able, previous);
        let everyone = Group::build(
            Policies::none(),
            able,
            &rules,
            previous.map(|pool| &pool.everyone),
        );
        let mut pool = Self {
            name: Arc::clone(&world.plan.name),
            backends,
            limits: world.plan.limits.clone(),
            plan: world.plan.clone(),
            generation,
            everyone,
            by_policy,
            several: Several::default(),
        };
        pool.several = pool.several_of(&rules, previous);
        pool
    }

    /// What was asked for before, for as long as each of its policies is known.
    fn several_of(&self, rules: &GroupRules<'_>, previous: Option<&Self>) -> Several {
        let before = previous.iter().flat_map(|pool| pool.several.iter());
        let known = before.filter(|group| {
            let mut policies = group.policies().iter();
            policies.all(|policy| self.by_policy.contains_key(policy))
        });
        known
            .map(|group| {
                let backends = self.smallest(group.policies()).upholding(group.policies());
                Group::build(group.policies().clone(), backends, rules, Some(group))
            })
            .collect()
    }

    fn make_several(&self, policies: &Policies, before: Option<&Arc<Group>>) -> Arc<Group> {
        let smallest = self.smallest(policies);
        let ledgers: Vec<_> = policies
            .iter()
            .filter_map(|policy| Some((policy.clone(), self.by_policy.get(policy)?.ledger())))
            .collect();
        let rules = GroupRules {
            balance: &self.plan.balance,
            ledgers: &ledgers,
        };
        Group::build(policies.clone(), smallest.upholding(policies), &rules, before)
    }

    /// The one of their groups with the fewest backends.
    fn smallest(&self, policies: &Policies) -> &Arc<Group> {
        let groups = policies.iter().filter_map(|policy| self.by_policy.get(policy));
        groups
            .min_by_key(|group| group.candidates())
            .unwrap_or(&self.everyone)
    }

    /// Whether nothing that the rest of the plan says of policies is news.
    fn knows_all(&self, world: &PoolWorld<'_>) -> bool {
        let mode = |policy: &Policy| {
            let said = world.ledgers.iter().find(|(one, _)| one == policy);
            said.map_or(LedgerMode::Off, |(_, mode)| *mode)
        };
        self.by_policy
            .iter()
            .all(|(policy, group)| group.ledger() == mode(policy))
            && world
                .demanded
                .iter()
                .all(|policy| self.by_policy.contains_key(policy))
    }
}

/// What a pool is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolWorld<'a> {
    pub(crate) plan: &'a PoolPlan,
    pub(crate) resolved: &'a Resolved,
    pub(crate) registry: &'a Registry,
    pub(crate) ledgers: &'a [(Policy, LedgerMode)],
    /// The policies that the routes to this pool name.
    pub(crate) demanded: &'a BTreeSet<Policy>,
}

impl<'a> PoolWorld<'a> {
    fn rules(&self) -> GroupRules<'a> {
        GroupRules {
            balance: &self.plan.balance,
            ledgers: self.ledgers,
        }
    }
}

/// A group for each policy that is known, and who of `able` is in it.
fn by_policy(
    world: &PoolWorld<'_>,
    all: &[Arc<Backend>],
    able: &[Arc<Backend>],
    previous: Option<&Pool>,
) -> BTreeMap<Policy, Arc<Group>> {
    let mut upholding: BTreeMap<&Policy, Vec<Arc<Backend>>> = BTreeMap::new();
    let known = world
        .registry
        .known_policies(&world.plan.name)
        .chain(world.demanded);
    for policy in known.chain(all.iter().flat_map(|backend| &backend.policies)) {
        upholding.entry(policy).or_default();
    }
    for backend in able {
        for policy in &backend.policies {
            upholding.entry(policy).or_default().push(Arc::clone(backend));
        }
    }
    let rules = world.rules();
    let build = |(policy, backends): (&Policy, Vec<Arc<Backend>>)| {
        let before = previous.and_then(|pool| pool.by_policy.get(policy));
        let policies = Policies::from_iter([policy.clone()]);
        (policy.clone(), Group::build(policies, backends, &rules, before))
    };
    upholding.into_iter().map(build).collect()
}

/// The very same backends where label, address, weight and policies stay, new ones for the rest.
fn of_file(world: &PoolWorld<'_>, previous: Option<&Pool>) -> Vec<Arc<Backend>> {
    let mut known = previous.map(|pool| Known::of(&pool.backends)).unwrap_or_default();
    let mut backends = Vec::new();
    for target in &world.plan.targets {
        for (label, address) in world.resolved.expand(target) {
            let kept = known.take(&label, &address, target);
            let make = || {
                Arc::new(Backend::new(
                    label,
                    address,
                    target.weight,
                    target.policies.clone(),
                ))
            };
            let backend = kept.unwrap_or_else(make);
            backend.stand(standing_of_file(world, &backend));
            backends.push(backend);
        }
    }
    backends
}

/// One of the file serves unless the operator drained it.
fn standing_of_file(world: &PoolWorld<'_>, backend: &Backend) -> Standing {
    match world.registry.is_drained(&world.plan.name, &backend.label) {
        true => Standing::Draining,
        false => Standing::Serving,
    }
}

/// Who stood in the file with policies, and does not stand there with all of them any more, may serve nobody who
/// holds an older snapshot.
fn retire(previous: Option<&Pool>, now: &[Arc<Backend>]) {
    let before = previous.iter().flat_map(|pool| &pool.backends);
    for backend in before.filter(|backend| !backend.is_registered && !backend.policies.is_empty()) {
        let goes_on =
            |one: &Arc<Backend>| one.address == backend.address && one.policies.uphold(&backend.policies);
        if !now.iter().any(goes_on) {
            backend.stand(Standing::Gone);
        }
    }
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
