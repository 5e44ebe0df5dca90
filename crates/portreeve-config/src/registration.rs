//! `[registration]`: who may register backends, and how many.

use portreeve_model::plan::{Network, RegistrationPlan};

use crate::list;
use crate::network::network;
use crate::quantity::{count, grouped};
use crate::section::Section;
use crate::word::Complaint;

/// Reads the section; all by default if it is not there.
pub(crate) fn read(mut section: Section<'_>) -> RegistrationPlan {
    let mut plan = RegistrationPlan::default();
    let networks: Vec<Network> = list::words(&mut section, "networks", network);
    if section.has("networks") {
        plan.networks = networks;
    }
    section.switch("insecure", &mut plan.is_insecure);
    section.switch("link_local", &mut plan.allows_link_local);
    let most = count(1..=1_000_000);
    section.quantity("registrations_max", &most, &mut plan.registrations_max);
    section.quantity("per_source_max", &most, &mut plan.per_source_max);
    section.quantity("per_token_max", &most, &mut plan.per_token_max);
    within_all(
        &section,
        "per_source_max",
        plan.per_source_max,
        plan.registrations_max,
    );
    within_all(
        &section,
        "per_token_max",
        plan.per_token_max,
        plan.registrations_max,
    );
    section.finish(&[]);
    plan
}

/// A share that is larger than the whole would never be reached.
fn within_all(section: &Section<'_>, key: &str, share: u32, whole: u32) {
    if share > whole && section.has(key) {
        let allowed = format!("at most registrations_max, which is {}", grouped(whole.into()));
        section
            .findings
            .add(&section.place_of(key), share.to_string(), Complaint::new(allowed));
    }
}
