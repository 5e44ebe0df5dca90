//! `sticky` of `[pool.NAME]`: whether and how a client stays with its backend.

use std::time::Duration;

use portreeve_model::plan::{BalancePlan, StickyPlan};

use crate::demand::cookie_name;
use crate::duration;
use crate::item::Item;
use crate::place::quoted;
use crate::quantity::time;
use crate::section::Section;
use crate::word::Complaint;

/// Reads `true`, `false`, a cookie's name or a table, given how the pool balances.
pub(super) fn read(section: &mut Section<'_>, balance: &BalancePlan) -> Option<StickyPlan> {
    let item = section.get("sticky")?;
    let plan = match item.as_bool() {
        Some(is_on) => is_on.then(plain),
        None if item.is_table() => Some(table(&item)),
        None => item.word(named),
    }?;
    if matches!(balance, BalancePlan::Hash(_)) {
        section.misfit(
            "sticky",
            "a cookie beside a hash",
            "one of the two: balance = \"hash:...\" sends the same key to the same backend already",
        );
    }
    Some(plan)
}

/// With the default name, until the browser is closed.
pub(crate) fn plain() -> StickyPlan {
    StickyPlan {
        cookie: COOKIE.to_owned(),
        max_age: None,
        is_secure: false,
    }
}

fn named(text: &str) -> Result<StickyPlan, Complaint> {
    let complaint = |_| Complaint::new(STICKY);
    let cookie = cookie_name(text).map_err(complaint)?;
    match needs_secure(&cookie) {
        false => Ok(StickyPlan { cookie, ..plain() }),
        true => {
            let hint = format!(
                "browsers refuse it without Secure: {{ cookie = {}, secure = true }}",
                quoted(&cookie)
            );
            Err(Complaint::new(STICKY).hint(hint))
        }
    }
}

fn table(item: &Item<'_>) -> StickyPlan {
    let mut section = item.section(Complaint::new(""));
    let mut plan = plain();
    if let Some(cookie) = section.word("cookie", cookie_name) {
        plan.cookie = cookie;
    }
    section.quantity_or_off("max_age", &time(SECOND..=AGE_MAX), &mut plan.max_age);
    section.switch("secure", &mut plan.is_secure);
    if let Some(age) = plan.max_age.filter(|age| age.subsec_nanos() > 0) {
        section.misfit("max_age", quoted(&duration::show(age)), "whole seconds");
    }
    if needs_secure(&plan.cookie) && !plan.is_secure {
        let allowed = "another name, or secure = true: browsers refuse this one without it";
        section.misfit("cookie", quoted(&plan.cookie), allowed);
    }
    section.finish(&[]);
    plan
}

/// RFC 6265bis section 4.1.3: prefixes that browsers hold a cookie to.
fn needs_secure(cookie: &str) -> bool {
    let lower = cookie.to_ascii_lowercase();
    ["__secure-", "__host-"]
        .iter()
        .any(|prefix| lower.starts_with(prefix))
}

const STICKY: &str = "true, false, a cookie's name such as \"sid\", or a table such as { max_age = \"1h\" }";
const COOKIE: &str = "portreeve";
const SECOND: Duration = Duration::from_secs(1);
/// Browsers keep none longer.
const AGE_MAX: Duration = Duration::from_secs(400 * 86_400);
