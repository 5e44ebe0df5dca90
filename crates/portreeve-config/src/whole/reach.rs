//! What leads to a pool, and whether anything in it could ever answer.

use portreeve_model::Policies;
use portreeve_model::plan::{
    DemandPlan, DriverPlan, FleetPlan, Name, PolicySource, PoolPlan, RegisteredBy, ScaleMode,
};

use super::Draft;
use crate::findings::Findings;
use crate::listener::ListenerDraft;
use crate::place::quoted;
use crate::policy;
use crate::pool::PoolDraft;
use crate::route::RouteDraft;
use crate::word::Complaint;

impl Draft {
    /// The first listener whose packets go to this pool.
    pub(super) fn packets_into(&self, pool: &Name) -> Option<&ListenerDraft> {
        let leads = |listener: &&ListenerDraft| {
            listener
                .plan
                .packets
                .as_ref()
                .is_some_and(|packets| packets.pool == *pool)
        };
        self.listeners.iter().find(leads)
    }

    /// A pool that something leads to, that has no backends and that none can join: all it could ever do is refuse.
    /// A fault, not a warning that scrolls by. A pool that nothing leads to may be empty.
    pub(super) fn vacancies(&self, findings: &Findings) {
        for pool in self.pools.iter().filter(|pool| pool.is_vacant) {
            let plan = &pool.placed.plan;
            let Some(way) = self.way_to(&plan.name).filter(|_| !self.may_be_joined(plan)) else {
                continue;
            };
            let complaint = Complaint::new(format!("at least one, since {way} here"));
            findings.add(
                &pool.placed.place,
                "no backends",
                complaint.hint(how_to_join(plan)),
            );
        }
    }

    /// A fleet whose backends register themselves, where they cannot.
    pub(super) fn strangers(&self, findings: &Findings) {
        for pool in self
            .pools
            .iter()
            .filter(|pool| !self.may_be_joined(&pool.placed.plan))
        {
            let fleets = pool.placed.plan.scale.iter().flat_map(|scale| &scale.fleets);
            let mut themselves =
                fleets.filter(|fleet| fleet.lifecycle.registered_by == RegisteredBy::Backend);
            if let Some(fleet) = themselves.next() {
                let found = format!("fleet {}, whose backends register themselves", fleet.name);
                findings.add(&pool.places.scale, found, nowhere_to_register(fleet));
            }
        }
    }

    /// A pool that both requests and packets lead to: its backends speak one of the two.
    pub(super) fn protocols(&self, findings: &Findings) {
        for route in &self.routes {
            for (pool, _) in ways(route) {
                let Some(listener) = self.packets_into(pool) else {
                    continue;
                };
                let found = format!("packets for {}", quoted(pool));
                let allowed = format!("a pool of its own, since {} sends HTTP there", route.place.key);
                findings.add(&listener.packets, found, Complaint::new(allowed));
            }
        }
    }

    /// Policies that a route always demands and that no backend upholds, where none can join that does.
    pub(super) fn unheld(&self, findings: &Findings) {
        for route in &self.routes {
            let always = always(&route.plan.demands);
            let closed = ways(route).filter_map(|(pool, _)| self.closed_pool(pool));
            for plan in closed.filter(|_| !always.is_empty()) {
                if !upheld(plan).any(|policies| policies.uphold(&always)) {
                    findings.add(&route.places.policy, always.to_string(), unheld(plan));
                }
            }
        }
    }

    /// The pool of this name, if all that is ever in it was read from the file.
    fn closed_pool(&self, name: &Name) -> Option<&PoolPlan> {
        let named = |pool: &&PoolDraft| pool.placed.plan.name == *name;
        let pool = self.pools.iter().find(named)?;
        let plan = &pool.placed.plan;
        let is_closed = pool.is_whole && !pool.is_vacant && !self.may_be_joined(plan);
        is_closed.then_some(plan)
    }

    /// What leads to this pool, if anything does.
    fn way_to(&self, pool: &Name) -> Option<String> {
        let named = |route: &RouteDraft| {
            let mut ways = ways(route);
            let (_, how) = ways.find(|(name, _)| *name == pool)?;
            Some(format!("route {} {how}", route.plan.name))
        };
        let packets = |listener: &ListenerDraft| format!("packets of listener {} lead", listener.plan.name);
        let route = self.routes.iter().find_map(named);
        route.or_else(|| self.packets_into(pool).map(packets))
    }

    fn may_be_joined(&self, pool: &PoolPlan) -> bool {
        pool.members.is_some() && self.listeners.iter().any(|listener| listener.plan.registration)
    }
}

fn nowhere_to_register(fleet: &FleetPlan) -> Complaint {
    match fleet.driver {
        DriverPlan::Ec2(_) => {
            Complaint::new("an Auto Scaling group where a listener says registration = true")
        }
        _ => Complaint::new("registered_by = \"scaler\", or a listener that says registration = true"),
    }
}

/// The pools that a route's requests get into, and how, as in "route shop leads here".
pub(super) fn ways(route: &RouteDraft) -> impl Iterator<Item = (&Name, &'static str)> {
    let arms = route.plan.split.iter().flat_map(|split| &split.arms);
    let mirror = route.plan.mirror.iter().map(|mirror| (&mirror.pool, "mirrors"));
    std::iter::once((&route.plan.pool, "leads"))
        .chain(arms.map(|(pool, _)| (pool, "sends a share")))
        .chain(mirror)
}

/// What is demanded of every request, whatever it says.
fn always(demands: &[DemandPlan]) -> Policies {
    let fixed = demands.iter().filter_map(|demand| match &demand.from {
        PolicySource::Fixed(policies) => Some(policies),
        _ => None,
    });
    fixed.fold(Policies::none(), |all, more| policy::union(&all, more))
}

/// What each backend of this pool upholds that the file names or that the pool starts.
fn upheld(pool: &PoolPlan) -> impl Iterator<Item = &Policies> {
    let targets = pool.targets.iter().map(|target| &target.policies);
    let scale = pool.scale.iter().filter(|scale| scale.mode == ScaleMode::On);
    let fleets = scale.flat_map(|scale| &scale.fleets);
    targets.chain(fleets.map(|fleet| &fleet.policies))
}

fn unheld(pool: &PoolPlan) -> Complaint {
    let allowed = format!("what a backend of pool {} upholds, all of it", pool.name);
    let hint = match upheld(pool).max_by_key(|policies| policies.len()) {
        Some(most) if !most.is_empty() => format!("one of them upholds {most}"),
        _ => "its backends uphold none".to_owned(),
    };
    Complaint::new(allowed).hint(format!("{hint}; {}", how_to_join(pool)))
}

fn how_to_join(pool: &PoolPlan) -> &'static str {
    match pool.members {
        Some(_) if pool.scale.is_some() => {
            "with mode = \"observe\" nothing is started; backends may register once a listener says registration = true"
        }
        Some(_) => "backends may register once a listener says registration = true",
        None => "backends may register once the pool says register = true and a listener registration = true",
    }
}
