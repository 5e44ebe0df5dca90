//! Doing what the model says is to be done.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use portreeve_driver::{Found, FoundState, Stop};
use portreeve_model::plan::RegisteredBy;
use portreeve_model::scale::Act;
use portreeve_model::{Announcement, MemberKey, Term, Tick};

use super::tasks::{Teller, What};
use super::{Run, Shared};
use crate::membership;
use crate::start::{CALL_MAX, Fault, Means, bounded, credentials};

impl Run {
    pub(super) fn carry_out(&mut self, act: Act, shared: &Shared, now: Tick) {
        match act {
            Act::Start { id, port } => self.start(id, port, &shared.means, now),
            Act::Register { id } => self.register(&id, &shared.means),
            Act::Drain { id } => self.set_drained(&id, true, &shared.means),
            Act::Undrain { id } => self.set_drained(&id, false, &shared.means),
            Act::Stop { id } => self.stop(id, Stop::Ask),
            Act::Kill { id } => self.stop(id, Stop::Kill),
            Act::Deregister { id } => self.deregister(&id, &shared.means),
            Act::Forget { id } => self.forget(&id, &shared.means),
        }
    }

    /// All that run, as the driver knows them.
    pub(super) fn running(&self) -> Vec<Found> {
        let instances = self.life.instances();
        instances
            .filter_map(|instance| self.known(&instance.id))
            .collect()
    }

    /// An instance as the driver knows it; `None` before it was started.
    pub(super) fn known(&self, id: &str) -> Option<Found> {
        let instance = self.life.instance(id)?;
        Some(Found {
            id: Arc::clone(&instance.id),
            handle: instance.handle.clone()?,
            address: instance.address,
            state: FoundState::Running,
            age: None,
        })
    }

    pub(super) fn watch(&mut self, id: &str) {
        if let (Some(driver), Some(instance)) = (&self.driver, self.known(id)) {
            self.tasks.watch(driver, instance);
        }
    }

    fn start(&mut self, id: Arc<str>, port: Option<u16>, means: &Means, now: Tick) {
        let driver = self.driver.clone().filter(|_| !self.is_leaving());
        let Some(driver) = driver else {
            self.life.start_failed(&id, now);
            return;
        };
        tracing::info!(
            pool = &*self.key.pool,
            fleet = &*self.key.fleet,
            instance = &*id,
            "starting"
        );
        let (means, key, plan) = (means.clone(), self.key.clone(), self.plan.clone());
        self.tasks.change(async move {
            let answer = means.start(&*driver, (&key, &plan), (&id, port)).await;
            What::Started { id, answer }
        });
    }

    fn stop(&mut self, id: Arc<str>, how: Stop) {
        let (Some(driver), Some(instance)) = (self.driver.clone(), self.known(&id)) else {
            return;
        };
        self.tasks.change(async move {
            let answer = bounded("stop", CALL_MAX, driver.stop(&instance, how)).await;
            What::Stopped { id, how, answer }
        });
    }

    /// One that was registered before us has nobody but us to say that it is still there.
    pub(super) fn keep_registered(&mut self, id: &Arc<str>, means: &Means) {
        let is_staying = self.life.instance(id).is_some_and(|one| one.state.is_staying());
        if is_staying && self.plan.lifecycle.registered_by == RegisteredBy::Scaler {
            self.register(id, means);
        }
    }

    /// What others made keeps the registration that it has: what our plan says of policies it need not uphold.
    fn renew(&mut self, id: &Arc<str>, means: &Means) {
        if let Some(token) = means.records.token(id) {
            let (door, key) = (means.door.clone(), self.member(id));
            self.tasks.keep(id, |_| {
                Box::pin(async move { membership::renew(&door, &key, &credentials(&token)).await })
            });
        }
    }

    /// Its registration is taken and kept for it.
    fn register(&mut self, id: &Arc<str>, means: &Means) {
        if self.is_of_strangers {
            return self.renew(id, means);
        }
        if let Some(address) = self.life.instance(id).and_then(|instance| instance.address) {
            self.register_at(id, address, means);
        }
    }

