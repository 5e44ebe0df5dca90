//! Orders and probers for the tests of each check.

use std::sync::Arc;

use portreeve_model::plan::ProbePlan;
use portreeve_model::{Backend, ProbeOrder};
use tokio::sync::mpsc;

use super::{Outcome, Prober};
use crate::clock::Clock;
use crate::testing::announcement;

/// To probe a backend at that address by that plan.
pub(super) fn order(plan: ProbePlan, address: &str) -> ProbeOrder {
    ProbeOrder {
        pool: "api".into(),
        backend: Arc::new(Backend::registered(&announcement("a", address))),
        plan: Arc::new(plan),
        is_asked: true,
    }
}

pub(super) fn prober() -> (Prober, mpsc::Receiver<Outcome>) {
    Prober::new(Clock::start(None), Arc::default())
}

/// What one probe finds.
pub(super) async fn probed(order: ProbeOrder) -> Result<(), String> {
    let (mut prober, mut outcomes) = prober();
    prober.probe(order);
    outcomes.recv().await.unwrap().result
}
