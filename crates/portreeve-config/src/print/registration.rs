//! Who may register, and how long that counts.

use portreeve_model::plan::{MembersPlan, Network, PoolPlan, RegistrationPlan};

use super::Text;
use super::said::{Said, number, one_or_list, time};
use crate::place::quoted;

/// `[registration]`, if there is anything to say.
pub(super) fn section(file: &mut Text, plan: &RegistrationPlan) {
    let plain = RegistrationPlan::default();
    if *plan == plain {
        return;
    }
    file.comment("Who may register backends");
    let mut said = Said::default();
    if plan.networks != plain.networks {
        said.value("networks", networks(&plan.networks));
    }
    said.on("insecure", plan.is_insecure);
    said.on("link_local", plan.allows_link_local);
    said.unless(
        "registrations_max",
        plan.registrations_max,
        plain.registrations_max,
        number,
    );
    said.unless(
        "per_source_max",
        plan.per_source_max,
        plain.per_source_max,
        number,
    );
    said.unless("per_token_max", plan.per_token_max, plain.per_token_max, number);
    said.write(file, &["registration"]);
}

/// `register` of a pool; nothing if it is as by default.
pub(super) fn register(pool: &PoolPlan) -> Option<String> {
    match &pool.members {
        None => pool.targets.is_empty().then(|| "false".to_owned()),
        Some(members) if *members == MembersPlan::default() => Some("true".to_owned()),
        Some(members) => Some(lasting(members)),
    }
}

fn lasting(members: &MembersPlan) -> String {
    let plain = MembersPlan::default();
    let mut said = Said::default();
    said.unless("ttl", members.ttl, plain.ttl, time);
    said.unless("ttl_max", members.ttl_max, plain.ttl_max, time);
    said.unless("grace", members.grace, plain.grace, time);
    said.table()
}

/// One network, or a list of them.
pub(super) fn networks(networks: &[Network]) -> String {
    let shown: Vec<String> = networks.iter().map(network).collect();
    one_or_list(&shown)
}

/// A network in CIDR form.
pub(super) fn network(network: &Network) -> String {
    quoted(&format!("{}/{}", network.address, network.prefix))
}
