//! Instances that are processes of this machine.
//!
//! Each leads a process group of its own, carries our marks in its environment, and writes into a file: it does not notice
//! when the proxy dies, and the next one finds it again.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portreeve_model::plan::{Name, ProcessPlan};
use rustix::io::Errno;
use rustix::process::Signal;
use tokio::time::timeout;

use self::birth::Birth;
use self::marks::Whose;
use self::shared::Shared;
use crate::aside::aside;
use crate::folder::Folder;
use crate::lead::Lock;
use crate::{Driver, DriverFault, Ended, Found, Leadership, Order, Pending, Started, Stop, Usage};

mod birth;
mod find;
mod marks;
mod note;
mod output;
mod pidfd;
mod port;
mod procfs;
mod shared;
mod start;
mod usage;
mod watch;

/// The driver `process`. Its calls need a runtime with time and I/O.
///
/// An instance is over when its first process is; what is left of its group then, and all that carry its marks elsewhere,
/// are killed. Its handle is `PID:START`, with the time of its birth, so that another process that gets the number later is
/// never taken for it. When the driver is dropped its instances go on, and another driver finds them by `list`.
pub struct ProcessDriver {
    shared: Arc<Shared>,
    lock: Mutex<Lock>,
}

impl ProcessDriver {
    /// For one fleet of a pool; output, notes and locks lie in `instances` of the folder for state. Two proxies know each
    /// other's instances if they have this folder in common.
    ///
    /// # Errors
    /// If that folder cannot be used.
    pub fn new(pool: Name, fleet: Name, plan: ProcessPlan, state: &Path) -> Result<Self, DriverFault> {
        let folder = Folder::open(state)?;
        let lock = Mutex::new(Lock::of(&folder, &pool, &fleet));
        let keeper = folder.mark().to_owned();
        let whose = Whose { pool, fleet, keeper };
        let shared = Arc::new(Shared::new(whose, plan, folder));
        find::remove_strays(&shared);
        Ok(Self { shared, lock })
    }

    fn lock(&self) -> MutexGuard<'_, Lock> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What may wait for the system does so elsewhere, and only so long.
    async fn aside<T: Send + 'static>(
        &self,
        what: &str,
        work: impl FnOnce(&Arc<Shared>) -> Result<T, DriverFault> + Send + 'static,
    ) -> Result<T, DriverFault> {
        let shared = self.shared.clone();
        let what = || format!("{what} in {}", self.shared.whose.pool);
        match timeout(LIMIT, aside(move || work(&shared))).await {
            Ok(Some(done)) => done,
            Ok(None) => Err(DriverFault::Failed {
                what: what(),
                reason: "a fault of ours: see the log".to_owned(),
            }),
            Err(_) => Err(DriverFault::TimedOut {
                what: what(),
                limit: LIMIT,
            }),
        }
    }
}

const LIMIT: Duration = Duration::from_secs(20);

impl Driver for ProcessDriver {
    fn start<'a>(&'a self, order: &'a Order) -> Pending<'a, Result<Started, DriverFault>> {
        let order = order.clone();
        Box::pin(self.aside("starting a process", move |shared| start::start(shared, &order)))
    }

    fn stop<'a>(&'a self, instance: &'a Found, how: Stop) -> Pending<'a, Result<(), DriverFault>> {
        let instance = instance.clone();
        Box::pin(self.aside("stopping a process", move |shared| stop(shared, &instance, how)))
    }

    fn list(&self) -> Pending<'_, Result<Vec<Found>, DriverFault>> {
        Box::pin(self.aside("looking for processes", find::list))
    }

    fn ended<'a>(&'a self, instance: &'a Found) -> Pending<'a, Ended> {
        let (id, birth) = (instance.id.clone(), Birth::parse(&instance.handle));
        Box::pin(async move {
            let Some(birth) = birth else {
                return watch::unknown();
            };
            let found = self.aside("looking for a process", move |shared| {
                find::one(shared, &id, birth)
            });
            match found.await {
                Ok(Some(watched)) => watched.ended().await,
                Ok(None) => watch::unknown(),
                Err(_) => looked_for(birth).await,
            }
        })
    }

    fn usage<'a>(&'a self, instances: &'a [Found]) -> Pending<'a, Vec<Usage>> {
        let asked = instances.to_vec();
        Box::pin(async move {
            let found = self
                .aside("measuring processes", move |_| Ok(usage::of(&asked)))
                .await;
            found.unwrap_or_else(|_| vec![Usage::default(); instances.len()])
        })
    }

    fn lead<'a>(&'a self, owner: &'a str) -> Pending<'a, Result<Leadership, DriverFault>> {
        Box::pin(async move { self.lock().lead(owner) })
    }

    fn resign<'a>(&'a self, _owner: &'a str) -> Pending<'a, ()> {
        Box::pin(async { self.lock().resign() })
    }
}

impl fmt::Debug for ProcessDriver {
    /// Without the environment, which may hold secrets.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ProcessDriver")
            .field("whose", &self.shared.whose)
            .field("table", &*self.shared.table())
            .finish_non_exhaustive()
    }
}

/// Tells the whole group. One that is stopped by a signal goes on, so that it can obey.
fn stop(shared: &Arc<Shared>, instance: &Found, how: Stop) -> Result<(), DriverFault> {
    let Some(birth) = Birth::parse(&instance.handle) else {
        return Ok(());
    };
    let Some(watched) = find::one(shared, &instance.id, birth)? else {
        return Ok(());
    };
    if watched.is_over() {
        return Ok(());
    }
    watched.told(how);
    let told = match how {
        Stop::Ask => birth
            .signal_group(Signal::TERM)
            .and_then(|()| birth.signal_group(Signal::CONT)),
        Stop::Kill => birth.signal_group(Signal::KILL),
    };
    told.map_err(|error| not_told(instance, error))
}

fn not_told(instance: &Found, error: Errno) -> DriverFault {
    let what = format!("to signal {} (process {})", instance.id, instance.handle);
    let reason = error.to_string();
    match error {
        Errno::PERM => DriverFault::Denied { what, reason },
        _ => DriverFault::Failed { what, reason },
    }
}

/// Where it cannot be watched, since no file can be opened any more.
async fn looked_for(birth: Birth) -> Ended {
    while birth.stat().is_some_and(|stat| stat.is_alive()) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    watch::unknown()
}

#[cfg(test)]
mod tests;
