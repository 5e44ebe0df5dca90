//! Waiting for a backend: as long as the plan, the client and a drain allow.

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use portreeve_model::plan::{FailMode, InFlightPlan};
use portreeve_model::{Cause, Lease, NotPicked, Tried, Why};

use super::{Choice, Lack};
use crate::conn::{Conn, Gone};
use crate::hold::{Awaited, Held, Holds, Wish};
use crate::record::Record;
use crate::refusal::Refusal;
use crate::timer::Timer;
use crate::worker::Worker;

impl Choice<'_> {
    /// Waits for what is missing. Nothing of the client's is read meanwhile.
    pub(super) async fn wait(
        &self,
        lack: &Lack<'_>,
        tried: &Tried,
        mut client: Option<&mut Conn>,
        worker: &Rc<Worker>,
        record: &mut Record<'_>,
    ) -> Result<Lease, Refusal> {
        let anybody = Tried::default();
        let wish = Wish {
            policies: self.group.policies(),
            // Who was tried and is gone may come back.
            tried: if lack.is_deserted { &anybody } else { tried },
            key: self.key,
            sticky: self.sticky,
            priority: self.priority,
            bytes: self.bytes + client.as_ref().map_or(0, |client| client.input().len() as u64),
        };
        let Some(held) = Holds::enter(worker, self.pool, &wish) else {
            return Err(self.overloaded(lack));
        };
        let awaited = lack.fleet.map(|fleet| Awaited::enter(fleet, worker.now()));
        let began = Instant::now();
        let stowed = client.as_mut().map(|client| client.stow());
        let waited = self
            .waiting(held, wish.tried, client.as_deref_mut(), worker, record)
            .await;
        if let (Some(client), Some(stowed)) = (client, stowed) {
            client.unstow(&stowed);
        }
        drop(awaited);
        let before = record.phases.held.unwrap_or_default();
        record.phases.held = Some(before + began.elapsed());
        self.pool.shared.held.fetch_add(1, Relaxed);
        match waited {
            Some(Ok(lease)) => Ok(lease.because(Why::Held)),
            Some(Err(Gone)) => {
                worker.holds.note_left(self.pool);
                Err(Refusal::new(Cause::ClientLeft))
            }
            None => {
                self.pool.shared.hold_timeouts.fetch_add(1, Relaxed);
                Err(self.in_vain(lack, worker))
            }
        }
    }

    /// The lease that was given, or the client's leaving; `None` when the time is over.
    async fn waiting(
        &self,
        mut held: Held<'_>,
        tried: &Tried,
        mut client: Option<&mut Conn>,
        worker: &Rc<Worker>,
        record: &Record<'_>,
    ) -> Option<Result<Lease, Gone>> {
        let began = Instant::now();
        let mut drain = Timer::new(&worker.wheel);
        worker.look_at(self.pool);
        loop {
            let end = self.end(began, worker);
            let look = match self.is_end_known() {
                true => end,
                false => end.min(Instant::now() + LOOK_EVERY),
            };
            let mut time = pin!(tokio::time::sleep_until(look.into()));
            let found = std::future::poll_fn(|context| {
                if let Poll::Ready(lease) = held.poll(context) {
                    return Poll::Ready(Some(Ok(lease)));
                }
                if has_left(client.as_deref_mut(), context) {
                    return Poll::Ready(Some(Err(Gone)));
                }
                // A drain, which makes it shorter, wakes all who wait on the wheel.
                let until = worker.waits_until().map_or(look, |until| until.min(look));
                if drain.poll_expired(context, until) {
                    return Poll::Ready(None);
                }
                time.as_mut().poll(context).map(|()| None)
            });
            match found.await {
                Some(found) => return Some(found),
                None if Instant::now() >= self.end(began, worker) => return None,
                None => {}
            }
            if let Ok(lease) = self.pick(tried, worker, record) {
                return Some(Ok(lease));
            }
        }
    }

    /// When the wait is over.
    fn end(&self, began: Instant, worker: &Worker) -> Instant {
        let end = began + worker.holds.patience(self.pool, worker.now());
        let bounds = [self.until, worker.waits_until()];
        bounds.into_iter().flatten().fold(end, Instant::min)
    }

    /// Whether pressure cannot change when that is.
    fn is_end_known(&self) -> bool {
        let plan = self.pool.plan();
        plan.in_flight != InFlightPlan::Adaptive || plan.fail_mode == FailMode::Hold
    }

    /// What is told to who waited too long.
    fn in_vain(&self, lack: &Lack<'_>, worker: &Worker) -> Refusal {
        let is_drained = worker.waits_until().is_some_and(|until| Instant::now() >= until);
        match lack.why {
            _ if is_drained => Refusal::new(Cause::ShuttingDown),
            NotPicked::Nobody => self.nobody(lack),
            NotPicked::Full => self.later(Cause::HoldTimeout),
        }
    }
}

fn has_left(client: Option<&mut Conn>, context: &mut Context<'_>) -> bool {
    client.is_some_and(|client| client.poll_left(context).is_ready())
}

/// How often a request looks for itself, and whether it may wait on, where it waits for a limit that is found out: this
/// grows without a word as heads of answers come, and the wait ends sooner under pressure.
const LOOK_EVERY: Duration = Duration::from_millis(50);
