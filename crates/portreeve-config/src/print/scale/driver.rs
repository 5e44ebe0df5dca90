//! `driver` of a fleet.

use std::time::Duration;

use portreeve_model::plan::{DockerPlan, DriverPlan, Ec2Plan, ExecPlan, ProcessPlan};

use crate::place::{quoted, written};
use crate::pool::scale::driver::docker::{ENDPOINT, show_cpus};
use crate::pool::scale::driver::exec::TIMEOUT;
use crate::pool::scale::driver::process::{HOST, show_ports};
use crate::print::said::{Said, bytes, inline, number, time};
use crate::print::text_of;

/// The table of a driver, in a fleet with this `start_timeout`.
pub(super) fn driver(plan: &DriverPlan, start_timeout: Duration) -> String {
    let mut said = Said::default();
    match plan {
        DriverPlan::Process(plan) => process(&mut said, plan),
        DriverPlan::Docker(plan) => docker(&mut said, plan),
        DriverPlan::Exec(plan) => exec(&mut said, plan, start_timeout),
        DriverPlan::Ec2(plan) => ec2(&mut said, plan),
    }
    said.table()
}

fn process(said: &mut Said, plan: &ProcessPlan) {
    said.value("process", list(&plan.command));
    pairs(said, "env", &plan.env);
    said.some("folder", plan.folder.as_deref(), |folder| {
        quoted(&text_of(folder))
    });
    said.some("ports", plan.ports, |ports| quoted(&show_ports(ports)));
    said.unless("host", plan.host, HOST, |host| quoted(&host.to_string()));
}

fn docker(said: &mut Said, plan: &DockerPlan) {
    said.value("docker", quoted(&plan.image));
    said.value("port", number(plan.port));
    if !plan.command.is_empty() {
        said.value("command", list(&plan.command));
    }
    pairs(said, "env", &plan.env);
    said.some("memory", plan.memory_bytes, bytes);
    said.some("cpus", plan.cpu_thousandths, show_cpus);
    said.some("network", plan.network.as_deref(), quoted);
    pairs(said, "labels", &plan.labels);
    if plan.endpoint != ENDPOINT {
        said.value("endpoint", quoted(&plan.endpoint));
    }
}

fn exec(said: &mut Said, plan: &ExecPlan, start_timeout: Duration) {
    let hooks = [("start", &plan.start), ("stop", &plan.stop), ("list", &plan.list)];
    let hooks = hooks.map(|(key, command)| format!("{key} = {}", list(command)));
    said.value("exec", inline(&hooks));
    said.unless("timeout", plan.timeout, TIMEOUT.min(start_timeout), time);
}

fn ec2(said: &mut Said, plan: &Ec2Plan) {
    said.value("ec2", quoted(&plan.group));
    said.some("region", plan.region.as_deref(), quoted);
    said.some("endpoint", plan.endpoint.as_deref(), quoted);
}

fn list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("[{}]", words.join(", "))
}

fn pairs(said: &mut Said, key: &'static str, pairs: &[(String, String)]) {
    if !pairs.is_empty() {
        let pair = |(name, value): &(String, String)| format!("{} = {}", written(name), quoted(value));
        said.value(key, inline(&pairs.iter().map(pair).collect::<Vec<_>>()));
    }
}
