//! Policies by their names, and `[policy.NAME]`.

use portreeve_model::plan::{LedgerMode, PolicyPlan};
use portreeve_model::{Policies, Policy};

use crate::item::Item;
use crate::ledger;
use crate::list;
use crate::section::Section;
use crate::word::Complaint;

/// Reads what is said of one policy.
pub(crate) fn read(name: &str, mut section: Section<'_>) -> Option<PolicyPlan> {
    let ledger: LedgerMode = section.word("ledger", ledger::mode).unwrap_or_default();
    section.finish(&[]);
    let policy = Policy::new(name).ok()?; // its name was checked where the section was found
    Some(PolicyPlan { policy, ledger })
}

/// A policy's name.
pub(crate) fn policy(text: &str) -> Result<Policy, Complaint> {
    Policy::new(text).map_err(|_| complaint(text))
}

/// Policies that a backend upholds: one, a list, or an empty list for none.
pub(crate) fn upheld(section: &mut Section<'_>) -> Policies {
    let elements = section
        .get("policies")
        .map(|item| item.each())
        .unwrap_or_default();
    list::each_once(&elements, read_one).into_iter().collect()
}

/// Policies under a key: one or a list with at least one; none if the key is not there.
pub(crate) fn named(section: &mut Section<'_>, key: &'static str) -> Policies {
    let policies = section.get(key).map(|item| list::distinct(&item, read_one));
    policies.into_iter().flatten().collect()
}

/// All of both.
pub(crate) fn union(one: &Policies, other: &Policies) -> Policies {
    one.iter().chain(other).cloned().collect()
}

fn read_one(item: &Item<'_>) -> Option<Policy> {
    item.word(policy)
}

fn complaint(text: &str) -> Complaint {
    let complaint = Complaint::new(POLICY);
    match text.contains(',') {
        true => complaint.hint(format!("several are a list: {}", listed(text))),
        false => complaint,
    }
}

/// `["eu", "hipaa"]` for `eu, hipaa`.
fn listed(text: &str) -> String {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let names: Vec<String> = names.map(crate::place::quoted).collect();
    crate::document::shortened(&format!("[{}]", names.join(", ")))
}

const POLICY: &str =
    "a policy such as \"eu\": 1 to 64 bytes without control characters, commas, or spaces at either end";
