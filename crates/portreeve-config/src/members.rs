//! `register` of `[pool.NAME]`: whether backends may register in the pool, and how long that counts.

use std::time::Duration;

use portreeve_model::plan::MembersPlan;

use crate::duration;
use crate::item::Item;
use crate::place::quoted;
use crate::quantity::time;
use crate::section::Section;
use crate::word::Complaint;

/// Reads `true`, `false` or a table; where nothing is said, a pool is for whoever joins it if it names no backends.
pub(crate) fn read(section: &mut Section<'_>, is_vacant: bool) -> Option<MembersPlan> {
    let by_default = is_vacant.then(MembersPlan::default);
    let Some(item) = section.get("register") else {
        return by_default;
    };
    match item.as_bool() {
        Some(may) => may.then(MembersPlan::default),
        None if item.is_table() => Some(table(&item)),
        None => {
            item.refuse(Complaint::new(REGISTER));
            by_default
        }
    }
}

fn table(item: &Item<'_>) -> MembersPlan {
    let mut section = item.section(Complaint::new(""));
    let mut members = MembersPlan::default();
    section.quantity("ttl_max", &time(TTL_MIN..=WEEK), &mut members.ttl_max);
    members.ttl = members.ttl.min(members.ttl_max);
    section.quantity("ttl", &time(TTL_MIN..=WEEK), &mut members.ttl);
    section.quantity("grace", &time(Duration::ZERO..=WEEK), &mut members.grace);
    if members.ttl > members.ttl_max {
        let most = quoted(&duration::show(members.ttl_max));
        section.findings.add(
            &section.place_of("ttl"),
            quoted(&duration::show(members.ttl)),
            Complaint::new(format!("at most ttl_max, which is {most}")),
        );
    }
    section.finish(&[]);
    members
}

const REGISTER: &str = "true, false, or a table such as { ttl = \"10s\" }";
/// Shorter, and a busy machine's hiccup would be taken for death.
const TTL_MIN: Duration = Duration::from_millis(100);
const WEEK: Duration = Duration::from_secs(7 * 86_400);
