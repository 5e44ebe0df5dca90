//! `split`, `split_by` and `mirror` of `[route.NAME]`: shares of its requests that go elsewhere.

use portreeve_model::plan::{MirrorPlan, Name, SplitPlan};

use crate::balance::hash_key;
use crate::item::Item;
use crate::known::Known;
use crate::percent;
use crate::place::quoted;
use crate::quantity::share;
use crate::section::Section;
use crate::word::Complaint;

/// Which share goes to other pools than the route's own.
pub(super) fn split(section: &mut Section<'_>, own: Option<&Name>, known: &Known) -> Option<SplitPlan> {
    let arms = section.get("split").map(|item| arms(&item, own, known));
    let key = section.word("split_by", hash_key);
    if arms.is_none() && section.has("split_by") {
        section.misfit("split_by", "a key to split by", "such a key beside split only");
    }
    arms.map(|arms| SplitPlan { arms, key })
}

/// Which share is sent to another pool too.
pub(super) fn mirror(
    section: &mut Section<'_>,
    own: Option<&Name>,
    split: Option<&SplitPlan>,
    known: &Known,
) -> Option<MirrorPlan> {
    let item = section.get("mirror")?;
    let plan = match item.is_table() {
        true => mirror_table(&item, known)?,
        false => MirrorPlan {
            pool: known.pool(&item)?,
            share: WHOLE,
        },
    };
    let arms = split.into_iter().flat_map(|split| &split.arms);
    if own
        .into_iter()
        .chain(arms.map(|(pool, _)| pool))
        .any(|pool| *pool == plan.pool)
    {
        let allowed = "another pool than those that the route leads to: they would serve requests twice";
        section.misfit("mirror", quoted(&plan.pool), allowed);
    }
    Some(plan)
}

/// All of them, in tenths of a percent.
pub(crate) const WHOLE: u16 = 1_000;

fn mirror_table(item: &Item<'_>, known: &Known) -> Option<MirrorPlan> {
    let mut section = item.section(Complaint::new(""));
    let pool = section
        .need("pool", &known.pools_allowed())
        .and_then(|item| known.pool(&item));
    let mut own = WHOLE;
    section.quantity("share", &share(1..=WHOLE), &mut own);
    section.finish(&[]);
    Some(MirrorPlan {
        pool: pool?,
        share: own,
    })
}

fn arms(item: &Item<'_>, own: Option<&Name>, known: &Known) -> Vec<(Name, u16)> {
    let entries = match item.entries() {
        Some(entries) if !entries.is_empty() => entries,
        _ => {
            item.refuse(Complaint::new(SPLIT));
            return Vec::new();
        }
    };
    let mut arms = Vec::new();
    for (name, entry) in entries {
        let pool = known.pool_of_key(name, &entry);
        if pool.is_some() && pool.as_ref() == own {
            let found = "the route's own pool";
            let complaint = Complaint::new("other pools: the route's own gets what is left");
            entry.findings.add(&entry.place, found, complaint);
            continue;
        }
        let share = share(1..=WHOLE).read(&entry);
        arms.extend(pool.zip(share));
    }
    within_whole(item, &arms);
    arms
}

fn within_whole(item: &Item<'_>, arms: &[(Name, u16)]) {
    let sum: u32 = arms.iter().map(|(_, share)| u32::from(*share)).sum();
    if sum > u32::from(WHOLE) {
        let sum = u16::try_from(sum).unwrap_or(u16::MAX);
        let found = format!("{} in all", percent::show(sum));
        item.findings
            .add(&item.place, found, Complaint::new("at most 100% in all"));
    }
}

const SPLIT: &str = "a table of pools and their shares such as { canary = \"5%\" }";
