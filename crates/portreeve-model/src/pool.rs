//! Backends that serve the same thing, and the groups of them that uphold the same.

mod ejecting;
mod fleet;
mod of_file;
mod policies;
mod shared;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub use self::fleet::FleetShared;
pub use self::shared::PoolShared;

use self::ejecting::Ejecting;
use self::of_file::{Formers, backends_of_file};
use self::policies::Upheld;
use crate::backend::Backend;
use crate::group::{Group, GroupRules, Manner};
use crate::plan::{BackendLimits, LedgerMode, Name, PoolPlan, Scheme};
use crate::policy::{Policies, Policy};
use crate::registry::Registry;
use crate::resolved::Resolved;
use crate::several::Several;
use crate::vitals::Vitals;

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
    /// The same for as long as a pool of this name exists.
    pub shared: Arc<PoolShared>,
    plan: PoolPlan,
    /// How many of them stand in the file.
    of_file: usize,
    /// The state of the registrations that it was made from.
    generation: u64,
    is_open: bool,
    manner: Arc<Manner>,
    everyone: Arc<Group>,
    /// Each policy that is known here, also those that nobody upholds at the moment.
    by_policy: BTreeMap<Policy, Upheld>,
    several: Several,
    /// Who is not in it any more but may still be met by whoever holds an older snapshot.
    formers: Formers,
    ejecting: Arc<Ejecting>,
    /// In the order of the plan; none where it does not scale.
    fleets: Vec<Arc<FleetShared>>,
}

impl Pool {
    /// Everybody who may serve, for requests that demand nothing; nobody if no route brings any.
    #[must_use]
    pub fn everyone(&self) -> &Arc<Group> {
        &self.everyone
    }

    /// Those who uphold this policy; `None` if nobody here ever said so, neither a backend nor the configuration.
    #[must_use]
    pub fn upholding(&self, policy: &str) -> Option<&Arc<Group>> {
        self.by_policy.get(policy).map(|upheld| &upheld.group)
    }

