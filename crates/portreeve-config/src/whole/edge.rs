//! What listeners, routes and pools say of connections, certificates and redirects that does not go together.

use portreeve_model::plan::{
    AcmeChallenge, AcmePlan, BalancePlan, Bind, Carries, HashKey, ListenerPlan, Name, PolicySource, TlsPlan,
};

use super::Draft;
use super::reach::ways;
use crate::findings::Findings;
use crate::listener::ListenerDraft;
use crate::place::{Place, quoted};
use crate::pool::PoolDraft;
use crate::route::RouteDraft;
use crate::word::Complaint;

impl Draft {
    /// What the one listener carries that is there when none is asked for.
    pub(super) fn implied_carries(&self) -> Carries {
        let is_raw = |pool: &PoolDraft| pool.placed.plan.scheme.is_raw();
        match !self.pools.is_empty() && self.pools.iter().all(is_raw) {
            true => Carries::Tcp,
            false => Carries::Http,
        }
    }

    /// How certificates are had; by default in everything if listeners have domains and nothing is said.
    pub(super) fn acme(&self) -> Option<AcmePlan> {
        let is_needed = self.with_domains().next().is_some();
        let by_default = is_needed.then(AcmePlan::default);
        self.acme.clone().or(by_default)
    }

    /// Where listeners carry different things, a route that names none serves those that carry what its pool takes.
    pub(super) fn confine(&mut self, findings: &Findings) {
        for nth in 0..self.routes.len() {
            let Some(carries) = self.taken_by(&self.routes[nth].plan.pool) else {
                continue;
            };
            let fitting = self.carrying(carries);
            let route = &mut self.routes[nth];
            match (route.plan.listeners.is_empty(), fitting.len()) {
                (true, 0) => {
                    let found = format!("{}, which {}", quoted(&route.plan.pool), takes(carries));
                    findings.add(&route.places.pool, found, no_listener(carries));
                }
                (true, count) if count < self.listeners.len() => route.plan.listeners = fitting,
                _ => {}
            }
        }
    }

    /// Routes from listeners to pools that do not take what the listeners carry, and what they say of requests where
    /// there are none.
    pub(super) fn carried(&self, findings: &Findings) {
        for route in &self.routes {
            let Some(carries) = self.taken_by(&route.plan.pool) else {
                continue;
            };
            self.same_in_all(route, carries, findings);
            self.entered_by(route, carries, findings);
            if carries == Carries::Tcp {
                for (place, found) in &route.places.of_requests {
                    findings.add(place, *found, not_of_bytes(&route.plan.pool));
                }
            }
        }
        let raw = self.pools.iter().filter(|pool| pool.placed.plan.scheme.is_raw());
        for pool in raw {
            for (place, found) in of_requests(pool) {
                findings.add(place, found, not_of_bytes(&pool.placed.plan.name));
            }
        }
    }

    /// Redirects to listeners that do not speak TLS.
    pub(super) fn redirected(&self, findings: &Findings) {
        for listener in &self.listeners {
            let to = listener.plan.redirect.as_ref().and_then(|plan| plan.to.as_ref());
            let Some(to) = to else { continue };
            let target = self.listeners.iter().find(|other| other.plan.name == *to);
            if target.is_some_and(|target| !is_https(&target.plan)) {
                let complaint = Complaint::new("a listener with tls that carries http");
                findings.add(&listener.redirect, quoted(to), complaint);
            }
        }
    }

    /// Policies that certificates name, on routes of listeners that ask for none.
    pub(super) fn certified(&self, findings: &Findings) {
        for route in &self.routes {
            let mut sources = route.plan.demands.iter().map(|demand| &demand.from);
            let is_named = sources.any(|from| matches!(from, PolicySource::Certificate(_)));
            let mut listeners = self
                .listeners
                .iter()
                .filter(|listener| serves(route, &listener.plan.name));
            let asks = |listener: &ListenerDraft| tls_of(listener).is_some_and(|tls| tls.clients.is_some());
            if is_named && !listeners.any(asks) {
                let complaint = Complaint::new("a source of policies that its listeners know")
                    .hint("clients are asked for a certificate where a listener has tls.clients");
                findings.add(&route.places.policy, "certificates", complaint);
            }
        }
    }

    /// Domains whose certificates cannot be had, as nobody could ask here whether they are ours.
    pub(super) fn challenged(&self, findings: &Findings) {
        let challenge = self.acme.as_ref().map(|acme| acme.challenge).unwrap_or_default();
        if challenge != AcmeChallenge::Http01 || self.listeners.iter().any(|one| is_plain_http(&one.plan)) {
            return;
        }
        for listener in self.with_domains() {
            let complaint = Complaint::new("a listener without tls beside it, or another acme.challenge")
                .hint("with challenge = \"http-01\" the authority asks by HTTP without TLS");
            findings.add(&listener.domains, "domains", complaint);
        }
    }

