//! Orders and probers for the tests of each check.

use std::sync::Arc;

use portreeve_model::plan::{ProbePlan, Scheme};
use portreeve_model::{Backend, ProbeOrder};
use tokio::sync::mpsc;

use super::{Outcome, Prober, Securing};
use crate::clock::Clock;
use crate::testing::announcement;

/// To probe a backend at that address by that plan.
pub(super) fn order(plan: ProbePlan, address: &str) -> ProbeOrder {
    ProbeOrder {
        pool: "api".into(),
        backend: Arc::new(Backend::registered(&announcement("a", address))),
        plan: Arc::new(plan),
        is_asked: true,
        scheme: Scheme::Http,
        proxy_protocol: None,
    }
}

pub(super) fn prober() -> (Prober, mpsc::Receiver<Outcome>) {
    Prober::new(Clock::start(None), Arc::default(), Securing::default())
}

/// What one probe finds.
pub(super) async fn probed(order: ProbeOrder) -> Result<(), String> {
    probed_by(order, Securing::default()).await
}

/// What one probe finds with this way to speak TLS.
pub(super) async fn probed_by(order: ProbeOrder, securing: Securing) -> Result<(), String> {
    let (mut prober, mut outcomes) = Prober::new(Clock::start(None), Arc::default(), securing);
    prober.probe(order);
    outcomes.recv().await.unwrap().result
}
