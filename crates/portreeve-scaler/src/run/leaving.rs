//! How a run ends, and what comes before and after it.

use std::sync::Arc;
use std::time::Duration;

use portreeve_model::Tick;
use portreeve_model::plan::{OnExit, ScaleMode, ScalePlan};

use super::{Leaving, Run, Shared, Teller};
use crate::view::Role;

impl Run {
    /// Those who were found but are of another make: they go on until others serve in their place, and then leave.
    pub(crate) fn of_strangers(&mut self, teller: Teller, shared: &Shared, now: Tick) -> Option<Self> {
        let strangers = std::mem::take(&mut self.strangers);
        if strangers.is_empty() {
            return None;
        }
        let scale = ScalePlan {
            mode: self.mode,
            every: self.every,
            fleets: Vec::new(),
        };
        let mut run = Self::new(self.key.clone(), teller, (&self.plan, &scale), shared, now);
        run.role = Role::Leads;
        run.leaving = Leaving::WhenReplaced;
        run.is_of_strangers = true;
        run.size = u32::try_from(strangers.len()).unwrap_or(u32::MAX);
        run.start_no_more();
        run.adopt(strangers, now, shared, now);
        Some(run)
    }

    /// It begins as large as the one before it was, so that as many as are wanted serve before those go.
    pub(crate) fn succeed(&mut self, size: u32) {
        self.is_successor = true;
        self.size = size.clamp(self.plan.min, self.plan.max);
    }

    /// Its plan is gone, or another run follows it.
    pub(crate) fn leave(&mut self, is_replaced: bool, shared: &Shared) {
        if self.leaving == Leaving::No {
            self.hand_over(shared);
            self.start_no_more();
        }
        self.leaving = match is_replaced {
            true => Leaving::WhenReplaced,
            false => Leaving::Now,
        };
        if self.leaving == Leaving::Now {
            self.life.leave_all();
        }
    }

    /// The run that follows it serves: it need not wait any longer.
    pub(crate) fn is_replaced(&mut self, shared: &Shared) {
        if self.leaving == Leaving::WhenReplaced {
            self.leave(false, shared);
        }
    }

    /// What ends is not replaced.
    fn start_no_more(&mut self) {
        self.plan.min = 0;
        self.life.follow(self.plan.clone());
    }

    /// Whoever follows it may lead at once; what it has it still brings to its end.
    fn hand_over(&mut self, shared: &Shared) {
        if let (Some(driver), Role::Leads) = (self.driver.clone(), &self.role) {
            let owner = Arc::clone(&shared.owner);
            self.tasks.spawn(async move { driver.resign(&owner).await });
        }
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving != Leaving::No
    }

    /// Whether as many serve as are wanted: who was there before may go.
    pub(crate) fn is_settled(&self) -> bool {
        self.mode == ScaleMode::Observe
            || self.role == Role::Leads && self.life.size_now().serving >= self.size
    }

    /// The proxy ends. Whether there is something to wait for.
    pub(crate) fn end(&mut self, shared: &Shared) -> bool {
        let is_asked = self.plan.lifecycle.on_exit == OnExit::Stop || self.is_leaving();
        if is_asked && self.role == Role::Leads {
            self.leave(false, shared);
        }
        is_asked && !self.is_over()
    }

    /// Whether nothing is left of it that we would have to wait for.
    pub(crate) fn is_over(&self) -> bool {
        let is_at_work = self.tasks.is_changing() || self.tasks.has_unsaid();
        self.role != Role::Leads || self.life.instances().next().is_none() && !is_at_work
    }

    /// How long it may take to end it in peace.
    pub(crate) fn patience(&self) -> Duration {
        let times = &self.plan.lifecycle;
        times.drain_timeout + times.stop_timeout + times.stop_timeout
    }

    /// The end: what was to be said to the door is said, and others may scale it at once.
    pub(crate) async fn resign(self, owner: &str) {
        let _ = tokio::time::timeout(RESIGN_WAIT, self.tasks.all_said()).await;
        if let (Some(driver), Role::Leads) = (&self.driver, &self.role) {
            let _ = tokio::time::timeout(RESIGN_WAIT, driver.resign(owner)).await;
        }
    }
}

const RESIGN_WAIT: Duration = Duration::from_secs(2);
