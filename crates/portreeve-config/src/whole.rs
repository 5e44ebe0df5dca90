//! What can only be said of the whole: what is implied, what collides, what can never serve.

mod edge;
mod reach;
mod traffic;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use portreeve_model::plan::{
    AcmePlan, Bind, ListenerPlan, Name, Plan, PolicyPlan, RegistrationPlan, RoutePlan,
};

use crate::defaults;
use crate::findings::Findings;
use crate::listener::{ListenerDraft, Placed};
use crate::place::Place;
use crate::pool::PoolDraft;
use crate::route::{RouteDraft, RoutePlaces};
use crate::word::Complaint;

/// The parts as they were read, before they were looked at together.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) listeners: Vec<ListenerDraft>,
    pub(crate) routes: Vec<RouteDraft>,
    pub(crate) pools: Vec<PoolDraft>,
    pub(crate) policies: Vec<PolicyPlan>,
    pub(crate) registration: RegistrationPlan,
    pub(crate) acme: Option<AcmePlan>,
    pub(crate) zone: Option<Name>,
    pub(crate) admin: Option<Placed<SocketAddr>>,
}

impl Draft {
    /// Fills in what is implied and notes what does not fit together. Nothing is said of a torn document, of which
    /// parts may be missing only because they could not be read.
    pub(crate) fn plan(mut self, findings: &Findings) -> Plan {
        if !findings.is_torn {
            self.imply(findings);
            self.confine(findings);
            self.overlaps(findings);
            self.twins(findings);
            self.vacancies(findings);
            self.strangers(findings);
            self.protocols(findings);
            self.unheld(findings);
            self.not_for_packets(findings);
            self.before_hedges(findings);
            self.nobody_waits(findings);
            self.carried(findings);
            self.redirected(findings);
            self.certified(findings);
            self.challenged(findings);
        }
        let acme = self.acme();
        Plan {
            listeners: self.listeners.into_iter().map(|listener| listener.plan).collect(),
            routes: self.routes.into_iter().map(|route| route.plan).collect(),
            pools: self.pools.into_iter().map(|pool| pool.placed.plan).collect(),
            policies: self.policies,
            registration: self.registration,
            acme,
            zone: self.zone,
        }
    }

    /// A listener on port 8080 if there is none, and one route to the only pool that is not for packets if there is none.
    fn imply(&mut self, findings: &Findings) {
        if self.listeners.is_empty() {
            let plan = ListenerPlan {
                carries: self.implied_carries(),
                ..listener()
            };
            self.listeners
                .push(ListenerDraft::at(&at_top("listener.listen.bind"), plan));
        }
        if self.routes.is_empty() {
            let implied = self.implied_route(findings);
            self.routes.extend(implied);
        }
    }

    fn implied_route(&self, findings: &Findings) -> Option<RouteDraft> {
        let is_for_http = |pool: &&PoolDraft| self.packets_into(&pool.placed.plan.name).is_none();
        let pools: Vec<&PoolDraft> = self.pools.iter().filter(is_for_http).collect();
        match pools.as_slice() {
            [] if self.pools.is_empty() => findings.missing(
                &at_top("pool"),
                Complaint::new("at least one section [pool.NAME] with backends"),
            ),
            [] => {} // packets alone
            [only] => {
                return Some(RouteDraft {
                    place: at_top("route.default"),
                    places: RoutePlaces::all(&at_top("route.default")),
                    plan: route(only.placed.plan.name.clone()),
                });
            }
            [_, ..] => findings.missing(&at_top("route"), Complaint::new(ROUTE_NEEDED)),
        }
        None
    }

    /// Two sockets of which the kernel would refuse the second, or which would share connections by accident.
    fn overlaps(&self, findings: &Findings) {
        let admin = self
            .admin
            .as_ref()
            .map(|admin| (&admin.place, Bind::Tcp(admin.plan)));
        let listeners = self
            .listeners
            .iter()
            .map(|listener| (&listener.place, listener.plan.bind.clone()));
        let binds: Vec<_> = admin.into_iter().chain(listeners).collect();
        for (nth, (place, bind)) in binds.iter().enumerate() {
            if let Some((other, first)) = binds[..nth].iter().find(|(_, other)| overlap(bind, other)) {
                let allowed = format!(
                    "an address that does not overlap with {} of {}",
                    show(first),
                    other.key
                );
                findings.add(place, show(bind), Complaint::new(allowed));
            }
        }
    }

