//! Requests on their way.

use std::net::IpAddr;
use std::sync::Arc;

use portreeve_model::{Demanded, Group, Lease, Policies, Policy, RequestView, Route, Tried, Unmet};

/// A request that has chosen a backend and not met it yet.
pub(crate) struct OnItsWay {
    pub(crate) number: u64,
    pub(crate) pool: String,
    pub(crate) demanded: Policies,
    pub(crate) group: Arc<Group>,
    pub(crate) tried: Tried,
    pub(crate) lease: Lease,
}

/// What a request says.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) policies: Vec<&'static str>,
}

impl Asked {
    pub(crate) fn demanded(&self) -> Policies {
        let policies = self.policies.iter();
        policies
            .map(|name| Policy::new(name).expect("a policy"))
            .collect()
    }

    /// The group that one may serve it from, to be kept over time.
    pub(crate) fn group(&self, route: &Route) -> Result<Arc<Group>, Unmet> {
        match route.demanded(&route.pool, self)? {
            Demanded::Known(group) => Ok(Arc::clone(group)),
            Demanded::Several(group) => Ok(group),
        }
    }
}

impl RequestView for Asked {
    fn method(&self) -> &[u8] {
        b"GET"
    }

    fn host(&self) -> &[u8] {
        b"app.test"
    }

    fn path(&self) -> &[u8] {
        self.path.as_bytes()
    }

    fn query(&self) -> &[u8] {
        b""
    }

    /// One line for each, so that lines are joined too.
    fn any_field(&self, lower_name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        lower_name == "policy" && self.policies.iter().any(|name| test(name.as_bytes()))
    }

    fn client(&self) -> Option<IpAddr> {
        None
    }
}
