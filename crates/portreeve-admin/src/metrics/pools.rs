//! What pools did with requests that found no backend at once, or took more than one.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use portreeve_model::{Pool, PoolShared, Snapshot};

use super::sheet::Sheet;

pub(super) fn write(sheet: &mut Sheet<'_>, snapshot: &Snapshot) -> fmt::Result {
    sheet.gauges(
        "portreeve_requests_waiting",
        "Requests that are held now, until a backend has room or is there.",
        each(snapshot, |pool| u64::from(pool.shared.waiting.load(Relaxed))),
    )?;
    sheet.gauges(
        "portreeve_hold_bytes",
        "Bytes of requests that are held now: heads, and what was read of bodies.",
        each(snapshot, |pool| pool.shared.hold_bytes.load(Relaxed)),
    )?;
    for (name, help, count) in COUNTS {
        sheet.counters(
            name,
            help,
            each(snapshot, |pool| count(&pool.shared).load(Relaxed)),
        )?;
    }
    sheet.counters(
        "portreeve_retry_budget_exhausted",
        "Retries and hedges that were not made because the budget was spent.",
        each(snapshot, |pool| pool.shared.budget.exhausted_total()),
    )
}

fn each(snapshot: &Snapshot, count: impl Fn(&Pool) -> u64) -> impl Iterator<Item = ([(&str, &str); 1], u64)> {
    let pools = snapshot.pools.iter();
    pools.map(move |pool| ([("pool", &*pool.name)], count(pool)))
}

type Counted = fn(&PoolShared) -> &AtomicU64;

const COUNTS: [(&str, &str, Counted); 8] = [
    (
        "portreeve_waiting_pages",
        "Browsers that were shown the waiting page.",
        |shared| &shared.waiting_pages,
    ),
    (
        "portreeve_requests_held",
        "Requests that were held, whatever became of them.",
        |shared| &shared.held,
    ),
    (
        "portreeve_hold_timeouts",
        "Requests that were held in vain.",
        |shared| &shared.hold_timeouts,
    ),
    (
        "portreeve_requests_shed",
        "Requests refused because no backend had room and as many were held as may be.",
        |shared| &shared.shed,
    ),
    (
        "portreeve_hedges",
        "Second attempts begun beside a slow one.",
        |shared| &shared.hedges,
    ),
    (
        "portreeve_hedges_won",
        "Second attempts that answered first.",
        |shared| &shared.hedges_won,
    ),
    (
        "portreeve_mirrored_requests",
        "Copies of other pools' requests that were begun.",
        |shared| &shared.mirrored,
    ),
    (
        "portreeve_mirrored_requests_dropped",
        "Copies of other pools' requests that were not sent, or not answered.",
        |shared| &shared.mirror_dropped,
    ),
];
