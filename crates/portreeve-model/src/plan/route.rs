//! Which requests go where.

use super::{
    DeadlinePlan, DemandPlan, LedgerMode, MirrorPlan, Name, Network, PriorityPlan, RatePlan, SplitPlan,
};

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
    /// Clients of any of these networks, trusted proxies seen through; empty: anybody.
    pub clients: Vec<Network>,
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
    /// How long its requests may take.
    pub deadline: DeadlinePlan,
    /// How many of them are let through; all of these hold.
    pub rates: Vec<RatePlan>,
    /// Who goes first where they are held.
    pub priority: PriorityPlan,
    /// Which share of them goes to other pools.
    pub split: Option<SplitPlan>,
    /// Which share of them is sent to another pool too.
    pub mirror: Option<MirrorPlan>,
}

impl RoutePlan {
    /// Every request of every listener, to this pool.
    #[must_use]
    pub fn all(name: Name, pool: Name) -> Self {
        Self {
            name,
            listeners: Vec::new(),
            hosts: Vec::new(),
            paths: Vec::new(),
            clients: Vec::new(),
            methods: Vec::new(),
            headers: Vec::new(),
            pool,
            demands: Vec::new(),
            ledger: LedgerMode::Off,
            deadline: DeadlinePlan::default(),
            rates: Vec::new(),
            priority: PriorityPlan::default(),
            split: None,
            mirror: None,
        }
    }
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
