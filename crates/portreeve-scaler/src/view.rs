//! What others see of fleets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use portreeve_driver::Usage;
use portreeve_model::Standing;
use portreeve_model::plan::ScaleMode;
use portreeve_model::scale::{self, Decision};

use crate::names::FleetKey;

/// A fleet at one moment.
#[derive(Debug, Clone)]
pub struct FleetState {
    /// Which.
    pub key: FleetKey,
    /// The driver's name in the file.
    pub driver: &'static str,
    /// Whether what is decided is done.
    pub mode: ScaleMode,
    /// Whether we are the one that scales it.
    pub role: Role,
    /// From the plan.
    pub min: u32,
    /// From the plan.
    pub max: u32,
    /// How many it is to have.
    pub size: u32,
    /// The last decision, and how long ago it was made.
    pub decision: Option<(Decision, Duration)>,
    /// All of its instances, the oldest first.
    pub instances: Vec<InstanceState>,
    /// How often each thing happened, by its code.
    pub events: BTreeMap<&'static str, u64>,
    /// How often the driver failed, by the fault's code.
    pub faults: BTreeMap<&'static str, u64>,
    /// The last fault, in words, and how long ago.
    pub last_fault: Option<(String, Duration)>,
    /// How often its size was changed, up and down.
    pub changes: (u64, u64),
    /// Whether it is on its way out: its plan is gone, or has other settings of the driver.
    pub is_leaving: bool,
}

impl FleetState {
    /// How many of its instances are in this state.
    #[must_use]
    pub fn count(&self, state: scale::InstanceState) -> u32 {
        let there = self.instances.iter().filter(|instance| instance.state == state);
        u32::try_from(there.count()).unwrap_or(u32::MAX)
    }
}

/// Whether we are the one that scales a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It was not found out yet, or the driver cannot say.
    Unknown,
    /// We are.
    Leads,
    /// Another is.
    Follows(String),
}

/// An instance at one moment.
#[derive(Debug, Clone)]
pub struct InstanceState {
    /// The backend's id too.
    pub id: Arc<str>,
    /// What the driver calls it.
    pub handle: String,
    /// Where it listens, if that is known.
    pub address: Option<SocketAddr>,
    /// Where it is between its order and its end.
    pub state: scale::InstanceState,
    /// For how long it has been in it.
    pub state_for: Duration,
    /// As its backend stands; `None`: it has not registered.
    pub standing: Option<Standing>,
    /// Requests that it has.
    pub in_flight: u32,
    /// How often it was replaced in its place.
    pub restarts: u32,
    /// What it uses, as the driver says.
    pub usage: Usage,
    /// CPU used since the last look, in percent of what it may use.
    pub cpu_percent: Option<f64>,
}
