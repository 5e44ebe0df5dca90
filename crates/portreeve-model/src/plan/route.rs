//! Which requests go where.

use super::{DemandPlan, LedgerMode, Name};

/// One rule that sends requests to a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePlan {
    /// As in `[route.NAME]`.
    pub name: Name,
    /// The listeners it serves; empty: all.
    pub listeners: Vec<Name>,
    /// Any of these hosts; empty: any host.
    pub hosts: Vec<HostPattern>,
    /// Any of these paths; empty: any path.
    pub paths: Vec<PathPattern>,
    /// Any of these methods, compared exactly; empty: any method.
    pub methods: Vec<String>,
    /// All of these fields.
    pub headers: Vec<HeaderPattern>,
    /// Where matching requests go.
    pub pool: Name,
    /// Where the policies come from that its requests demand, all of them together; empty: none is demanded.
    pub demands: Vec<DemandPlan>,
    /// Whether its requests are written to the ledger, whatever their policies say.
    pub ledger: LedgerMode,
}

/// What a route asks of the host: compared without case and without port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// `shop.example.com`, in lower case.
    Exact(String),
    /// `*.example.com`, kept as `.example.com` in lower case: one or more labels before it.
    Suffix(String),
}

/// What a route asks of the path (without the query), after the normalisation that matching uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathPattern {
    /// `/api/users`: this very path.
    Exact(String),
    /// `/api/*`, kept as `/api/`: every path that begins so.
    Prefix(String),
}

/// What a route asks of a header field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HeaderPattern {
    /// The field's name, in lower case.
    pub name: String,
    /// The exact value that one of its lines must have; `None`: it must be there.
    pub value: Option<String>,
}
