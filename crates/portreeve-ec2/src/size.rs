//! How large the group is: raised by orders, lowered with each that leaves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_autoscaling::error::ProvideErrorMetadata;
use portreeve_driver::{DriverFault, Found, FoundState};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::account::{Account, once};
use crate::fault;
use crate::group::Group;
use crate::orders::Orders;

/// Changes the group's size, one change at a time: AWS knows no "one more", only a number.
#[derive(Debug, Default)]
pub(crate) struct Size {
    turn: tokio::sync::Mutex<()>,
    orders: Mutex<Orders>,
    withdrawn: Notify,
    has_warned: AtomicBool,
}

impl Size {
    /// One more, and AWS says so.
    pub(crate) async fn raise(&self, account: &Account) -> Result<(), DriverFault> {
        let _turn = self.turn.lock().await;
        let group = Group::read(account).await?;
        self.warn_unprotected(account, &group);
        if self.orders().needs_more(&group) {
            let wanted = group.desired.saturating_add(1);
            if wanted > group.max {
                return Err(full(account, &group));
            }
            set(account, wanted).await?;
            read_back(account, wanted).await?;
        }
        self.orders().open();
        Ok(())
    }

    /// This one leaves, and is not replaced.
    pub(crate) async fn end(&self, account: &Account, id: &str) -> Result<(), DriverFault> {
        let _turn = self.turn.lock().await;
        let group = Group::read(account).await?;
        match group.member(id) {
            None => return Ok(()),
            Some(member) if member.state == FoundState::Ending => return Ok(()),
            Some(_) if group.desired <= group.min => return Err(empty(account, &group)),
            Some(_) => {}
        }
        terminate(account, id).await
    }

    /// Nobody waits for what was ordered any more: if AWS has not launched it yet, it need not.
    pub(crate) async fn withdraw(&self, account: &Account, order: &Arc<str>) -> Result<(), DriverFault> {
        let _turn = self.turn.lock().await;
        let group = Group::read(account).await?;
        let is_new = self.orders().withdraw(order);
        let needs_fewer = self.orders().needs_fewer(&group);
        self.withdrawn.notify_waiters();
        if is_new && needs_fewer && group.desired > group.min {
            return set(account, group.desired - 1).await;
        }
        Ok(())
    }

    /// All that there are; the scaler knows them from now on.
    pub(crate) async fn list(&self, account: &Account) -> Result<Vec<Found>, DriverFault> {
        let group = Group::read(account).await?;
        self.orders().tell(&group);
        Ok(group.members.iter().map(|member| member.found()).collect())
    }

    /// Ready when the order is withdrawn.
    pub(crate) async fn until_withdrawn(&self, order: &Arc<str>) {
        loop {
            let next = self.withdrawn.notified();
            if self.orders().is_withdrawn(order) {
                return;
            }
            next.await;
        }
    }

    fn warn_unprotected(&self, account: &Account, group: &Group) {
        if !group.protects_new && !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                group = account.group(),
                "the Auto Scaling group does not protect new instances from scale-in: AWS may end busy ones, when it \
                 balances zones; set NewInstancesProtectedFromScaleIn"
            );
        }
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn set(account: &Account, desired: u32) -> Result<(), DriverFault> {
    let client = account.client().await?;
    client
        .set_desired_capacity()
        .auto_scaling_group_name(account.group())
        .desired_capacity(i32::try_from(desired).unwrap_or(i32::MAX))
        .honor_cooldown(false)
        .send()
        .await
        .map(drop)
        .map_err(|error| fault::of("setting the desired capacity", account, &error))
}

/// A description may lag behind what was set; whoever comes next counts on it.
async fn read_back(account: &Account, wanted: u32) -> Result<(), DriverFault> {
    let mut desired = 0;
    for _ in 0..READINGS_MAX {
        desired = Group::read(account).await?.desired;
        if desired >= wanted {
            return Ok(());
        }
        sleep(READ_AGAIN).await;
    }
    Err(fault::failed(
        "raising the desired capacity",
        format!(
            "the Auto Scaling group `{}` was set to {wanted} and has {desired}: nothing but Portreeve may set it, neither \
             scaling policies nor schedules",
            account.group()
        ),
    ))
}

/// In one try: a second one could lower the size twice.
async fn terminate(account: &Account, id: &str) -> Result<(), DriverFault> {
    let client = account.client().await?;
    let ended = client
        .terminate_instance_in_auto_scaling_group()
        .instance_id(id)
        .should_decrement_desired_capacity(true)
        .customize()
        .config_override(once())
        .send()
        .await;
    match ended {
        Ok(_) => Ok(()),
        // It went between our reading and our word.
        Err(error) if error.message().is_some_and(|said| said.contains("not found")) => Ok(()),
        Err(error) => Err(fault::of("terminating an instance", account, &error)),
    }
}

fn full(account: &Account, group: &Group) -> DriverFault {
    DriverFault::LimitReached {
        reason: format!(
            "the Auto Scaling group `{}` may have {} instances at most: raise its MaxSize, or lower `max`",
            account.group(),
            group.max
        ),
    }
}

fn empty(account: &Account, group: &Group) -> DriverFault {
    DriverFault::LimitReached {
        reason: format!(
            "the Auto Scaling group `{}` keeps {} instances at least: lower its MinSize to `min`, or raise `min`",
            account.group(),
            group.min
        ),
    }
}

const READINGS_MAX: u32 = 10;
const READ_AGAIN: Duration = Duration::from_millis(300);
