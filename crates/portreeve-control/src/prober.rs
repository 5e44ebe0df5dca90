//! Looks whether backends can be reached and serve: one task for each probe under way, a bounded number of them.

mod counts;
mod exec;
mod grpc;
mod http;
mod http2;
mod reach;
mod securing;
#[cfg(test)]
mod testing;

use std::future::Future;
use std::sync::Arc;

use portreeve_model::plan::{Check, HttpCheck, Scheme};
use portreeve_model::{ProbeOrder, Report};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

pub use counts::{ProbeCounts, ProbeTotals};

use crate::clock::Clock;
use reach::{Reached, Wire};
pub(crate) use securing::Securing;

/// The probes under way. Dropping it ends them.
pub(crate) struct Prober {
    clock: Clock,
    probes: JoinSet<()>,
    outcomes: mpsc::Sender<Outcome>,
    /// Places for commands, which cost more than connections.
    commands: Arc<Semaphore>,
    counts: Arc<ProbeCounts>,
    securing: Securing,
}

/// What a probe found.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) order: ProbeOrder,
    /// Whether it passes; if not why, in words for people.
    pub(crate) result: Result<(), String>,
}

/// What a check found.
struct Found {
    result: Result<(), String>,
    /// What the backend said of its load by the way.
    report: Option<Report>,
    /// A connection to part from in good order, after everybody knows.
    left: Option<Wire>,
}

impl Prober {
    /// A prober, and where its outcomes arrive: one for each probe.
    pub(crate) fn new(
        clock: Clock,
        counts: Arc<ProbeCounts>,
        securing: Securing,
    ) -> (Self, mpsc::Receiver<Outcome>) {
        let (outcomes, receiver) = mpsc::channel(PROBES_MAX);
        let prober = Self {
            clock,
            probes: JoinSet::new(),
            outcomes,
            commands: Arc::new(Semaphore::new(COMMANDS_MAX)),
            counts,
            securing,
        };
        (prober, receiver)
    }

    /// How many more probes may be begun.
    pub(crate) fn room(&self) -> usize {
        PROBES_MAX.saturating_sub(self.probes.len())
    }

    /// Makes room where probes have ended.
    pub(crate) fn tidy(&mut self) {
        while let Some(result) = self.probes.try_join_next() {
            note(result);
        }
    }

    /// Begins a probe.
    pub(crate) fn probe(&mut self, order: ProbeOrder) {
        let (clock, counts) = (self.clock, Arc::clone(&self.counts));
        let (commands, securing) = (Arc::clone(&self.commands), self.securing.clone());
        let ticket = Ticket {
            order: Some(order.clone()),
            outcomes: self.outcomes.clone(),
        };
        self.probes.spawn(async move {
            let Found { result, report, left } = look(&order, &commands, &securing).await;
            if let Some(report) = report {
                order.backend.report(report, clock.tick());
            }
            counts.note(&order.plan.check, result.is_ok());
            ticket.give(result).await;
            if let Some(connection) = left {
                reach::part(connection).await;
            }
        });
    }

    /// Waits until a probe has ended, so that there is more room; `None` if none is under way.
    pub(crate) async fn ended(&mut self) -> Option<()> {
        note(self.probes.join_next().await?);
        self.tidy();
        Some(())
    }
}

fn note(ended: Result<(), JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("a probe had panicked");
    }
}

async fn look(order: &ProbeOrder, commands: &Semaphore, securing: &Securing) -> Found {
    let plan = &*order.plan;
    if let Check::Exec { command } = &plan.check {
        let checking = exec::check(command, &order.backend, plan.timeout, commands);
        return Box::pin(checking).await.into();
    }
    let by = Deadline(Instant::now() + plan.timeout);
    let reached = match reach::connect(order, &by).await {
        Ok(reached) => reached,
        Err(reason) => return Err(reason).into(),
    };
    match &plan.check {
        Check::Connect => Ok(()).into(),
        Check::Packet => Found {
            left: Some(reached.wire),
            ..Ok(()).into()
        },
        Check::Http(check) if !order.scheme.is_tls() && !order.scheme.is_http2() => {
            http::check(check, reached, &by, plan.timeout).await
        }
        // The state of these is large, and need not be carried about by all the others.
        Check::Http(check) => Box::pin(ask(check, order, reached, &by, securing)).await,
        Check::Grpc { service } => Box::pin(ask_grpc(service, order, reached, &by, securing))
            .await
            .into(),
        Check::Exec { .. } => unreachable!("it was answered above"),
    }
}

/// Asks one that speaks TLS, HTTP/2 or both.
async fn ask(
    check: &HttpCheck,
    order: &ProbeOrder,
    reached: Reached,
    by: &Deadline,
    securing: &Securing,
) -> Found {
    let (time, spoken) = (order.plan.timeout, order.scheme);
    let reached = match securing.wrap(order, spoken, reached, by).await {
        Ok(reached) => reached,
        Err(reason) => return Err(reason).into(),
    };
    match spoken.is_http2() {
        true => http2::check(check, spoken, reached, by, time).await,
        false => http::check(check, reached, by, time).await,
    }
}

/// gRPC is HTTP/2 whatever else is spoken with the backend.
async fn ask_grpc(
    service: &str,
    order: &ProbeOrder,
    reached: Reached,
    by: &Deadline,
    securing: &Securing,
) -> Result<(), String> {
    let spoken = match order.scheme.is_tls() {
        true => Scheme::H2,
        false => Scheme::H2c,
    };
    let reached = securing.wrap(order, spoken, reached, by).await?;
    grpc::check(service, reached, by, order.plan.timeout).await
}

impl From<Result<(), String>> for Found {
    fn from(result: Result<(), String>) -> Self {
        Self {
            result,
            report: None,
            left: None,
        }
    }
}

/// Until when a probe has to be done.
struct Deadline(Instant);

impl Deadline {
    /// What it comes to, or `late` in words if that takes too long.
    async fn keep<T>(
        &self,
        late: impl FnOnce() -> String,
        act: impl Future<Output = Result<T, String>>,
    ) -> Result<T, String> {
        match timeout_at(self.0, act).await {
            Ok(done) => done,
            Err(_) => Err(late()),
        }
    }
}

/// The duty to tell what came of a probe, whatever becomes of its task.
struct Ticket {
    order: Option<ProbeOrder>,
    outcomes: mpsc::Sender<Outcome>,
}

impl Ticket {
    async fn give(mut self, result: Result<(), String>) {
        if let Some(order) = self.order.take() {
            // Nobody wants to know any more when the writer is gone.
            let _ = self.outcomes.send(Outcome { order, result }).await;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(order) = self.order.take() else {
            return;
        };
        let result = Err("its probe broke off".to_owned());
        if let Err(TrySendError::Full(lost)) = self.outcomes.try_send(Outcome { order, result }) {
            tracing::error!(backend = %lost.order.backend.label, "the outcome of a probe is lost");
        }
    }
}

/// So that people read `1 s` and `250 ms`.
fn shown(time: std::time::Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{} s", time.as_secs()),
        _ => format!("{} ms", time.as_millis()),
    }
}

/// Probes under way at once; each holds a socket.
pub(crate) const PROBES_MAX: usize = 512;
/// Commands under way at once; further ones wait for their turn, which is no part of their time.
const COMMANDS_MAX: usize = 32;

#[cfg(test)]
mod tests;