    /// Those who uphold all of these, each of which is known here and told once. Allocates nothing if they were asked for
    /// before and are kept.
    #[must_use]
    pub fn upholding_all<'p>(
        &self,
        policies: impl IntoIterator<Item = &'p Policy, IntoIter: Clone>,
    ) -> Arc<Group> {
        let make = |policies: &Policies, is_kept| self.make_several(policies, is_kept);
        self.several.find_or(&policies.into_iter(), make)
    }

    /// Those who uphold all of these, everybody if there are none; `None` if one of them is not known here.
    #[must_use]
    pub fn group_of(&self, policies: &Policies) -> Option<Arc<Group>> {
        let mut known = policies.iter().map(|policy| self.upholding(policy.as_str()));
        match policies.len() {
            0 => Some(Arc::clone(&self.everyone)),
            1 => known.next().flatten().map(Arc::clone),
            _ => known
                .all(|group| group.is_some())
                .then(|| self.upholding_all(policies)),
        }
    }

    /// What is spoken with that backend of it.
    #[must_use]
    pub fn scheme_of(&self, backend: &Backend) -> Scheme {
        if backend.is_registered {
            self.plan().scheme
        } else {
            backend.scheme
        }
    }

    /// What the operator asked for.
    #[must_use]
    pub fn plan(&self) -> &PoolPlan {
        &self.plan
    }

    /// The fleets that it grows and shrinks by, in the order of the plan.
    #[must_use]
    pub fn fleets(&self) -> &[Arc<FleetShared>] {
        &self.fleets
    }

    /// The fleet that is to serve those who demand `policies`, if there is one: the first that upholds them all.
    #[must_use]
    pub fn fleet_for(&self, policies: &Policies) -> Option<&Arc<FleetShared>> {
        self.fleets.iter().find(|fleet| fleet.policies.uphold(policies))
    }

    /// How long its backends took for all their answers so far, on average; `None` before the first.
    #[must_use]
    pub fn mean_latency(&self) -> Option<Duration> {
        let vitals = || self.backends.iter().map(|backend| &backend.vitals);
        let answers: u64 = vitals().map(Vitals::answers_total).sum();
        let total: Duration = vitals().map(Vitals::latency_total).sum();
        (answers > 0).then(|| total.div_f64(answers as f64))
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
        let previous = previous.map(|pool| &**pool);
        let mut backends = backends_of_file(world, previous);
        let formers = Formers::after(previous, &backends);
        let of_file = backends.len();
        let members = world.registry.members(&world.plan.name);
        backends.extend(members.map(|member| Arc::clone(&member.backend)));
        let mut pool = Self::of(world, backends, of_file, previous);
        (pool.formers, pool.generation) = (formers, generation);
        Arc::new(pool)
    }

    /// The plan has no pool of this name any more: what its backends upheld by the file, nobody says of them now.
    pub(crate) fn close(&self) {
        Formers::after(Some(self), &[]);
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
            is_open: false,
            zone: None,
        };
        Self::build(&world, None)
    }

    fn of(
        world: &PoolWorld<'_>,
        backends: Vec<Arc<Backend>>,
        of_file: usize,
        previous: Option<&Self>,
    ) -> Self {
        let manner = Arc::new(Manner::of(world.plan, world.zone));
        let rules = world.rules(&manner);
        let before = previous.map(|pool| &pool.by_policy);
        let policies = policies::lay_out(world, &rules, &backends[..of_file], before);
        // Nobody is laid out for requests that demand nothing where these never come.
        let everyone: Vec<_> = if world.is_open {
            backends.clone()
        } else {
            Vec::new()
        };
        let before = previous.map(|pool| &pool.everyone);
        backends
            .iter()
            .for_each(|backend| backend.set_limit(world.plan.in_flight));
        let mut pool = Self {
            name: Arc::clone(&world.plan.name),
            backends,
            of_file,
            limits: world.plan.limits.clone(),
            shared: previous.map(|pool| Arc::clone(&pool.shared)).unwrap_or_default(),
            plan: world.plan.clone(),
            generation: 0,
            is_open: world.is_open,
            everyone: Group::build(Policies::none(), everyone, &rules, before),
            by_policy: policies,
            several: Several::default(),
            formers: Formers::default(),
            ejecting: previous.map_or_else(Arc::default, |pool| Arc::clone(&pool.ejecting)),
            manner: Arc::clone(&manner),
            fleets: fleets(world.plan, previous),
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

    /// One that serves a single request picks by chance: turns and tables would cost more than they are worth.
    fn make_several(&self, policies: &Policies, is_kept: bool) -> Arc<Group> {
        let smallest = self.smallest(policies);
        let ledgers: Vec<_> = policies
            .iter()
            .filter_map(|policy| Some((policy.clone(), self.upholding(policy.as_str())?.ledger())))
            .collect();
        let manner = match is_kept {
            true => Arc::clone(&self.manner),
            false => Arc::new(self.manner.by_chance()),
        };
        let rules = GroupRules {
            manner: &manner,
            is_joinable: self.plan.members.is_some(),
            ledgers: &ledgers,
        };
        Group::build(policies.clone(), smallest.upholding(policies), &rules, None)
    }

    /// The one of their groups with the fewest backends.
    fn smallest(&self, policies: &Policies) -> &Arc<Group> {
        let groups = policies
            .iter()
            .filter_map(|policy| self.upholding(policy.as_str()));
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
            .all(|(policy, upheld)| upheld.group.ledger() == mode(policy))
            && self.is_open == world.is_open
            && self.manner.zone.as_ref() == world.zone
            && world
                .demanded
                .iter()
                .all(|policy| self.by_policy.contains_key(*policy))
    }
}

fn fleets(plan: &PoolPlan, previous: Option<&Pool>) -> Vec<Arc<FleetShared>> {
    let plans = plan.scale.iter().flat_map(|scale| &scale.fleets);
    let known = previous.map_or(&[][..], Pool::fleets);
    plans
        .map(|plan| {
            let same = known.iter().find(|fleet| fleet.is_of(plan));
            same.map_or_else(|| Arc::new(FleetShared::of(plan)), Arc::clone)
        })
        .collect()
}

/// What a pool is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolWorld<'a> {
    pub(crate) plan: &'a PoolPlan,
    pub(crate) resolved: &'a Resolved,
    pub(crate) registry: &'a Registry,
    pub(crate) ledgers: &'a [(Policy, LedgerMode)],
    /// The policies that the routes to this pool name.
    pub(crate) demanded: &'a BTreeSet<&'a Policy>,
    /// Whether requests may come that demand nothing.
    pub(crate) is_open: bool,
    /// Where the proxy is.
    pub(crate) zone: Option<&'a Name>,
}

impl<'a> PoolWorld<'a> {
    fn rules(&self, manner: &'a Arc<Manner>) -> GroupRules<'a> {
        GroupRules {
            manner,
            is_joinable: self.plan.members.is_some(),
            ledgers: self.ledgers,
        }
    }
}
