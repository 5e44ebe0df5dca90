//! What requests demand, and what of it is written down.

use super::san::SanPattern;
use crate::policy::{Policies, Policy};

/// One place from which a route takes the policies that a request demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemandPlan {
    /// Where to look.
    pub from: PolicySource,
    /// The policies that may be asked for; empty: any that a backend of the pool upholds.
    pub accepts: Policies,
    /// What is demanded of a request that names none; empty: see `is_optional`.
    pub otherwise: Policies,
    /// Whether a request that names none, where nothing stands in for it, may go to any backend of the pool; default
    /// no: it is refused.
    pub is_optional: bool,
}

/// Where policies are read. Several are separated by commas; from a cookie, query field or path segment they are
/// percent-decoded (RFC 3986 section 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySource {
    /// These, whatever the request says.
    Fixed(Policies),
    /// A header field, all of its lines; the name in lower case.
    Header(String),
    /// A cookie's value.
    Cookie(String),
    /// A field of the query.
    Query(String),
    /// A label of the host, the first (leftmost) is 1.
    HostLabel(u8),
    /// A segment of the path, the first is 1.
    PathSegment(u8),
    /// The names (SAN) of the certificate that the client has shown: each is looked for here, and stands for the
    /// policies beside it. A client without one, or with no name that is here, names no policy.
    Certificate(Vec<(SanPattern, Policies)>),
}

/// Whether requests are written to the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum LedgerMode {
    /// They are not. `off`
    #[default]
    Off,
    /// They are; where the ledger cannot keep up, what it lacks is counted. `on`
    On,
    /// They are, or they are refused. `required`
    Required,
}

/// What is to be known of one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyPlan {
    /// As in `[policy.NAME]`.
    pub policy: Policy,
    /// Whether requests that demand it are written to the ledger.
    pub ledger: LedgerMode,
}
