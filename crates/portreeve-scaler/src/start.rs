//! Starting one instance: its token, its record, its order.

use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use portreeve_control::{Credentials, Door, Refused, TokenWish};
use portreeve_driver::{Driver, DriverFault, Order, Secret, Started};
use portreeve_model::PolicyScope;
use portreeve_model::plan::{DriverPlan, FleetPlan, Network, RegisteredBy};
use tokio::time::timeout;

use crate::names::FleetKey;
use crate::records::{Record, Records};

/// What all such work needs.
#[derive(Debug, Clone)]
pub(crate) struct Means {
    pub(crate) door: Door,
    pub(crate) records: Arc<Records>,
    pub(crate) url: Option<Arc<str>>,
}

/// Why something could not be done for a fleet.
#[derive(Debug)]
pub(crate) enum Fault {
    Driver(DriverFault),
    Door(Refused),
}

impl Fault {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Driver(fault) => fault.code(),
            Self::Door(_) => "refused",
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Driver(fault) => fault.fmt(out),
            Self::Door(refused) => write!(out, "the registry refuses it: {refused}"),
        }
    }
}

impl Means {
    /// Starts one. If that fails nothing of it is left.
    pub(crate) async fn start(
        &self,
        driver: &dyn Driver,
        (key, plan): (&FleetKey, &FleetPlan),
        (id, port): (&Arc<str>, Option<u16>),
    ) -> Result<Started, Fault> {
        let token = match plan.driver {
            // It would not reach the instance, which is named by others and has one of the operator's.
            DriverPlan::Ec2(_) => Secret::new(""),
            _ => self.token(id, key, plan).await.map_err(Fault::Door)?,
        };
        let order = Order {
            id: Arc::clone(id),
            pool: Arc::clone(&key.pool),
            fleet: Arc::clone(&key.fleet),
            port,
            env: self.env(&plan.driver),
            token,
        };
        let started = bounded("start", CALL_MAX, driver.start(&order)).await;
        if started.is_err() {
            self.forget(id).await;
        }
        started.map_err(Fault::Driver)
    }

    /// The token of an instance: the one that it has, or a new one.
    pub(crate) async fn token(
        &self,
        id: &Arc<str>,
        key: &FleetKey,
        plan: &FleetPlan,
    ) -> Result<Secret, Refused> {
        if let Some(token) = self.records.token(id) {
            return Ok(token);
        }
        let made = self.door.create_token(wish(key, plan)).await?;
        let token = Secret::new(made.shown);
        let record = Record {
            key: key.clone(),
            token: token.clone(),
        };
        self.records.put(id, record).await;
        Ok(token)
    }

    /// What is over takes its token with it, and so its registration.
    pub(crate) async fn forget(&self, id: &str) {
        let Some(token) = self.records.take(id).await else {
            return;
        };
        if let Some(id) = token_id(token.reveal()) {
            // One that is not there any more is what is wanted.
            let _ = self.door.revoke_token(&id.into()).await;
        }
    }

    /// What the plan says is not said again: only the operator knows where containers find us.
    fn env(&self, driver: &DriverPlan) -> Vec<(String, String)> {
        let said = match driver {
            DriverPlan::Process(plan) => &*plan.env,
            DriverPlan::Docker(plan) => &*plan.env,
            DriverPlan::Exec(_) | DriverPlan::Ec2(_) => &[],
        };
        let url = self.url.iter().map(|url| (URL.to_owned(), url.to_string()));
        url.filter(|_| said.iter().all(|(name, _)| name != URL)).collect()
    }
}

/// Its own pool, its fleet's policies, nothing else; where we register it, also no more weight than we give it, and no
/// other place than the one that we know.
fn wish(key: &FleetKey, plan: &FleetPlan) -> TokenWish {
    let is_registered_by_us = plan.lifecycle.registered_by == RegisteredBy::Scaler;
    TokenWish {
        pools: vec![Arc::clone(&key.pool)],
        policies: PolicyScope::These(plan.policies.clone()),
        networks: match &plan.driver {
            DriverPlan::Process(plan) if is_registered_by_us => vec![only(plan.host)],
            // Where it will be only the driver knows.
            _ => anywhere(),
        },
        weight_max: if is_registered_by_us { 1 } else { WEIGHT_MAX },
        ttl_max: None,
        expires_in: None,
    }
}

fn only(address: IpAddr) -> Network {
    let prefix = if address.is_ipv4() { 32 } else { 128 };
    Network { address, prefix }
}

fn anywhere() -> Vec<Network> {
    let all: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    all.map(|address| Network { address, prefix: 0 }).into()
}

/// As the scaler shows itself to the door: from this machine, with the instance's token.
pub(crate) fn credentials(token: &Secret) -> Credentials {
    Credentials {
        source: Some(Ipv4Addr::LOCALHOST.into()),
        token: Some(token.reveal().to_owned()),
        certificate: None,
    }
}

fn token_id(shown: &str) -> Option<&str> {
    shown.strip_prefix("ptv_")?.split('_').next()
}

/// A driver that breaks its word and hangs is given up, and one that panics has failed.
pub(crate) async fn bounded<T>(
    what: &'static str,
    limit: Duration,
    call: impl Future<Output = Result<T, DriverFault>>,
) -> Result<T, DriverFault> {
    let what = || format!("the driver's {what}");
    match timeout(limit, caught(call)).await {
        Ok(Some(answer)) => answer,
        Ok(None) => Err(DriverFault::Failed {
            what: what(),
            reason: "a fault of ours: see the log".to_owned(),
        }),
        Err(_) => Err(DriverFault::TimedOut { what: what(), limit }),
    }
}

/// `None`: it panicked.
async fn caught<T>(call: impl Future<Output = T>) -> Option<T> {
    let mut call = pin!(call);
    poll_fn(move |context| {
        let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context)));
        polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
    })
    .await
}

/// Longer than any driver may take by itself: pulling an image is the longest.
pub(crate) const CALL_MAX: Duration = Duration::from_secs(330);
const WEIGHT_MAX: u16 = 1_000;
const URL: &str = "PORTREEVE_URL";
