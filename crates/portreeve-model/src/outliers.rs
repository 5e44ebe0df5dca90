//! Who serves much worse than the others of his pool.

#[cfg(test)]
mod tests;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use self::window::{History, Totals};
use crate::backend::{Backend, BackendId};
use crate::ejection::EjectedBy;
use crate::plan::EjectionPlan;
use crate::pool::Pool;
use crate::standing::Standing;
use crate::tick::Tick;

/// Compares the backends of each pool over the last ten seconds and ejects those that are far worse than the others:
/// in successes by more than 15 of 100 and more than chance explains, or in mean latency by the plan's factor and by
/// 10 ms. Each is compared with the median of the others, which one or two bad ones among them do not move, and only by
/// 20 requests or more.
#[derive(Debug, Default)]
pub struct OutlierWatch {
    histories: BTreeMap<BackendId, History>,
    looked_at: Option<Tick>,
}

impl OutlierWatch {
    /// For the one writer, once a second; sooner it does nothing. Who was ejected, the worst of a pool first, and never
    /// more than the share that the pool allows.
    pub fn look(&mut self, pools: &[Arc<Pool>], now: Tick) -> Vec<(Arc<Backend>, EjectedBy)> {
        if self.looked_at.is_some_and(|last| now.since(last) < EVERY) {
            return Vec::new();
        }
        self.looked_at = Some(now);
        let mut before = std::mem::take(&mut self.histories);
        let mut ejected = Vec::new();
        for pool in pools.iter().filter(|pool| is_watched(&pool.plan().ejection)) {
            let seen = self.watch(pool, &mut before, now);
            for (place, by) in outliers(&seen, &pool.plan().ejection) {
                let backend = seen[place].backend;
                if pool.eject(backend, by, now) {
                    self.histories.remove(&backend.id);
                    ejected.push((Arc::clone(backend), by));
                }
            }
        }
        ejected
    }

    /// How those who serve did lately. Who is ejected begins anew when he comes back.
    fn watch<'a>(
        &mut self,
        pool: &'a Pool,
        before: &mut BTreeMap<BackendId, History>,
        now: Tick,
    ) -> Vec<Seen<'a>> {
        let serving = pool
            .backends
            .iter()
            .filter(|backend| backend.standing() == Standing::Serving && !backend.is_ejected());
        let seen = serving.map(|backend| {
            let mut history = before.remove(&backend.id).unwrap_or_default();
            let lately = history.with(Totals::of(&backend.vitals, now));
            self.histories.insert(backend.id, history);
            Seen { backend, lately }
        });
        seen.filter(|seen| seen.lately.attempts() >= ATTEMPTS_MIN)
            .collect()
    }
}

/// A backend, and what it did lately.
struct Seen<'a> {
    backend: &'a Arc<Backend>,
    lately: Totals,
}

fn is_watched(plan: &EjectionPlan) -> bool {
    plan.by_success_rate || plan.latency_factor.is_some()
}

/// Places and reasons, the worst first.
fn outliers(seen: &[Seen<'_>], plan: &EjectionPlan) -> Vec<(usize, EjectedBy)> {
    let mut found = Vec::new();
    if plan.by_success_rate {
        found.extend(unsuccessful(seen));
    }
    if let Some(factor) = plan.latency_factor {
        found.extend(slow(seen, f64::from(factor)));
    }
    found
}

fn unsuccessful(seen: &[Seen<'_>]) -> impl Iterator<Item = (usize, EjectedBy)> {
    let shares: Vec<f64> = seen.iter().map(|seen| seen.lately.success_rate()).collect();
    let ranked = ranked(&shares);
    let usual = |rank| others_median(&shares, &ranked, rank, Side::Low);
    let far: Vec<usize> = (0..ranked.len())
        .filter(|rank| {
            let place = ranked[*rank];
            let behind = usual(*rank).map_or(0.0, |usual| usual - shares[place]);
            behind > BEHIND_MIN.max(CHANCE_TIMES * seen[place].lately.success_chance(usual(*rank)))
        })
        .collect();
    far.into_iter()
        .map(move |rank| (ranked[rank], EjectedBy::SuccessRate))
}

fn slow(seen: &[Seen<'_>], factor: f64) -> impl Iterator<Item = (usize, EjectedBy)> {
    let answering: Vec<usize> = (0..seen.len())
        .filter(|place| seen[*place].lately.answers >= ATTEMPTS_MIN)
        .collect();
    let means: Vec<f64> = answering
        .iter()
        .map(|place| seen[*place].lately.latency_us())
        .collect();
    let ranked = ranked(&means);
    let far: Vec<usize> = (0..ranked.len())
        .rev()
        .filter(|rank| {
            let mean = means[ranked[*rank]];
            let usual = others_median(&means, &ranked, *rank, Side::High);
            usual.is_some_and(|usual| mean > usual * factor && mean > usual + SLOWER_MIN_US)
        })
        .collect();
    far.into_iter()
        .map(move |rank| (answering[ranked[rank]], EjectedBy::Latency))
}

/// Places from the lowest number to the highest.
fn ranked(numbers: &[f64]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..numbers.len()).collect();
    places.sort_by(|one, other| numbers[*one].total_cmp(&numbers[*other]));
    places
}

/// Which of the two in the middle counts where there is an even number: the one that is kinder.
#[derive(Clone, Copy)]
enum Side {
    Low,
    High,
}

/// The median of all but the one of this rank; `None` if there is nobody else.
fn others_median(numbers: &[f64], ranked: &[usize], rank: usize, side: Side) -> Option<f64> {
    let others = ranked.len() - 1;
    let middle = match side {
        Side::Low => others.checked_sub(1)? / 2,
        Side::High if others == 0 => return None,
        Side::High => others / 2,
    };
    let skipping = if middle < rank { middle } else { middle + 1 };
    Some(numbers[ranked[skipping]])
}

const EVERY: Duration = Duration::from_millis(900);
const ATTEMPTS_MIN: u64 = 20;
const BEHIND_MIN: f64 = 0.15;
/// In standard deviations: by chance one in 700.
const CHANCE_TIMES: f64 = 3.0;
const SLOWER_MIN_US: f64 = 10_000.0;
