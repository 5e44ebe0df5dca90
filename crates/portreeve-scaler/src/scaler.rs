//! The handle by which the rest of the process starts, asks and ends it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use portreeve_control::Door;
use portreeve_driver::{Driver, DriverFault};
use portreeve_model::Snapshot;
use portreeve_model::plan::FleetPlan;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::names::FleetKey;
use crate::overseer::Overseer;
use crate::records::Records;
use crate::view::FleetState;

/// Makes the driver of a fleet.
pub type MakeDriver = Box<dyn Fn(&FleetKey, &FleetPlan) -> Result<Arc<dyn Driver>, DriverFault> + Send>;

/// What it needs.
pub struct ScalerSettings {
    /// Where instances are registered, as anybody would.
    pub door: Door,
    /// Plans and figures.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Notified when a request finds nobody to serve it.
    pub wakes: Arc<Notify>,
    /// From when on time is counted: as the data plane does.
    pub start: Instant,
    /// The folder for what survives a restart; `None`: nothing does.
    pub state: Option<PathBuf>,
    /// Makes drivers.
    pub driver: MakeDriver,
    /// Where instances find us, such as `http://127.0.0.1:8080`: for those that register themselves.
    pub url: Option<String>,
    /// Who we are, where several proxies share a driver: unique and the same after a restart.
    pub owner: String,
}

impl fmt::Debug for ScalerSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ScalerSettings")
            .field("state", &self.state)
            .field("url", &self.url)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// Keeps the fleets of all pools. Dropping it ends the task at once and leaves the instances as they are.
#[derive(Debug)]
pub struct Scaler {
    view: ScalerView,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Scaler {
    /// Begins; fleets are found in the snapshots.
    #[must_use]
    pub fn start(settings: ScalerSettings) -> Self {
        let (states, seen) = watch::channel(Arc::default());
        let (stop, stopped) = oneshot::channel();
        let records = Arc::new(Records::load(settings.state.as_deref()));
        let clock = Clock::from(settings.start);
        let overseer = Overseer::new(settings, clock, records, states);
        Self {
            view: ScalerView { states: seen },
            stop,
            task: tokio::spawn(overseer.run(stopped)),
        }
    }

    /// By which others see what it does.
    #[must_use]
    pub fn view(&self) -> ScalerView {
        self.view.clone()
    }

    /// Ends it: fleets whose plan says so are stopped before this returns, within the times of their plans.
    pub async fn stop(self) {
        drop(self.stop);
        if self.task.await.is_err_and(|error| error.is_panic()) {
            tracing::error!("the scaler's task had panicked");
        }
    }
}

/// Sees what the scaler does. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ScalerView {
    states: watch::Receiver<Arc<Vec<FleetState>>>,
}

impl ScalerView {
    /// All fleets, pool by pool, as they were at most a quarter of a second ago.
    #[must_use]
    pub fn fleets(&self) -> Arc<Vec<FleetState>> {
        Arc::clone(&self.states.borrow())
    }

    /// One that sees these, for tests of those who show it.
    #[must_use]
    pub fn of(states: Vec<FleetState>) -> Self {
        let (_, states) = watch::channel(Arc::new(states));
        Self { states }
    }
}
