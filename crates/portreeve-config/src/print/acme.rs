//! `[acme]`.

use portreeve_model::plan::{AcmePlan, ListenerPlan};

use super::Text;
use super::said::{Said, one_or_list, percent};
use super::tls::{external_account, path};
use crate::acme;
use crate::place::quoted;

/// The section, unless the listeners imply it.
pub(super) fn section(file: &mut Text, plan: Option<&AcmePlan>, listeners: &[ListenerPlan]) {
    let Some(plan) = plan else { return };
    let plain = AcmePlan::default();
    let mut tls = listeners.iter().filter_map(|listener| listener.tls.as_ref());
    if *plan == plain && tls.any(|tls| !tls.domains.is_empty()) {
        return;
    }
    file.comment("How certificates are had");
    let mut said = Said::default();
    if plan.directory != plain.directory {
        said.value("directory", quoted(&plan.directory));
    }
    if !plan.contacts.is_empty() {
        let contacts: Vec<String> = plan.contacts.iter().map(|contact| quoted(contact)).collect();
        said.value("contacts", one_or_list(&contacts));
    }
    said.some("authorities", plan.authorities.as_deref(), path);
    said.unless("challenge", plan.challenge, plain.challenge, |challenge| {
        quoted(acme::show(challenge))
    });
    said.unless("renew_at", plan.renew_at, plain.renew_at, percent);
    if let Some((id, key)) = &plan.external_account {
        said.value("external_account", external_account(id, key));
    }
    said.write_always(file, &["acme"]);
}