    fn with_domains(&self) -> impl Iterator<Item = &ListenerDraft> {
        let has = |listener: &&ListenerDraft| tls_of(listener).is_some_and(|tls| !tls.domains.is_empty());
        self.listeners.iter().filter(has)
    }

    /// What this pool takes; `None` if there is no such pool.
    fn taken_by(&self, pool: &Name) -> Option<Carries> {
        let pool = self.pools.iter().find(|known| known.placed.plan.name == *pool)?;
        Some(match pool.placed.plan.scheme.is_raw() {
            true => Carries::Tcp,
            false => Carries::Http,
        })
    }

    fn carrying(&self, carries: Carries) -> Vec<Name> {
        let plans = self.listeners.iter().map(|listener| &listener.plan);
        let fitting = plans.filter(|plan| plan.carries == carries);
        fitting.map(|plan| plan.name.clone()).collect()
    }

    /// All pools that a route leads to take the same.
    fn same_in_all(&self, route: &RouteDraft, carries: Carries, findings: &Findings) {
        let other = ways(route).find(|(pool, _)| self.taken_by(pool).is_some_and(|taken| taken != carries));
        if let Some((pool, how)) = other {
            let found = format!("a route that {how} to {}", quoted(pool));
            let allowed = format!(
                "pools that take the same: {} {}",
                quoted(&route.plan.pool),
                takes(carries)
            );
            findings.add(&route.place, found, Complaint::new(allowed));
        }
    }

    /// All listeners that a route names carry what its pool takes.
    fn entered_by(&self, route: &RouteDraft, carries: Carries, findings: &Findings) {
        let named = self
            .listeners
            .iter()
            .filter(|listener| route.plan.listeners.contains(&listener.plan.name));
        for listener in named.filter(|listener| listener.plan.carries != carries) {
            let found = quoted(&listener.plan.name);
            let allowed = format!(
                "listeners that say carries = \"{}\", as pool {} {}",
                word(carries),
                route.plan.pool,
                takes(carries)
            );
            findings.add(&route.places.listener, found, Complaint::new(allowed));
        }
    }
}

/// What a pool says of requests.
fn of_requests(pool: &PoolDraft) -> impl Iterator<Item = (&Place, &'static str)> {
    let (plan, places) = (&pool.placed.plan, &pool.places);
    let is_by_request = |key: &HashKey| *key != HashKey::ClientAddress;
    let by_request = matches!(&plan.balance, BalancePlan::Hash(key) if is_by_request(key));
    let repeats = !plan.retry.statuses.is_empty() || plan.retry.marked_by.is_some();
    let all = [
        (&places.balance, by_request, "a hash of requests"),
        (&places.retry, repeats, "repeated requests"),
        (&places.hedge, plan.hedge.is_some(), "a wish for second attempts"),
        (&places.sticky, plan.sticky.is_some(), "a cookie"),
        (&places.page, plan.hold.page.is_some(), "a page for browsers"),
    ];
    let asked = all.into_iter().filter(|(_, is_asked, _)| *is_asked);
    asked.map(|(place, _, found)| (place, found))
}

fn not_of_bytes(pool: &Name) -> Complaint {
    Complaint::new(format!(
        "no such thing with pool {pool}, whose backends serve connections, not requests"
    ))
}

fn no_listener(carries: Carries) -> Complaint {
    let allowed = format!(
        "a pool for what the listeners carry, or a listener that says carries = \"{}\"",
        word(carries)
    );
    Complaint::new(allowed)
}

fn takes(carries: Carries) -> &'static str {
    match carries {
        Carries::Http => "serves requests",
        Carries::Tcp => "serves connections",
    }
}

/// The word in the file.
fn word(carries: Carries) -> &'static str {
    match carries {
        Carries::Http => "http",
        Carries::Tcp => "tcp",
    }
}

fn serves(route: &RouteDraft, listener: &Name) -> bool {
    route.plan.listeners.is_empty() || route.plan.listeners.contains(listener)
}

fn tls_of(listener: &ListenerDraft) -> Option<&TlsPlan> {
    listener.plan.tls.as_ref()
}

fn is_https(plan: &ListenerPlan) -> bool {
    plan.carries == Carries::Http && plan.tls.is_some()
}

/// Whether it takes HTTP without TLS over the network.
fn is_plain_http(plan: &ListenerPlan) -> bool {
    plan.carries == Carries::Http && plan.tls.is_none() && matches!(plan.bind, Bind::Tcp(_))
}
