//! `[pool.NAME]`.

use std::time::Duration;

use portreeve_model::Policies;
use portreeve_model::plan::{Name, PoolPlan, Target};

use crate::defaults::RESOLVE_EVERY;
use crate::item::Item;
use crate::listener::Placed;
use crate::quantity::{count, time};
use crate::section::Section;
use crate::target::target;
use crate::word::Complaint;
use crate::{balance, limits, members, policy};

/// One pool. Whether it names any backend at all is told apart from whether they could all be read.
#[derive(Debug)]
pub(crate) struct PoolDraft {
    pub(crate) placed: Placed<PoolPlan>,
    /// No backends were given.
    pub(crate) is_vacant: bool,
    /// Every backend that was given could be read.
    pub(crate) is_whole: bool,
}

/// Reads one pool. Where something is at fault the default stands in, for the reading to go on.
pub(crate) fn read(name: Name, mut section: Section<'_>) -> PoolDraft {
    let backends = section
        .get("backends")
        .map(|item| item.each())
        .unwrap_or_default();
    let policies = policy::upheld(&mut section);
    let targets = targets(&backends, &policies);
    let members = members::read(&mut section, backends.is_empty());
    let balance = section
        .get("balance")
        .and_then(|item| balance::read(&item))
        .unwrap_or_default();
    let mut resolve_every = RESOLVE_EVERY;
    section.quantity(
        "resolve_every",
        &time(RESOLVE_MIN..=RESOLVE_MAX),
        &mut resolve_every,
    );
    let (limits, limit_keys) = limits::backend(section.section("limits"));
    let place = section.place_of("backends");
    if backends.is_empty() && !policies.is_empty() && !section.findings.is_torn {
        let complaint = Complaint::new("no such key in a pool without backends").hint(SAYS_ITSELF);
        section
            .findings
            .add(&section.place_of("policies"), policies.to_string(), complaint);
    }
    section.finish(&[("limits", &limit_keys)]);
    let plan = PoolPlan {
        targets,
        balance,
        limits,
        resolve_every,
        members,
        ..PoolPlan::empty(name)
    };
    PoolDraft {
        is_whole: plan.targets.len() == backends.len(),
        placed: Placed { place, plan },
        is_vacant: backends.is_empty(),
    }
}

/// Each backend once; each upholds the policies of the whole pool too.
fn targets(backends: &[Item<'_>], policies: &Policies) -> Vec<Target> {
    let mut targets: Vec<(&str, Target)> = Vec::new();
    for item in backends {
        let Some(target) = backend(item, policies) else {
            continue;
        };
        bounded(item, &target.policies);
        match targets.iter().find(|(_, known)| known.address == target.address) {
            Some((first, _)) => item.refuse(twice(first)),
            None => targets.push((&item.place.key, target)),
        }
    }
    targets.into_iter().map(|(_, target)| target).collect()
}

fn backend(item: &Item<'_>, policies: &Policies) -> Option<Target> {
    if !item.is_table() {
        return Some(Target {
            policies: policies.clone(),
            ..Target::new(item.word(target)?)
        });
    }
    let mut section = item.section(Complaint::new(""));
    let address = section.need("address", "a host with a port such as \"10.0.0.7:8000\"");
    let address = address.and_then(|address| address.word(target));
    let mut weight = 1;
    section.quantity("weight", &count(1..=1_000), &mut weight);
    let policies = policy::union(policies, &policy::upheld(&mut section));
    section.finish(&[]);
    Some(Target {
        weight,
        policies,
        ..Target::new(address?)
    })
}

/// What upholds too much.
fn bounded(item: &Item<'_>, policies: &Policies) {
    if policies.len() > Policies::UPHELD_MAX {
        let allowed = format!(
            "at most {}, those of the whole pool included",
            Policies::UPHELD_MAX
        );
        let found = format!("{} policies", policies.len());
        item.findings.add(&item.place, found, Complaint::new(allowed));
    }
}

/// A second mention of the same backend.
fn twice(first: &str) -> Complaint {
    Complaint::new(format!("each backend once, and {first} is the same"))
        .hint("for a larger share write { address = \"...\", weight = 2 }")
}

const SAYS_ITSELF: &str = "whoever registers says which policies it upholds";
const RESOLVE_MIN: Duration = Duration::from_millis(100);
const RESOLVE_MAX: Duration = Duration::from_secs(86_400);
