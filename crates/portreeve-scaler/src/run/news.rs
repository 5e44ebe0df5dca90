//! Taking in what happened.

use std::sync::Arc;
use std::time::Duration;

use portreeve_driver::{DriverFault, Ended, Found, FoundState, Started, Stop};
use portreeve_model::Tick;
use portreeve_model::plan::ScaleMode;
use portreeve_model::scale::{FoundInstance, Scaler as Rules};

use super::tasks::What;
use super::{Run, Shared};
use crate::rollcall::Rollcall;
use crate::start::Fault;
use crate::view::Role;

impl Run {
    pub(crate) fn take(&mut self, what: What, shared: &Shared, now: Tick) {
        match what {
            What::Led { asked } => self.led_at = asked,
            What::Rollcall { answer, asked } => self.roll_called(answer, asked, shared, now),
            What::Started { id, answer } => self.started(&id, answer, now),
            What::Stopped { id, how, answer } => self.stopped(&id, how, answer, now),
            What::Ended { id, ended } => self.ended(&id, &ended, now),
            What::Used { ids, usages } => {
                self.tasks.usage_told();
                for (id, usage) in ids.iter().zip(usages) {
                    // It may have ended meanwhile.
                    if self.has(id) {
                        self.figures.use_of(id, usage, now);
                    }
                }
            }
            What::Said => {}
            What::NotRegistered { id, refused } => {
                tracing::warn!(pool = &*self.key.pool, instance = &*id, %refused, "cannot be registered");
                self.tally.note_fault("refused", refused.to_string(), now);
                self.life.register_failed(&id, now);
            }
        }
    }

    fn roll_called(
        &mut self,
        answer: Result<Rollcall, DriverFault>,
        asked: Tick,
        shared: &Shared,
        now: Tick,
    ) {
        self.tasks.roll_called();
        // The plan may have changed since it was asked.
        if self.mode == ScaleMode::Observe {
            return;
        }
        match answer {
            Ok(Rollcall::Leads(Some(listed))) => self.leads(listed, asked, shared, now),
            Ok(Rollcall::Leads(None)) => {}
            Ok(Rollcall::Follows(holder, listed)) => self.follows(holder, &listed, shared),
            Err(fault) => {
                // Soon again, and others meanwhile.
                self.note_driver_fault(&fault, now);
            }
        }
    }

    fn leads(&mut self, listed: Vec<Found>, asked: Tick, shared: &Shared, now: Tick) {
        if self.is_leaving() {
            return;
        }
        self.listed_at = asked;
        let is_first = self.role != Role::Leads;
        if is_first {
            self.take_lead(&listed, shared, now);
        }
        let (ours, others): (Vec<_>, Vec<_>) =
            listed.into_iter().partition(|found| self.make.made(&found.id));
        self.strangers = others;
        self.adopt(ours, asked, shared, now);
        if is_first {
            let life = &self.life;
            self.tasks.keep_only(&|id| life.instance(id).is_some());
        }
    }

    /// As many are wanted as there are, or as were wanted already: somebody may wait. Those of another make count, since
    /// they are replaced.
    fn take_lead(&mut self, listed: &[Found], shared: &Shared, now: Tick) {
        self.role = Role::Leads;
        let is_ours = |found: &&Found| self.make.made(&found.id);
        let counted = listed.iter().filter(|found| is_ours(found) || !self.is_successor);
        let staying = counted.filter(|found| found.state != FoundState::Ending);
        let adopted = u32::try_from(staying.count()).unwrap_or(u32::MAX);
        self.size = self.size.max(adopted).clamp(self.plan.min, self.plan.max);
        self.rules = Rules::new(now);
        self.figures.take_over();
        tracing::info!(
            pool = &*self.key.pool,
            fleet = &*self.key.fleet,
            adopted,
            "this proxy scales it"
        );
        self.lift_drains(listed, shared);
        self.forget_the_lost(listed, &shared.means);
    }

