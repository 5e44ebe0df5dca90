//! How one backend of a pool is chosen: one algorithm a file, behind one small interface.

pub(crate) mod extent;
mod first;
pub(crate) mod hash;
mod latency;
mod least_requests;
mod load;
mod peak_ewma;
mod prequal;
mod random;
mod reported_load;
mod round_robin;
mod sequence;
pub(crate) mod shares;
#[cfg(test)]
mod simulation;
mod slow_start;
mod two_choices;

use std::sync::Arc;

use self::extent::Extent;
pub(crate) use self::slow_start::SlowStart;

use crate::ask::Ask;
use crate::backend::Backend;
use crate::cursor::Cursor;
use crate::plan::BalancePlan;
use crate::route::RequestView;
use crate::why::Why;

/// An algorithm, made ready for the backends of one pool. Cheap to clone: tables are shared.
#[derive(Debug, Clone)]
pub(crate) struct Balance(Kind);

#[derive(Debug, Clone)]
enum Kind {
    RoundRobin(round_robin::RoundRobin),
    LeastRequests(least_requests::LeastRequests),
    Random(random::Random),
    TwoChoices(two_choices::TwoChoices),
    PeakEwma(peak_ewma::PeakEwma),
    Prequal(prequal::Prequal),
    ReportedLoad(reported_load::ReportedLoad),
    Hash(hash::Hash),
    First,
}

impl Balance {
    pub(crate) fn new(
        plan: &BalancePlan,
        backends: &[Arc<Backend>],
        extent: Extent,
        slow_start: SlowStart,
    ) -> Self {
        Self(match plan {
            BalancePlan::RoundRobin => Kind::RoundRobin(round_robin::RoundRobin::new(backends, extent)),
            BalancePlan::LeastRequests => {
                Kind::LeastRequests(least_requests::LeastRequests::new(backends, slow_start))
            }
            BalancePlan::Random => Kind::Random(random::Random::new(backends)),
            BalancePlan::TwoChoices => Kind::TwoChoices(two_choices::TwoChoices::new(backends, slow_start)),
            BalancePlan::PeakEwma => Kind::PeakEwma(peak_ewma::PeakEwma::new(backends, slow_start)),
            BalancePlan::Prequal => Kind::Prequal(prequal::Prequal::new(backends, slow_start)),
            BalancePlan::ReportedLoad => {
                Kind::ReportedLoad(reported_load::ReportedLoad::new(backends, slow_start))
            }
            BalancePlan::Hash(key) => Kind::Hash(hash::Hash::new(key.clone(), backends, extent)),
            BalancePlan::First => Kind::First,
        })
    }

    /// Lets turns go on where they were with `before`, which was made for `backends_before`.
    pub(crate) fn go_on(
        &mut self,
        backends: &[Arc<Backend>],
        before: &Self,
        backends_before: &[Arc<Backend>],
        cursor: &Cursor,
    ) {
        if let (Kind::RoundRobin(kind), Kind::RoundRobin(before)) = (&mut self.0, &before.0) {
            kind.go_on(backends, before, backends_before, cursor.peek());
        }
    }

    /// The place of one untried backend; `backends` are those that it was made for, in their order.
    pub(crate) fn choose(&self, backends: &[Arc<Backend>], ask: &Ask<'_>, cursor: &Cursor) -> Option<usize> {
        match &self.0 {
            Kind::RoundRobin(kind) => kind.choose(backends, ask, cursor),
            Kind::LeastRequests(kind) => kind.choose(backends, ask, cursor),
            Kind::Random(kind) => kind.choose(backends, ask),
            Kind::TwoChoices(kind) => kind.choose(backends, ask),
            Kind::PeakEwma(kind) => kind.choose(backends, ask),
            Kind::Prequal(kind) => kind.choose(backends, ask),
            Kind::ReportedLoad(kind) => kind.choose(backends, ask),
            Kind::Hash(kind) => kind.choose(backends, ask),
            Kind::First => first::choose(backends, ask),
        }
    }

    /// Why whoever is chosen is chosen. A retry takes no turn.
    pub(crate) fn why(&self, ask: &Ask<'_>) -> Why {
        match &self.0 {
            Kind::RoundRobin(_) if ask.tried.is_empty() => Why::Turn,
            Kind::RoundRobin(_) | Kind::Random(_) => Why::Chance,
            Kind::LeastRequests(_) | Kind::TwoChoices(_) | Kind::ReportedLoad(_) => Why::Load,
            Kind::PeakEwma(_) | Kind::Prequal(_) => Why::Latency,
            Kind::Hash(_) if ask.key != 0 => Why::Key,
            Kind::Hash(_) => Why::Chance,
            Kind::First => Why::First,
        }
    }

    /// The number that [`Ask::key`] wants; 0 where nothing of the request matters.
    pub(crate) fn key(&self, request: &dyn RequestView) -> u64 {
        match &self.0 {
            Kind::Hash(kind) => kind.key(request),
            _ => 0,
        }
    }

    /// Whether weights had to be made coarser: see [`Pool::is_weight_rounded`](crate::Pool::is_weight_rounded).
    pub(crate) fn is_weight_rounded(&self) -> bool {
        matches!(&self.0, Kind::RoundRobin(kind) if kind.is_weight_rounded())
    }
}

/// Whether this request has been to that backend.
fn is_tried(backend: &Backend, ask: &Ask<'_>) -> bool {
    ask.tried.contains(backend.id)
}
