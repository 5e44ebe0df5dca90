//! Plans for tests.

use portreeve_model::plan::{DriverPlan, FleetPlan, ProcessPlan};

pub(crate) fn process_plan(command: &[&str]) -> DriverPlan {
    DriverPlan::Process(ProcessPlan {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        env: Vec::new(),
        folder: None,
        ports: None,
        host: std::net::Ipv4Addr::LOCALHOST.into(),
    })
}

pub(crate) fn fleet_plan(command: &[&str]) -> FleetPlan {
    FleetPlan::new("default".into(), process_plan(command))
}
