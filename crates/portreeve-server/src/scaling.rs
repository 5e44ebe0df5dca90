//! Which drivers there are, and how the scaler is put together with the rest.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use portreeve_config::Config;
use portreeve_control::Controller;
use portreeve_docker::DockerDriver;
use portreeve_driver::{Driver, DriverFault, ExecDriver, ProcessDriver};
use portreeve_model::plan::{DriverPlan, Ec2Plan, FleetPlan};
use portreeve_scaler::{FleetKey, Scaler, ScalerSettings};
use tokio::sync::Notify;

use crate::listeners::Bound;

/// Starts it, with all drivers of this build.
pub(crate) fn start(
    config: &Config,
    controller: &Controller,
    bound: &Bound,
    wakes: Arc<Notify>,
    start: Instant,
) -> Scaler {
    let drivers = Drivers {
        state: config.state.clone(),
    };
    Scaler::start(ScalerSettings {
        door: controller.door(),
        snapshots: controller.snapshots(),
        wakes,
        start,
        state: Some(config.state.clone()),
        driver: Box::new(move |key, plan| drivers.make(key, plan)),
        url: bound.taking_registrations().map(url),
        owner: owner(&config.state),
    })
}

/// What drivers keep, they keep in the state folder.
struct Drivers {
    state: PathBuf,
}

impl Drivers {
    fn make(&self, key: &FleetKey, plan: &FleetPlan) -> Result<Arc<dyn Driver>, DriverFault> {
        let (pool, fleet) = (Arc::clone(&key.pool), Arc::clone(&key.fleet));
        Ok(match &plan.driver {
            DriverPlan::Process(plan) => {
                Arc::new(ProcessDriver::new(pool, fleet, plan.clone(), &self.state)?)
            }
            DriverPlan::Exec(plan) => Arc::new(ExecDriver::new(pool, fleet, plan.clone(), &self.state)?),
            DriverPlan::Docker(plan) => Arc::new(DockerDriver::new(pool, fleet, plan.clone(), &self.state)?),
            DriverPlan::Ec2(plan) => return ec2(key, plan),
        })
    }
}

#[cfg(feature = "ec2")]
fn ec2(key: &FleetKey, plan: &Ec2Plan) -> Result<Arc<dyn Driver>, DriverFault> {
    let (pool, fleet) = (Arc::clone(&key.pool), Arc::clone(&key.fleet));
    let driver = portreeve_ec2::Ec2Driver::new(pool, fleet, plan.clone())?;
    Ok(Arc::new(driver))
}

#[cfg(not(feature = "ec2"))]
fn ec2(_: &FleetKey, _: &Ec2Plan) -> Result<Arc<dyn Driver>, DriverFault> {
    Err(DriverFault::NotBuilt { driver: "ec2" })
}

/// A listener, as programs of this machine reach it.
fn url(listener: SocketAddr) -> String {
    match listener.ip().is_unspecified() {
        true => format!("http://127.0.0.1:{}", listener.port()),
        false => format!("http://{listener}"),
    }
}

/// The same after a restart, and another for each proxy.
fn owner(state: &Path) -> String {
    let system = rustix::system::uname();
    format!("{}:{}", system.nodename().to_string_lossy(), state.display())
}