    /// What there is, is taken over.
    pub(super) fn adopt(&mut self, found: Vec<Found>, asked: Tick, shared: &Shared, now: Tick) {
        let found: Vec<_> = found.into_iter().map(as_found).collect();
        self.life.found(&found, asked, now);
        for found in &found {
            self.watch(&found.id);
            self.keep_registered(&found.id, &shared.means);
        }
    }

    fn follows(&mut self, holder: String, listed: &[Found], shared: &Shared) {
        if self.is_leaving() {
            return;
        }
        if self.role != Role::Follows(holder.clone()) {
            tracing::info!(pool = &*self.key.pool, fleet = &*self.key.fleet, %holder, "another proxy scales it");
        }
        self.lose_lead(Role::Follows(holder));
        self.share(listed, &shared.means);
    }

    /// Who could not renew it for so long acts no more: another may lead by now.
    pub(super) fn doubt_lead(&mut self, now: Tick) {
        if self.role == Role::Leads && !self.is_leaving() && self.led_at.plus(LEAD_LASTS) <= now {
            let (pool, fleet) = (&*self.key.pool, &*self.key.fleet);
            tracing::warn!(
                pool,
                fleet,
                "the driver does not answer: whether this proxy may scale is not known"
            );
            self.lose_lead(Role::Unknown);
        }
    }

    /// What is registered stays so.
    fn lose_lead(&mut self, role: Role) {
        if self.role == Role::Leads {
            self.life.resign();
            self.tasks.end_watches();
            self.figures.forget_all();
        }
        self.role = role;
    }

    /// The proxy before us may have been killed while these were leaving.
    fn lift_drains(&mut self, adopted: &[Found], shared: &Shared) {
        for found in adopted.iter().filter(|found| self.make.made(&found.id)) {
            let (door, key) = (shared.means.door.clone(), self.member(&found.id));
            self.tasks.say(async move {
                let _ = door.undrain(&key).await;
            });
        }
    }

    fn started(&mut self, id: &Arc<str>, answer: Result<Started, Fault>, now: Tick) {
        self.tasks.changed();
        match answer {
            // What nobody waits for any more is ended too, unless another leads by now: he finds it in his list.
            Ok(started) => {
                self.life.started(id, started.handle, started.address, now);
                self.watch(id);
            }
            Err(fault) => {
                self.note_fault(&fault, now);
                self.life.start_failed(id, now);
            }
        }
    }

    fn stopped(&mut self, id: &Arc<str>, how: Stop, answer: Result<(), DriverFault>, now: Tick) {
        self.tasks.changed();
        if let Err(fault) = answer {
            tracing::warn!(instance = &**id, ?how, "cannot be ended");
            self.note_fault(&Fault::Driver(fault), now);
            self.life.stop_failed(id, now);
        }
    }

    fn ended(&mut self, id: &Arc<str>, ended: &Ended, now: Tick) {
        let (pool, fleet, how) = (&*self.key.pool, &*self.key.fleet, &*ended.how);
        match self.life.instance(id).is_some_and(|one| one.state.is_staying()) {
            false => tracing::info!(pool, fleet, instance = &**id, how, "ended"),
            true => {
                let last_words = &*ended.last_words;
                tracing::warn!(pool, fleet, instance = &**id, how, last_words, "ended by itself");
                self.tally.note_trouble(last_trouble(id, ended), now);
            }
        }
        self.life.ended(id, now);
    }
}

/// In one line: the log has all that it wrote last.
fn last_trouble(id: &str, ended: &Ended) -> String {
    let how = &ended.how;
    match ended.last_words.lines().rfind(|line| !line.trim().is_empty()) {
        Some(line) => format!("{id} ended by itself: {how}; the last that it wrote: {line}"),
        None => format!("{id} ended by itself: {how}"),
    }
}

fn as_found(found: Found) -> FoundInstance {
    FoundInstance {
        id: found.id,
        handle: found.handle,
        address: found.address,
        is_ending: found.state == FoundState::Ending,
        age: found.age,
    }
}

/// Less than the thirty seconds after which another may take it.
pub(super) const LEAD_LASTS: Duration = Duration::from_secs(25);
