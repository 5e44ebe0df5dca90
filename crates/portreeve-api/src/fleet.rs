//! What is to be known of a fleet: how many instances it is to have and why, and how each of them is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// All fleets that were asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FleetList {
    /// By pool, in the order of their names.
    pub fleets: Vec<FleetState>,
}

/// One fleet as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FleetState {
    /// Whose backends its instances become.
    pub pool: String,
    /// Unique in the pool; `default` where the pool names none.
    pub fleet: String,
    /// `process`, `docker`, `exec` or `ec2`.
    pub driver: String,
    /// `on`, or `observe`: what is decided is only told.
    pub mode: String,
    /// `leads`, `follows`, or `unknown` until the driver has said it.
    pub role: String,
    /// Who leads, where we follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<String>,
    /// Never fewer.
    pub min: u32,
    /// Never more.
    pub max: u32,
    /// How many it is to have.
    pub size: u32,
    /// How many it has, by their states.
    pub instances_by_state: BTreeMap<String, u32>,
    /// The last decision; not there before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<FleetDecision>,
    /// The oldest first.
    pub instances: Vec<InstanceState>,
    /// How often each thing happened.
    pub events: BTreeMap<String, u64>,
    /// How often the driver failed, by cause.
    pub faults: BTreeMap<String, u64>,
    /// The last of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_fault: Option<FleetFault>,
    /// How often its size was raised.
    pub raised: u64,
    /// How often its size was lowered.
    pub lowered: u64,
    /// Whether it is on its way out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaving: bool,
}

/// How a size came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FleetDecision {
    /// How long ago.
    pub age_ms: u64,
    /// The size before.
    pub from: u32,
    /// The size since.
    pub to: u32,
    /// The rule that won; not there if none had a wish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What each rule wanted.
    pub wishes: Vec<FleetWish>,
    /// Why it is not what the winning rule wanted, in the order in which it was bounded.
    pub bounds: Vec<FleetBound>,
}

/// What one rule wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FleetWish {
    /// As in the configuration.
    pub rule: String,
    /// How many.
    pub size: u32,
    /// What it looked at.
    pub seen: f64,
    /// What that should be.
    pub target: f64,
    /// The same as a sentence.
    pub text: String,
}

/// Why a wish was not followed as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetBound {
    /// By what: a closed list.
    pub by: String,
    /// How many were wanted.
    pub from: u32,
    /// How many were left of that.
    pub to: u32,
    /// The same as a sentence.
    pub text: String,
}

/// Why the driver failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetFault {
    /// In words.
    pub text: String,
    /// How long ago.
    pub age_ms: u64,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceState {
    /// The id of its backend too.
    pub id: String,
    /// What the driver calls it: a process id, a container's id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub handle: String,
    /// Where it listens, as far as the driver knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// `ordered`, `starting`, `serving`, `down`, `draining`, `stopping` or `killing`.
    pub state: String,
    /// For how long.
    pub state_for_ms: u64,
    /// As its backend stands; not there before it has registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<String>,
    /// Requests that it is busy with.
    pub in_flight: u32,
    /// How often what stood in its place had to be started again.
    pub restarts: u32,
    /// CPU time used since its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// CPU used lately, in percent of what it may use, or of one CPU if it may use all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<f64>,
    /// Memory in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Memory that it may use; not there: no bound of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_max_bytes: Option<u64>,
    /// Since its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_ms: Option<u64>,
}
