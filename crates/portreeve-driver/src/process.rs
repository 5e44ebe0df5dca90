//! Begun: who leads is decided, the rest is refused.

use std::path::Path;
use std::sync::Mutex;

use portreeve_model::plan::{Name, ProcessPlan};

use crate::folder::Folder;
use crate::lead::Lock;
use crate::{Driver, DriverFault, Ended, Found, Leadership, Order, Pending, Started, Stop, Usage};

/// Instances of the driver `process`.
#[derive(Debug)]
pub struct ProcessDriver {
    lock: Mutex<Lock>,
}

impl ProcessDriver {
    /// For one fleet of a pool; its files lie in `instances` of the folder for state.
    ///
    /// # Errors
    /// If that folder cannot be used.
    pub fn new(pool: Name, fleet: Name, _plan: ProcessPlan, state: &Path) -> Result<Self, DriverFault> {
        let folder = Folder::open(state)?;
        let lock = Mutex::new(Lock::of(&folder, &pool, &fleet));
        Ok(Self { lock })
    }
}

impl Driver for ProcessDriver {
    fn start<'a>(&'a self, _order: &'a Order) -> Pending<'a, Result<Started, DriverFault>> {
        Box::pin(async { Err(refused()) })
    }

    fn stop<'a>(&'a self, _instance: &'a Found, _how: Stop) -> Pending<'a, Result<(), DriverFault>> {
        Box::pin(async { Err(refused()) })
    }

    fn list(&self) -> Pending<'_, Result<Vec<Found>, DriverFault>> {
        Box::pin(async { Err(refused()) })
    }

    fn ended<'a>(&'a self, _instance: &'a Found) -> Pending<'a, Ended> {
        Box::pin(std::future::pending())
    }

    fn usage<'a>(&'a self, instances: &'a [Found]) -> Pending<'a, Vec<Usage>> {
        Box::pin(async { vec![Usage::default(); instances.len()] })
    }

    fn lead<'a>(&'a self, owner: &'a str) -> Pending<'a, Result<Leadership, DriverFault>> {
        Box::pin(async { self.lock.lock().expect("nobody panics with it").lead(owner) })
    }

    fn resign<'a>(&'a self, _owner: &'a str) -> Pending<'a, ()> {
        Box::pin(async { self.lock.lock().expect("nobody panics with it").resign() })
    }
}

fn refused() -> DriverFault {
    DriverFault::NotBuilt { driver: "process" }
}