    /// What another proxy has started serves here too.
    pub(super) fn share(&mut self, listed: &[Found], means: &Means) {
        if self.plan.lifecycle.registered_by != RegisteredBy::Scaler {
            return;
        }
        let is_ours = |found: &&Found| found.state == FoundState::Running && self.make.made(&found.id);
        let running: Vec<&Found> = listed.iter().filter(is_ours).collect();
        for (id, address) in running
            .iter()
            .filter_map(|found| Some((&found.id, found.address?)))
        {
            self.register_at(id, address, means);
        }
        for id in self
            .tasks
            .kept_but(&|id| running.iter().any(|found| *found.id == *id))
        {
            self.forget(&id, means);
        }
    }

    fn register_at(&mut self, id: &Arc<str>, address: SocketAddr, means: &Means) {
        if self.tasks.keeps(id) {
            return;
        }
        let announcement = self.announcement(id, address);
        let (means, key, plan) = (means.clone(), self.key.clone(), self.plan.clone());
        let id = Arc::clone(id);
        let membership = |teller: Teller| {
            let id = Arc::clone(&id);
            Box::pin(async move {
                let token = match means.token(&id, &key, &plan).await {
                    Ok(token) => token,
                    Err(refused) => return teller.tell(What::NotRegistered { id, refused }).await,
                };
                let tell = |refused| {
                    let id = Arc::clone(&id);
                    teller.try_tell(What::NotRegistered { id, refused });
                };
                membership::keep(means.door, announcement, credentials(&token), tell).await;
            }) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>
        };
        self.tasks.keep(&id, membership);
    }

    fn announcement(&self, id: &Arc<str>, address: SocketAddr) -> Announcement {
        Announcement {
            key: self.member(id),
            address,
            policies: self.plan.policies.clone(),
            weight: 1,
            term: Term::Heartbeats(Some(self.ttl())),
            spells_types_as_text: false,
            zone: None,
            is_backup: false,
        }
    }

    /// Its end is noticed by itself: the lease may be long.
    fn ttl(&self) -> Duration {
        LEASE.min(self.ttl_max)
    }

    fn set_drained(&mut self, id: &Arc<str>, is_drained: bool, means: &Means) {
        let (door, key) = (means.door.clone(), self.member(id));
        self.tasks.say(async move {
            // One that never registered, or has left, has nothing to drain.
            let _ = match is_drained {
                true => door.drain(&key, None).await.map(|_| ()),
                false => door.undrain(&key).await,
            };
        });
    }

    fn deregister(&mut self, id: &Arc<str>, means: &Means) {
        self.tasks.let_go(id);
        let (door, key) = (means.door.clone(), self.member(id));
        self.tasks.say(async move {
            let _ = door.remove(&key).await;
        });
    }

    /// It is over: nothing of it is kept.
    fn forget(&mut self, id: &Arc<str>, means: &Means) {
        self.tasks.forget(id);
        self.figures.forget(id);
        self.say_goodbye(id, means);
    }

    /// What an earlier process started and is no more.
    pub(super) fn forget_the_lost(&mut self, listed: &[Found], means: &Means) {
        for id in means.records.take_inherited(&self.key) {
            if listed.iter().all(|found| found.id != id) {
                self.say_goodbye(&id, means);
            }
        }
    }

    fn say_goodbye(&self, id: &Arc<str>, means: &Means) {
        let (means, key, id) = (means.clone(), self.member(id), Arc::clone(id));
        self.tasks.say(async move {
            let _ = means.door.remove(&key).await;
            let _ = means.door.undrain(&key).await;
            means.forget(&id).await;
        });
    }

    pub(super) fn member(&self, id: &Arc<str>) -> MemberKey {
        MemberKey {
            pool: Arc::clone(&self.key.pool),
            id: Arc::clone(id),
        }
    }

    /// A fault that somebody should see.
    pub(super) fn note_fault(&mut self, fault: &Fault, now: Tick) {
        self.tally.note_fault(fault.code(), fault.to_string(), now);
        let code = fault.code();
        tracing::warn!(
            pool = &*self.key.pool,
            fleet = &*self.key.fleet,
            fault = code,
            "{fault}"
        );
    }
}

/// Also long enough for a proxy to be started anew without its instances being forgotten.
const LEASE: Duration = Duration::from_secs(60);
