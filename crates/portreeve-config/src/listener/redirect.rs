//! `redirect_to_https` of `[listener.NAME]`.

use portreeve_model::plan::RedirectPlan;

use crate::item::Item;
use crate::known::Known;
use crate::quantity::count;
use crate::section::Section;
use crate::word::Complaint;

/// Reads `true`, `false`, the name of a listener, or a table.
pub(super) fn read(section: &mut Section<'_>, known: &Known) -> Option<RedirectPlan> {
    let item = section.get("redirect_to_https")?;
    match item.as_bool() {
        Some(is_on) => is_on.then(plain),
        None if item.is_table() => Some(table(&item, known)),
        None if item.as_text().is_none() => {
            item.refuse(Complaint::new(REDIRECT));
            None
        }
        None => known.listener(&item).map(|to| RedirectPlan {
            to: Some(to),
            ..plain()
        }),
    }
}

/// To port 443, for good, with method and body.
pub(crate) fn plain() -> RedirectPlan {
    RedirectPlan {
        to: None,
        status: PERMANENT,
    }
}

fn table(item: &Item<'_>, known: &Known) -> RedirectPlan {
    let mut section = item.section(Complaint::new(REDIRECT));
    let mut plan = plain();
    plan.to = section.get("listener").and_then(|item| known.listener(&item));
    section.quantity("status", &count(301..=PERMANENT), &mut plan.status);
    if !STATUSES.contains(&plan.status) {
        section.misfit("status", plan.status.to_string(), "301, 302, 307 or 308");
    }
    section.finish(&[]);
    plan
}

/// RFC 9110 section 15.4.9.
const PERMANENT: u16 = 308;
const STATUSES: [u16; 4] = [301, 302, 307, PERMANENT];
const REDIRECT: &str =
    "true, false, the name of a listener, or a table such as { listener = \"web\", status = 301 }";
