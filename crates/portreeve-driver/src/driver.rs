//! The interface that all drivers have.

use std::fmt;
use std::pin::Pin;

use crate::fault::DriverFault;
use crate::instance::{Ended, Found, Leadership, Order, Started, Stop, Usage};

/// Something that a driver does, which may take long. Dropping it stops the waiting, not always what was begun.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What starts and stops the instances of one fleet.
///
/// Each call ends by itself in bounded time, with [`DriverFault::TimedOut`] at the latest; but for
/// [`ended`](Self::ended), which waits as long as the instance lives. All may be called at once, also for the same
/// instance.
pub trait Driver: fmt::Debug + Send + Sync {
    /// Starts what is ordered; ready when it is begun, not when it serves. If it fails nothing is left behind.
    fn start<'a>(&'a self, order: &'a Order) -> Pending<'a, Result<Started, DriverFault>>;

    /// Ends an instance, or asks it to. Ready when it was told. One that is not there any more is no fault.
    fn stop<'a>(&'a self, instance: &'a Found, how: Stop) -> Pending<'a, Result<(), DriverFault>>;

    /// All instances of this fleet that there are and that are not over, whoever started them: after a restart they are
    /// adopted. What is over is tidied up.
    fn list(&self) -> Pending<'_, Result<Vec<Found>, DriverFault>>;

    /// Ready when the instance is over: by an event, not by looking now and then, where the system can.
    fn ended<'a>(&'a self, instance: &'a Found) -> Pending<'a, Ended>;

    /// What these instances use, in their order.
    fn usage<'a>(&'a self, instances: &'a [Found]) -> Pending<'a, Vec<Usage>>;

    /// Whether we are the one that scales this fleet, of all proxies that use the same machine, engine or account; asks
    /// for it, and renews it: to be called at least every ten seconds. Who has not renewed for thirty seconds has lost it;
    /// where the system notices a death itself, at once.
    fn lead<'a>(&'a self, owner: &'a str) -> Pending<'a, Result<Leadership, DriverFault>>;

    /// Gives it up.
    fn resign<'a>(&'a self, owner: &'a str) -> Pending<'a, ()>;
}
