//! What a route asks beyond host and path.

use std::sync::Arc;

use crate::network::Networks;
use crate::plan::{HeaderPattern, RoutePlan};
use crate::route::{RequestView, Route};

/// One route and what it asks beyond host and path.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) route: Arc<Route>,
    /// Empty: any.
    methods: Box<[Box<[u8]>]>,
    headers: Box<[HeaderPattern]>,
    /// Empty: anybody.
    clients: Networks,
}

impl Rule {
    pub(super) fn new(plan: &RoutePlan, route: &Arc<Route>) -> Self {
        let methods = plan.methods.iter().map(|method| method.as_bytes().into());
        let headers = plan.headers.iter().cloned();
        Self {
            route: Arc::clone(route),
            methods: methods.collect(),
            headers: headers.collect(),
            clients: Networks::new(&plan.clients),
        }
    }

    pub(super) fn accepts(&self, request: &dyn RequestView) -> bool {
        self.accepts_method(request.method())
            && self.accepts_client(request)
            && self.headers.iter().all(|header| has(request, header))
    }

    /// Whether it asks nothing more.
    pub(super) fn accepts_all(&self) -> bool {
        self.methods.is_empty() && self.headers.is_empty() && self.clients.is_empty()
    }

    /// Less is more specific: clients given, then more header fields, then a method given.
    pub(super) fn generality(&self) -> impl Ord + use<> {
        (
            self.clients.is_empty(),
            usize::MAX - self.headers.len(),
            self.methods.is_empty(),
        )
    }

    fn accepts_client(&self, request: &dyn RequestView) -> bool {
        let is_one = |client| self.clients.contains(client);
        self.clients.is_empty() || request.client().is_some_and(is_one)
    }

    fn accepts_method(&self, method: &[u8]) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|accepted| **accepted == *method)
    }
}

fn has(request: &dyn RequestView, header: &HeaderPattern) -> bool {
    request.any_field(&header.name, &mut |value| match &header.value {
        Some(wanted) => wanted.as_bytes() == value,
        None => true,
    })
}
