//! What is sound, and yet somebody should know.

mod edge;
mod scale;
mod traffic;

use std::net::{IpAddr, Ipv6Addr};

use portreeve_model::plan::{Network, Plan, PoolPlan};

use crate::Config;

impl Config {
    /// What is allowed and yet dangerous, or allowed and without effect: a sentence each, which begins with the key.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let of_registration = [insecure(&self.plan), no_pool(&self.plan), no_listener(&self.plan)];
        let of_edge = edge::warnings(&self.plan);
        let of_traffic = traffic::warnings(&self.plan);
        let of_scale = scale::warnings(&self.plan);
        of_registration
            .into_iter()
            .flatten()
            .chain(of_edge)
            .chain(of_traffic)
            .chain(of_scale)
            .collect()
    }
}

/// Registration without tokens from elsewhere than this machine.
fn insecure(plan: &Plan) -> Option<String> {
    let registration = Some(&plan.registration).filter(|registration| registration.is_insecure)?;
    let beyond: Vec<String> = registration
        .networks
        .iter()
        .filter(|network| !is_loopback(network))
        .map(|network| format!("{}/{}", network.address, network.prefix))
        .collect();
    Some(match may_register(plan) && !beyond.is_empty() {
        true => format!(
            "registration.insecure: whoever comes from {} may register backends without a token, and so answer \
             requests of any policy",
            beyond.join(", ")
        ),
        false => {
            "registration.insecure: has no effect, as nobody beyond this machine may register".to_owned()
        }
    })
}

fn no_pool(plan: &Plan) -> Option<String> {
    let listener = plan.listeners.iter().find(|listener| listener.registration)?;
    let is_open = plan.pools.iter().any(|pool| pool.members.is_some());
    (!is_open).then(|| {
        format!(
            "listener.{}.registration: has no effect, as no pool says register = true",
            listener.name
        )
    })
}

fn no_listener(plan: &Plan) -> Option<String> {
    let asks = |pool: &&PoolPlan| pool.members.is_some() && !pool.targets.is_empty() && pool.scale.is_none();
    let pool = plan.pools.iter().find(asks).filter(|_| !may_register(plan))?;
    Some(format!(
        "pool.{}.register: has no effect, as no listener says registration = true",
        pool.name
    ))
}

fn may_register(plan: &Plan) -> bool {
    plan.listeners.iter().any(|listener| listener.registration)
}

/// Whether all of it is this machine.
fn is_loopback(network: &Network) -> bool {
    match network.address {
        IpAddr::V4(address) => address.is_loopback() && network.prefix >= 8,
        IpAddr::V6(address) => address == Ipv6Addr::LOCALHOST && network.prefix == 128,
    }
}
