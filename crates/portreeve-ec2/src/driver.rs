//! The driver.

use std::fmt;

use aws_config::SdkConfig;
use portreeve_driver::{Driver, DriverFault, Ended, Found, Leadership, Order, Pending, Started, Stop, Usage};
use portreeve_model::plan::{Ec2Plan, Name};
use tokio::time::timeout;

use crate::account::Account;
use crate::lease::Lease;
use crate::pace::Pace;
use crate::size::Size;
use crate::watch::Watch;

/// The instances of one fleet, in an EC2 Auto Scaling group.
///
/// AWS names them: an order is known by the group's name as its handle until a list tells the instance, whose id and handle
/// are its EC2 instance id. It registers itself, so neither token nor environment of an order reach it. What instances use
/// is not known here.
pub struct Ec2Driver {
    pool: Name,
    fleet: Name,
    account: Account,
    pace: Pace,
    size: Size,
    watch: Watch,
    lease: Lease,
}

impl Ec2Driver {
    /// Credentials, and the region if the plan has none, are looked for at the first call.
    ///
    /// # Errors
    /// [`DriverFault::Failed`] if the plan names no group, or an endpoint that is no URL.
    pub fn new(pool: Name, fleet: Name, plan: Ec2Plan) -> Result<Self, DriverFault> {
        Self::paced(pool, fleet, plan, None, Pace::default())
    }

    /// As [`new`](Self::new), but with credentials, region and HTTP client as a program chose them.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_sdk(pool: Name, fleet: Name, plan: Ec2Plan, sdk: SdkConfig) -> Result<Self, DriverFault> {
        Self::paced(pool, fleet, plan, Some(sdk), Pace::default())
    }

    pub(crate) fn paced(
        pool: Name,
        fleet: Name,
        plan: Ec2Plan,
        sdk: Option<SdkConfig>,
        pace: Pace,
    ) -> Result<Self, DriverFault> {
        judge(&plan)?;
        Ok(Self {
            lease: Lease::new(&pool, &fleet),
            pool,
            fleet,
            account: Account::new(plan, pace.clone(), sdk),
            pace,
            size: Size::default(),
            watch: Watch::default(),
        })
    }

    async fn within<T>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T, DriverFault>>,
    ) -> Result<T, DriverFault> {
        let limit = self.pace.call_max;
        match timeout(limit, work).await {
            Ok(answer) => answer,
            Err(_) => Err(DriverFault::TimedOut {
                what: format!("{what} `{}`", self.account.group()),
                limit,
            }),
        }
    }

    /// Whether this is an order whose instance AWS has not named.
    fn is_order(&self, instance: &Found) -> bool {
        instance.handle == self.account.group()
    }
}

impl Driver for Ec2Driver {
    fn start<'a>(&'a self, _order: &'a Order) -> Pending<'a, Result<Started, DriverFault>> {
        Box::pin(async move {
            let raised = self.size.raise(&self.account);
            self.within("raising the size of the Auto Scaling group", raised)
                .await?;
            Ok(Started {
                handle: self.account.group().to_owned(),
                address: None,
            })
        })
    }

    /// Both ways are one: AWS asks the instance to shut down, and ends it if it does not.
    fn stop<'a>(&'a self, instance: &'a Found, _how: Stop) -> Pending<'a, Result<(), DriverFault>> {
        Box::pin(async move {
            let what = "ending an instance of the Auto Scaling group";
            match self.is_order(instance) {
                true => {
                    let withdrawn = self.size.withdraw(&self.account, &instance.id);
                    self.within(what, withdrawn).await
                }
                false => {
                    let ended = self.size.end(&self.account, &instance.handle);
                    self.within(what, ended).await
                }
            }
        })
    }

    fn list(&self) -> Pending<'_, Result<Vec<Found>, DriverFault>> {
        Box::pin(self.within("listing the Auto Scaling group", self.size.list(&self.account)))
    }

    fn ended<'a>(&'a self, instance: &'a Found) -> Pending<'a, Ended> {
        Box::pin(async move {
            if self.is_order(instance) {
                self.size.until_withdrawn(&instance.id).await;
                return withdrawn();
            }
            self.watch
                .until_gone(&self.account, &self.pace, &instance.handle)
                .await
        })
    }

    fn usage<'a>(&'a self, instances: &'a [Found]) -> Pending<'a, Vec<Usage>> {
        Box::pin(std::future::ready(vec![Usage::default(); instances.len()]))
    }

    fn lead<'a>(&'a self, owner: &'a str) -> Pending<'a, Result<Leadership, DriverFault>> {
        let asked = self.lease.ask(&self.account, &self.pace, owner);
        Box::pin(self.within("asking for the lease of the Auto Scaling group", asked))
    }

    fn resign<'a>(&'a self, owner: &'a str) -> Pending<'a, ()> {
        Box::pin(async move {
            let left = self.lease.leave(&self.account, owner);
            let left = self
                .within("giving up the lease of the Auto Scaling group", left)
                .await;
            if let Err(fault) = left {
                tracing::warn!(pool = %self.pool, fleet = %self.fleet, %fault, "the lease runs out by itself");
            }
        })
    }
}

impl fmt::Debug for Ec2Driver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Ec2Driver")
            .field("pool", &self.pool)
            .field("fleet", &self.fleet)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

fn judge(plan: &Ec2Plan) -> Result<(), DriverFault> {
    let is_url = |endpoint: &String| {
        let is_http = endpoint.starts_with("http://") || endpoint.starts_with("https://");
        is_http && endpoint.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let reason = match &plan.endpoint {
        _ if plan.group.is_empty() => "an Auto Scaling group has a name; none is given".to_owned(),
        Some(endpoint) if !is_url(endpoint) => {
            format!("`{endpoint}` is no endpoint: it begins with http:// or https://")
        }
        _ => return Ok(()),
    };
    Err(DriverFault::Failed {
        what: "setting up the driver `ec2`".to_owned(),
        reason,
    })
}

fn withdrawn() -> Ended {
    Ended {
        how: "the order was withdrawn before AWS launched it".to_owned(),
        last_words: String::new(),
    }
}
