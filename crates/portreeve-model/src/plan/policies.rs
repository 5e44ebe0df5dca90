//! What requests demand, and what of it is written down.

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

/// Which names of a certificate are meant; compared without case where the name is of a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SanPattern {
    /// `DNS:api.example.com`, `URI:spiffe://example.com/api`, `email:ops@example.com`, `IP:10.0.0.7`: this very name,
    /// with its kind.
    Exact(String),
    /// `DNS:*.example.com` or `URI:spiffe://example.com/*`, kept without the `*`: for `DNS:`, one or more labels before
    /// `.example.com`; for `URI:`, whatever follows.
    Open(String),
}

impl SanPattern {
    /// Whether the name, written with its kind, is meant.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) if exact.starts_with(HOST) => exact.eq_ignore_ascii_case(name),
            Self::Exact(exact) => exact == name,
            Self::Open(open) => match (open.strip_prefix(HOST), name.strip_prefix(HOST)) {
                (Some(suffix), Some(host)) => is_below(host, suffix),
                (None, None) => name.len() > open.len() && name.starts_with(open.as_str()),
                _ => false,
            },
        }
    }
}

/// Whether `host` has one or more labels before `suffix`, which begins with a dot.
fn is_below(host: &str, suffix: &str) -> bool {
    let Some(cut) = host.len().checked_sub(suffix.len()).filter(|cut| *cut > 0) else {
        return false;
    };
    let tail = host.get(cut..);
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(suffix))
}

const HOST: &str = "DNS:";

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_meant_with_its_kind() {
        let exact = SanPattern::Exact("DNS:api.example.com".to_owned());
        assert!(exact.matches("DNS:API.example.com"));
        assert!(!exact.matches("URI:api.example.com"));
        let uri = SanPattern::Exact("URI:spiffe://a/B".to_owned());
        assert!(uri.matches("URI:spiffe://a/B"));
        assert!(!uri.matches("URI:spiffe://a/b"));
    }

    #[test]
    fn an_open_host_needs_a_label_before_it() {
        let open = SanPattern::Open("DNS:.example.com".to_owned());
        assert!(open.matches("DNS:a.b.EXAMPLE.com"));
        assert!(!open.matches("DNS:.example.com"));
        assert!(!open.matches("DNS:evilexample.com"));
        assert!(!open.matches("URI:a.example.com"));
    }

    #[test]
    fn an_open_uri_needs_something_after_it() {
        let open = SanPattern::Open("URI:spiffe://example.com/".to_owned());
        assert!(open.matches("URI:spiffe://example.com/api"));
        assert!(!open.matches("URI:spiffe://example.com/"));
        assert!(!open.matches("DNS:spiffe://example.com/api"));
    }
}
