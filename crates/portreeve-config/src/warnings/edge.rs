//! Connections that anybody may read, and certificates that nobody could ask for.

use portreeve_model::plan::{Bind, Carries, ListenerPlan, Plan, PoolPlan};

/// A sentence each.
pub(super) fn warnings(plan: &Plan) -> Vec<String> {
    let insecure = plan.pools.iter().filter_map(insecure);
    let single = [needless(plan), unreachable(plan)];
    insecure.chain(single.into_iter().flatten()).collect()
}

/// TLS with whoever answers.
fn insecure(pool: &PoolPlan) -> Option<String> {
    pool.tls.is_insecure.then(|| {
        format!(
            "pool.{}.tls.insecure: any certificate is taken, so whoever is on the way to its backends can read and \
             change everything",
            pool.name
        )
    })
}

/// Ways to have certificates that no listener asks for.
fn needless(plan: &Plan) -> Option<String> {
    let is_needless = plan.acme.is_some() && with_domains(plan).next().is_none();
    is_needless.then(|| "acme: has no effect, as no listener has tls.domains".to_owned())
}

/// Domains, and no port on which an authority asks.
fn unreachable(plan: &Plan) -> Option<String> {
    let first = with_domains(plan).next()?;
    let is_asked = |listener: &ListenerPlan| match &listener.tls {
        Some(tls) => !tls.domains.is_empty() && has_port(listener, 443),
        None => listener.carries == Carries::Http && has_port(listener, 80),
    };
    (!plan.listeners.iter().any(is_asked)).then(|| {
        format!(
            "listener.{}.tls.domains: the authority asks on port 443 or 80 of each name, and no listener is there; \
             these ports must be forwarded here",
            first.name
        )
    })
}

fn with_domains(plan: &Plan) -> impl Iterator<Item = &ListenerPlan> {
    let has = |listener: &&ListenerPlan| listener.tls.as_ref().is_some_and(|tls| !tls.domains.is_empty());
    plan.listeners.iter().filter(has)
}

fn has_port(listener: &ListenerPlan, port: u16) -> bool {
    matches!(listener.bind, Bind::Tcp(address) if address.port() == port)
}
