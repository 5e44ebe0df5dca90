//! A group for each policy that is known in a pool. Of ten thousand members in a thousand policies one changes at a time,
//! so who upholds a policy is looked at again only where somebody came, went, or stands otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::PoolWorld;
use crate::backend::Backend;
use crate::group::{Group, GroupRules};
use crate::policy::{Policies, Policy};

/// Who upholds a policy, and as of which state of the registrations.
#[derive(Debug)]
pub(super) struct Upheld {
    pub(super) group: Arc<Group>,
    /// 0 if backends of the file are among them: these have no generation.
    generation: u64,
}

/// All policies that a member, a backend of the file, a fleet or a route names.
pub(super) fn lay_out(
    world: &PoolWorld<'_>,
    rules: &GroupRules<'_>,
    of_file: &[Arc<Backend>],
    before: Option<&BTreeMap<Policy, Upheld>>,
) -> BTreeMap<Policy, Upheld> {
    let mut named = by_file(of_file);
    let of_fleets = world.plan.scale.iter().flat_map(|scale| &scale.fleets);
    let of_fleets = of_fleets.flat_map(|fleet| &fleet.policies);
    for policy in world.demanded.iter().copied().chain(of_fleets) {
        named.entry(policy).or_default();
    }
    let known = world.registry.policy_generations(&world.plan.name);
    let mut laid_out: BTreeMap<Policy, Upheld> = known
        .map(|(policy, generation)| {
            let before = before.and_then(|before| before.get(policy));
            let of_file = named.remove(policy).unwrap_or_default();
            (
                policy.clone(),
                upheld((world, rules), policy, of_file, generation, before),
            )
        })
        .collect();
    for (policy, of_file) in named {
        let before = before.and_then(|before| before.get(policy));
        laid_out.insert(policy.clone(), upheld((world, rules), policy, of_file, 0, before));
    }
    laid_out
}

/// The backends of the file by what they uphold.
fn by_file(of_file: &[Arc<Backend>]) -> BTreeMap<&Policy, Vec<&Arc<Backend>>> {
    let mut named: BTreeMap<&Policy, Vec<&Arc<Backend>>> = BTreeMap::new();
    for backend in of_file {
        for policy in &backend.policies {
            named.entry(policy).or_default().push(backend);
        }
    }
    named
}

fn upheld(
    (world, rules): (&PoolWorld<'_>, &GroupRules<'_>),
    policy: &Policy,
    of_file: Vec<&Arc<Backend>>,
    generation: u64,
    before: Option<&Upheld>,
) -> Upheld {
    let generation = if of_file.is_empty() { generation } else { 0 };
    let is_same =
        |before: &&Upheld| generation != 0 && before.generation == generation && before.group.follows(rules);
    if let Some(same) = before.filter(is_same) {
        return Upheld {
            group: Arc::clone(&same.group),
            generation,
        };
    }
    let members = world.registry.upholding(&world.plan.name, policy);
    let all = of_file.into_iter().chain(members.map(|member| &member.backend));
    let policies = Policies::from_iter([policy.clone()]);
    let before = before.map(|before| &before.group);
    Upheld {
        group: Group::build(policies, all.cloned(), rules, before),
        generation,
    }
}
