//! A rule that sends requests to a pool, and what rules may look at.

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::deadline;
use crate::demand::{Demanded, Unmet, demanded};
use crate::plan::{DeadlinePlan, DemandPlan, LedgerMode, Name, PolicySource, PriorityPlan, RoutePlan};
use crate::pool::Pool;
use crate::priority::priority;
use crate::rates::RateLimits;
use crate::split::{Split, is_within};
use crate::stats::RouteStats;

/// A rule that sends requests to a pool. What it asks of a request stands in the routers of its listeners.
#[derive(Debug)]
pub struct Route {
    /// As in `[route.NAME]`.
    pub name: Name,
    /// Where its requests go, but for those that [`pool_for`](Self::pool_for) sends elsewhere.
    pub pool: Arc<Pool>,
    /// Where its requests say which policies they demand.
    pub(crate) demands: Vec<DemandPlan>,
    /// Whether all of its requests are written to the ledger.
    pub ledger: LedgerMode,
    /// How many of its requests are let through; the same for as long as the plan says the same of it.
    pub rates: Arc<RateLimits>,
    /// How long its requests may take.
    pub deadline: DeadlinePlan,
    /// Who of its requests goes first where they are held.
    pub priority: PriorityPlan,
    /// Where copies of its requests go.
    pub mirror: Option<Mirror>,
    split: Option<Split>,
    /// What it has carried; the same for as long as a route of this name exists.
    pub stats: Arc<RouteStats>,
}

/// Where copies of a route's requests go.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// The same policies are demanded there.
    pub pool: Arc<Pool>,
    /// Of how many requests, in tenths of a percent.
    pub share: u16,
}

impl Route {
    /// Where this request goes: the route's own pool, or another that has a share of its requests. `dice` is a fresh
    /// random number; the same may be used again afterwards, as it decides each thing apart.
    #[must_use]
    pub fn pool_for(&self, request: &dyn RequestView, dice: u64) -> &Arc<Pool> {
        let chosen = self.split.as_ref().and_then(|split| split.choose(request, dice));
        chosen.unwrap_or(&self.pool)
    }

    /// The backends of `pool` (one of this route's: its own, a split's or the mirror's) among which a request may be
    /// balanced: those that uphold all it demands.
    ///
    /// # Errors
    /// It demands nothing where it must, or what is not accepted or not known.
    pub fn demanded<'a>(&self, pool: &'a Pool, request: &dyn RequestView) -> Result<Demanded<'a>, Unmet> {
        match self.demands.as_slice() {
            [] => Ok(Demanded::Known(pool.everyone())),
            demands => demanded(demands, pool, request),
        }
    }

    /// Where a copy of a request goes, if it is one of those. `dice` as for [`pool_for`](Self::pool_for).
    #[must_use]
    pub fn mirrors(&self, dice: u64) -> Option<&Arc<Pool>> {
        let mirror = self.mirror.as_ref()?;
        is_within(mirror.share, dice).then_some(&mirror.pool)
    }

    /// Whether its demands are read from the host.
    pub(crate) fn asks_host(&self) -> bool {
        let asks = |demand: &DemandPlan| matches!(demand.from, PolicySource::HostLabel(_));
        self.demands.iter().any(asks)
    }

    /// How soon the request's turn comes where it is held: 0 (first) to 7.
    #[must_use]
    pub fn priority(&self, request: &dyn RequestView) -> u8 {
        priority(&self.priority, request)
    }

    /// How long the request may take in all: what the route says, or what the client says if that is less; `None`: as
    /// long as the pool lets it.
    #[must_use]
    pub fn time_allowed(&self, request: &dyn RequestView) -> Option<Duration> {
        let field = self.deadline_field(request);
        let said = field.and_then(|field| deadline::said(field, request));
        self.deadline.timeout.into_iter().chain(said).min()
    }

    /// The field in which the client may say how long it waits, and in which backends are told what is left: the one of
    /// the plan, else that of gRPC for its requests.
    #[must_use]
    pub fn deadline_field(&self, request: &dyn RequestView) -> Option<&str> {
        let own = self.deadline.header.as_deref();
        own.or_else(|| deadline::is_grpc(request).then_some(deadline::GRPC_TIMEOUT))
    }

    /// By that plan, to the pools of these names.
    pub(crate) fn build(
        plan: &RoutePlan,
        pool: impl Fn(&Name) -> Arc<Pool>,
        before: Option<&Self>,
        shards: usize,
    ) -> Self {
        let rates = before
            .map(|route| &route.rates)
            .filter(|rates| rates.follow(&plan.rates));
        let stats = before
            .map(|route| &route.stats)
            .filter(|stats| stats.serves(shards));
        Self {
            name: Arc::clone(&plan.name),
            pool: pool(&plan.pool),
            demands: plan.demands.clone(),
            ledger: plan.ledger,
            rates: rates.map_or_else(|| Arc::new(RateLimits::new(&plan.rates)), Arc::clone),
            deadline: plan.deadline.clone(),
            priority: plan.priority.clone(),
            mirror: plan.mirror.as_ref().map(|mirror| Mirror {
                pool: pool(&mirror.pool),
                share: mirror.share,
            }),
            split: plan.split.as_ref().map(|split| Split::new(split, &pool)),
            stats: stats.map_or_else(|| Arc::new(RouteStats::new(shards)), Arc::clone),
        }
    }
}

/// What routing and hashing may look at of a request.
pub trait RequestView {
    /// As written; methods are compared exactly.
    fn method(&self) -> &[u8];

    /// As written, perhaps with a port; empty if the request names none.
    fn host(&self) -> &[u8];

    /// As written, without the query. Empty counts as `/`.
    fn path(&self) -> &[u8];
    /// What follows the first `?`, as written; empty if there is none.
    fn query(&self) -> &[u8];

    /// Calls `test` with the value of each line of that field, in order, until it says yes; whether it did.
    fn any_field(&self, lower_name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> bool;

    /// Calls `test` with each name (SAN) of the certificate that the client has shown, as `DNS:a.example.com`, until it
    /// says yes; whether it did.
    fn any_certificate_name(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        let _ = test;
        false
    }

    /// Whose request it is, trusted proxies seen through; `None` over a Unix socket.
    fn client(&self) -> Option<IpAddr>;
}
