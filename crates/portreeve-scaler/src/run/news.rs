//! Taking in what happened.

use std::sync::Arc;

use portreeve_driver::{DriverFault, Ended, Found, FoundState, Started, Stop};
use portreeve_model::Tick;
use portreeve_model::scale::FoundInstance;

use super::tasks::What;
use super::{Run, Shared};
use crate::rollcall::Rollcall;
use crate::start::Fault;
use crate::view::Role;

impl Run {
    pub(crate) fn take(&mut self, what: What, shared: &Shared, now: Tick) {
        match what {
            What::Rollcall { answer, asked } => self.roll_called(answer, asked, shared, now),
            What::Started { id, answer } => self.started(&id, answer, now),
            What::Stopped { id, how, answer } => self.stopped(&id, how, answer, now),
            What::Ended { id, ended } => self.ended(&id, &ended, now),
            What::Used { ids, usages } => {
                self.tasks.usage_told();
                for (id, usage) in ids.iter().zip(usages) {
                    self.figures.use_of(id, usage, now);
                }
            }
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
        match answer {
            Ok(Rollcall::Leads(listed)) => self.leads(listed, asked, shared, now),
            Ok(Rollcall::Follows(holder)) => self.follows(holder),
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
        let (ours, others): (Vec<_>, Vec<_>) =
            listed.into_iter().partition(|found| self.make.made(&found.id));
        if self.role != Role::Leads {
            self.role = Role::Leads;
            let staying = ours.iter().filter(|found| found.state != FoundState::Ending);
            let adopted = u32::try_from(staying.count()).unwrap_or(u32::MAX);
            self.size = adopted.clamp(self.plan.min, self.plan.max);
            tracing::info!(
                pool = &*self.key.pool,
                fleet = &*self.key.fleet,
                adopted,
                "this proxy scales it"
            );
            self.lift_drains(&ours, shared);
        }
        self.strangers = others;
        self.adopt(ours, asked, now);
    }

    /// What there is, is taken over.
    pub(super) fn adopt(&mut self, found: Vec<Found>, asked: Tick, now: Tick) {
        let found: Vec<_> = found.into_iter().map(as_found).collect();
        self.life.found(&found, asked, now);
        for found in &found {
            self.watch(&found.id);
        }
    }

    fn follows(&mut self, holder: String) {
        if self.role != Role::Follows(holder.clone()) {
            tracing::info!(pool = &*self.key.pool, fleet = &*self.key.fleet, %holder, "another proxy scales it");
        }
        if self.role == Role::Leads {
            self.life.resign();
            self.tasks.end_all();
        }
        self.role = Role::Follows(holder);
    }

    /// The proxy before us may have been killed while these were leaving.
    fn lift_drains(&mut self, adopted: &[Found], shared: &Shared) {
        for found in adopted {
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
            }
        }
        self.life.ended(id, now);
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
