//! A rule that sends requests to a pool, and what rules may look at.

use std::net::IpAddr;
use std::sync::Arc;

use crate::demand::{Demanded, Unmet, demanded};
use crate::plan::{DemandPlan, LedgerMode, Name};
use crate::pool::Pool;
use crate::stats::RouteStats;

/// A rule that sends requests to a pool. What it asks of a request stands in the routers of its listeners.
#[derive(Debug)]
pub struct Route {
    /// As in `[route.NAME]`.
    pub name: Name,
    /// Where its requests go.
    pub pool: Arc<Pool>,
    /// Where its requests say which policies they demand.
    pub(crate) demands: Vec<DemandPlan>,
    /// Whether all of its requests are written to the ledger.
    pub ledger: LedgerMode,
    /// What it has carried; the same for as long as a route of this name exists.
    pub stats: Arc<RouteStats>,
}

impl Route {
    /// The backends among which a request may be balanced: those that uphold all it demands.
    ///
    /// # Errors
    /// It demands nothing where it must, or what is not accepted or not known.
    pub fn demanded(&self, request: &dyn RequestView) -> Result<Demanded<'_>, Unmet> {
        match self.demands.as_slice() {
            [] => Ok(Demanded::Known(self.pool.everyone())),
            demands => demanded(demands, &self.pool, request),
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

    /// Whose request it is, trusted proxies seen through; `None` over a Unix socket.
    fn client(&self) -> Option<IpAddr>;
}
