//! `[pool.NAME]`.

use portreeve_model::plan::{BalancePlan, PoolPlan, Scheme, Target, TargetAddress};
use portreeve_model::{Policies, Policy};

use super::said::{Said, number};
use super::{Text, demand, limits, registration, resilience, scale, text_of, tls};
use crate::place::quoted;
use crate::pool::spoken;
use crate::{balance, defaults, duration};

/// The section of one pool, and those below it.
pub(super) fn section(file: &mut Text, pool: &PoolPlan) {
    file.section(&["pool", &pool.name]);
    if pool.scheme != spoken::shared(&pool.targets) {
        file.text("scheme", pool.scheme.code());
    }
    backends(file, pool);
    if let Some(version) = pool.proxy_protocol {
        file.value("send_proxy_protocol", version);
    }
    if let Some(register) = registration::register(pool) {
        file.value("register", register);
    }
    match &pool.balance {
        BalancePlan::RoundRobin => {}
        BalancePlan::Hash(key) => {
            let key = quoted(&balance::show_key(key));
            file.value("balance", format_args!("{{ hash = {key} }}"));
        }
        other => file.text("balance", &balance::show(other)),
    }
    if pool.resolve_every != defaults::RESOLVE_EVERY {
        file.text("resolve_every", &duration::show(pool.resolve_every));
    }
    resilience::lines(file, pool);
    tls::backends(file, pool);
    limits::backend(file, &pool.name, &pool.limits);
    resilience::sections(file, pool);
    if let Some(plan) = &pool.scale {
        scale::sections(file, pool, plan, &shared(pool));
    }
}

/// Who is in the pool. What all uphold is said once.
fn backends(file: &mut Text, pool: &PoolPlan) {
    if pool.targets.is_empty() {
        return;
    }
    let shared = shared(pool);
    let shown: Vec<String> = pool
        .targets
        .iter()
        .map(|one| target(one, pool.scheme, &shared))
        .collect();
    file.value("backends", format_args!("[{}]", shown.join(", ")));
    if !shared.is_empty() {
        file.value("policies", demand::policies(&shared));
    }
}

/// What each of them upholds, and each that is started beside them.
fn shared(pool: &PoolPlan) -> Policies {
    let targets = || pool.targets.iter().map(|target| &target.policies);
    let fleets = || pool.scale.iter().flat_map(|scale| &scale.fleets);
    let in_all = |policy: &&Policy| {
        let mut all = targets().chain(fleets().map(|fleet| &fleet.policies));
        all.all(|upheld| upheld.contains(policy.as_str()))
    };
    let first = pool.targets.iter().take(1).flat_map(|target| &target.policies);
    first.filter(in_all).cloned().collect()
}

/// A backend, with what it upholds beyond what all do.
fn target(target: &Target, scheme: Scheme, shared: &Policies) -> String {
    let mut said = Said::default();
    let address = quoted(&spoken_with(target, scheme));
    said.value("address", address.clone());
    said.unless("weight", target.weight, 1, number);
    let beyond = |policy: &&Policy| !shared.contains(policy.as_str());
    let own: Policies = target.policies.iter().filter(beyond).cloned().collect();
    if !own.is_empty() {
        said.value("policies", demand::policies(&own));
    }
    said.some("zone", target.zone.as_deref(), quoted);
    said.on("backup", target.is_backup);
    match said.len() {
        1 => address,
        _ => said.table(),
    }
}

/// The address, with what is spoken unless that is as everywhere.
fn spoken_with(target: &Target, scheme: Scheme) -> String {
    let address = address(&target.address);
    match (target.scheme, scheme) {
        (Scheme::Http, Scheme::Http) => address,
        (own, _) => format!("{}://{address}", own.code()),
    }
}

fn address(address: &TargetAddress) -> String {
    match address {
        TargetAddress::Socket(address) => address.to_string(),
        TargetAddress::Host { host, port } => format!("{host}:{port}"),
        TargetAddress::Unix(path) => format!("unix:{}", text_of(path)),
    }
}
