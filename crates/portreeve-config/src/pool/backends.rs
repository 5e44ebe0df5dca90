//! `backends` of `[pool.NAME]`.

use portreeve_model::Policies;
use portreeve_model::plan::{Scheme, Target};

use crate::item::Item;
use crate::policy;
use crate::quantity::count;
use crate::section::Section;
use crate::target::{Written, target};
use crate::word::{self, Complaint};

/// Each backend once; each upholds the policies of the whole pool too, and speaks as the pool says unless it says
/// otherwise.
pub(super) fn read(backends: &[Item<'_>], policies: &Policies, scheme: Scheme) -> Vec<Target> {
    let mut targets: Vec<(&str, Target)> = Vec::new();
    for item in backends {
        let Some(target) = backend(item, policies, scheme) else {
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

/// Backups alone, where none can join that is none: they back up nobody.
pub(super) fn not_only_backups(section: &Section<'_>, targets: &[Target], may_join: bool) {
    if !targets.is_empty() && !may_join && targets.iter().all(|target| target.is_backup) {
        section.misfit("backends", "backups alone", "at least one without backup = true");
    }
}

fn backend(item: &Item<'_>, policies: &Policies, scheme: Scheme) -> Option<Target> {
    if !item.is_table() {
        return Some(Target {
            policies: policies.clone(),
            ..speaking(item.word(target)?, scheme)
        });
    }
    let mut section = item.section(Complaint::new(""));
    let address = section.need("address", "a host with a port such as \"10.0.0.7:8000\"");
    let address = address.and_then(|address| address.word(target));
    let mut weight = 1;
    section.quantity("weight", &count(1..=1_000), &mut weight);
    let policies = policy::union(policies, &policy::upheld(&mut section));
    let zone = section.word("zone", word::name);
    let mut is_backup = false;
    section.switch("backup", &mut is_backup);
    section.finish(&[]);
    Some(Target {
        weight,
        policies,
        zone,
        is_backup,
        ..speaking(address?, scheme)
    })
}

/// A backend as it is written, with what is spoken where it does not say so.
pub(crate) fn speaking(written: Written, otherwise: Scheme) -> Target {
    Target {
        scheme: written.scheme.unwrap_or(otherwise),
        ..Target::new(written.address)
    }
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