    /// Two routes that ask the same: the second could never be reached.
    fn twins(&self, findings: &Findings) {
        let all: Vec<Name> = self
            .listeners
            .iter()
            .map(|listener| listener.plan.name.clone())
            .collect();
        let mut alike: HashMap<u64, Vec<&RouteDraft>> = HashMap::new();
        for route in &self.routes {
            let before = alike.entry(digest(&route.plan, &all)).or_default();
            if let Some(first) = before
                .iter()
                .find(|other| ask_the_same(&other.plan, &route.plan, &all))
            {
                let found = format!("the same conditions as in {}", first.place.key);
                let allowed = "each set of listener, host, path, client, method and header in one route";
                let complaint = Complaint::new(allowed).hint("this route would never be reached");
                findings.add(&route.place, found, complaint);
            }
            before.push(route);
        }
    }
}

/// The listener that is there when none is asked for.
pub(crate) fn listener() -> ListenerPlan {
    ListenerPlan::new(Name::from(defaults::LISTENER_NAME), defaults::bind())
}

/// The route that takes everything.
pub(crate) fn route(pool: Name) -> RoutePlan {
    RoutePlan::all(Name::from(defaults::NAME), pool)
}

/// Writes an address as the file does.
pub(crate) fn show(bind: &Bind) -> String {
    match bind {
        Bind::Tcp(address) => address.to_string(),
        Bind::Unix(path) => format!("unix:{}", path.display()),
    }
}

/// Where something is missing, or implied.
fn at_top(key: &str) -> Place {
    Place {
        line: 1,
        key: key.to_owned(),
    }
}

/// Whether two sockets would compete. `[::]` also takes IPv4; port 0 is another port each time.
fn overlap(a: &Bind, b: &Bind) -> bool {
    match (a, b) {
        (Bind::Unix(a), Bind::Unix(b)) => a == b,
        (Bind::Tcp(a), Bind::Tcp(b)) => {
            a.port() == b.port() && a.port() != 0 && (covers(a, b) || covers(b, a))
        }
        _ => false,
    }
}

fn covers(a: &SocketAddr, b: &SocketAddr) -> bool {
    match a.ip() {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => true,
        IpAddr::V4(ip) if ip.is_unspecified() => b.is_ipv4(),
        _ => a == b,
    }
}

/// Equal for routes that ask the same, in whatever order; so that thousands of routes need not all be compared.
fn digest(route: &RoutePlan, all: &[Name]) -> u64 {
    [
        sum(listeners_of(route, all)),
        sum(&route.hosts),
        sum(&route.paths),
        sum(&route.clients),
        sum(&route.methods),
        sum(&route.headers),
    ]
    .iter()
    .fold(0, |digest: u64, part| digest.rotate_left(7) ^ part)
}

/// A sum of hashes does not depend on the order.
fn sum<T: Hash>(values: &[T]) -> u64 {
    let hash = |value: &T| {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        hasher.finish()
    };
    values.iter().map(hash).fold(0, u64::wrapping_add)
}

fn ask_the_same(a: &RoutePlan, b: &RoutePlan, all: &[Name]) -> bool {
    same(listeners_of(a, all), listeners_of(b, all))
        && same(&a.hosts, &b.hosts)
        && same(&a.paths, &b.paths)
        && same(&a.clients, &b.clients)
        && same(&a.methods, &b.methods)
        && same(&a.headers, &b.headers)
}

fn listeners_of<'a>(route: &'a RoutePlan, all: &'a [Name]) -> &'a [Name] {
    match route.listeners.is_empty() {
        true => all,
        false => &route.listeners,
    }
}

/// Whether two lists without repetition hold the same, in whatever order.
fn same<T: PartialEq>(a: &[T], b: &[T]) -> bool {
    a.len() == b.len() && a.iter().all(|one| b.contains(one))
}

const ROUTE_NEEDED: &str =
    "at least one section [route.NAME] with pool = \"...\": only a single pool needs none";
