//! Instances that the operator's own commands start, stop and list.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portreeve_model::plan::{ExecPlan, Name};

use self::hook::{Hook, Hooks};
use self::listing::{Listed, listing, printed_address};
use self::looking::Looking;
use crate::folder::Folder;
use crate::id::is_id;
use crate::lead::Lock;
use crate::{
    Driver, DriverFault, Ended, Found, FoundState, Leadership, Order, Pending, Started, Stop, Usage,
};

mod hook;
mod listing;
mod looking;

/// The driver `exec`. Its calls need a runtime with time and I/O.
///
/// Each hook runs in a process group of its own, which is killed when its time is over. Beside `PORTREEVE_ID`,
/// `PORTREEVE_POOL` and `PORTREEVE_FLEET` a start gets the token in `PORTREEVE_TOKEN` and perhaps `PORTREEVE_PORT`, a stop
/// gets `PORTREEVE_STOP`, which is `ask` or `kill`, and perhaps `PORTREEVE_ADDRESS`. What a start leaves running must write
/// elsewhere than to the hook's output. After a start that failed or took too long, `stop` is run for its id.
pub struct ExecDriver {
    hooks: Arc<Hooks>,
    looking: Looking,
    lock: Mutex<Lock>,
}

impl ExecDriver {
    /// For one fleet of a pool; its lock lies in `instances` of the folder for state. Proxies that have not got this folder
    /// in common do not know of each other.
    ///
    /// # Errors
    /// If that folder cannot be used.
    pub fn new(pool: Name, fleet: Name, plan: ExecPlan, state: &Path) -> Result<Self, DriverFault> {
        let folder = Folder::open(state)?;
        let lock = Mutex::new(Lock::of(&folder, &pool, &fleet));
        let hooks = Arc::new(Hooks::new(pool, fleet, plan));
        let looking = Looking::new(hooks.clone());
        Ok(Self { hooks, looking, lock })
    }

    fn lock(&self) -> MutexGuard<'_, Lock> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn start_one(&self, order: &Order) -> Result<Started, DriverFault> {
        if !is_id(&order.id) {
            return Err(start_failed(&order.id, "an id is 1 to 64 of a-z, 0-9 and -"));
        }
        let fault = match self.hooks.run(&Hook::start(order)).await {
            Ok(printed) => match printed_address(&printed) {
                Ok(address) => return Ok(started(order, address)),
                Err(reason) => start_failed(&order.id, &reason),
            },
            Err(fault) => fault,
        };
        if matches!(fault, DriverFault::TimedOut { .. } | DriverFault::Failed { .. }) {
            self.clean_up(order).await;
        }
        Err(fault)
    }

    /// It may have begun something.
    async fn clean_up(&self, order: &Order) {
        if let Err(fault) = self.hooks.run(&Hook::stop(&order.id, None, Stop::Kill)).await {
            let Order { pool, fleet, id, .. } = order;
            tracing::warn!(%pool, %fleet, instance = %id, %fault, "cannot clean up after a start that failed");
        }
    }

    /// One that is not there any more need not be stopped, whatever the hook says of it.
    async fn stop_one(&self, instance: &Found, how: Stop) -> Result<(), DriverFault> {
        let told = self
            .hooks
            .run(&Hook::stop(&instance.id, instance.address, how))
            .await;
        let Err(fault) = told else { return Ok(()) };
        match listed(&self.hooks).await {
            Ok(listed) if listed.iter().all(|one| *one.id != *instance.id) => Ok(()),
            _ => Err(fault),
        }
    }
}

impl Driver for ExecDriver {
    fn start<'a>(&'a self, order: &'a Order) -> Pending<'a, Result<Started, DriverFault>> {
        Box::pin(self.start_one(order))
    }

    fn stop<'a>(&'a self, instance: &'a Found, how: Stop) -> Pending<'a, Result<(), DriverFault>> {
        Box::pin(self.stop_one(instance, how))
    }

    fn list(&self) -> Pending<'_, Result<Vec<Found>, DriverFault>> {
        Box::pin(async { Ok(listed(&self.hooks).await?.into_iter().map(found).collect()) })
    }

    fn ended<'a>(&'a self, instance: &'a Found) -> Pending<'a, Ended> {
        Box::pin(async {
            self.looking.missed(&instance.id).await;
            Ended {
                how: "`list` does not name it any more".to_owned(),
                last_words: String::new(),
            }
        })
    }

    /// Nobody knows.
    fn usage<'a>(&'a self, instances: &'a [Found]) -> Pending<'a, Vec<Usage>> {
        Box::pin(async { vec![Usage::default(); instances.len()] })
    }

    fn lead<'a>(&'a self, owner: &'a str) -> Pending<'a, Result<Leadership, DriverFault>> {
        Box::pin(async move { self.lock().lead(owner) })
    }

    fn resign<'a>(&'a self, _owner: &'a str) -> Pending<'a, ()> {
        Box::pin(async { self.lock().resign() })
    }
}

impl fmt::Debug for ExecDriver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ExecDriver")
            .field("hooks", &self.hooks)
            .finish_non_exhaustive()
    }
}

fn start_failed(id: &str, reason: &str) -> DriverFault {
    DriverFault::Failed {
        what: format!("starting {id}"),
        reason: reason.to_owned(),
    }
}

fn started(order: &Order, address: Option<std::net::SocketAddr>) -> Started {
    Started {
        handle: order.id.to_string(),
        address,
    }
}

fn found(listed: Listed) -> Found {
    Found {
        handle: listed.id.to_string(),
        id: listed.id,
        address: listed.address,
        state: FoundState::Running,
        age: None,
    }
}

async fn listed(hooks: &Hooks) -> Result<Vec<Listed>, DriverFault> {
    let printed = hooks.run(&Hook::list()).await?;
    listing(&printed).map_err(|reason| DriverFault::Failed {
        what: "the hook `list`".to_owned(),
        reason,
    })
}

#[cfg(test)]
mod tests;
