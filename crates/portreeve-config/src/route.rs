//! `[route.NAME]`.

mod deadline;
pub(crate) mod rate;
pub(crate) mod share;

use portreeve_model::plan::{
    DemandPlan, HashKey, HeaderPattern, Name, PolicySource, PriorityPlan, RateKey, RatePlan, RoutePlan,
};

use crate::item::Item;
use crate::known::Known;
use crate::network::network;
use crate::place::{Place, quoted};
use crate::section::Section;
use crate::word::Complaint;
use crate::{demand, host, ledger, list, matching};

/// One route, and where its parts stand that others may not fit.
#[derive(Debug)]
pub(crate) struct RouteDraft {
    pub(crate) place: Place,
    pub(crate) places: RoutePlaces,
    pub(crate) plan: RoutePlan,
}

/// Where the parts of a route stand that pools may not fit.
#[derive(Debug)]
pub(crate) struct RoutePlaces {
    pub(crate) listener: Place,
    pub(crate) pool: Place,
    pub(crate) policy: Place,
    pub(crate) timeout: Place,
    pub(crate) priority: Place,
    /// Of what only requests have, and what it is.
    pub(crate) of_requests: Vec<(Place, &'static str)>,
}

impl RoutePlaces {
    fn of(section: &Section<'_>, plan: &RoutePlan) -> Self {
        let named = of_requests(plan).map(|(key, found)| (section.place_of(key), found));
        Self {
            listener: section.place_of("listener"),
            pool: section.place_of("pool"),
            of_requests: named.collect(),
            policy: section.place_of("policy"),
            timeout: section.place_of("timeout"),
            priority: section.place_of("priority"),
        }
    }

    /// All in the same place.
    pub(crate) fn all(place: &Place) -> Self {
        Self {
            listener: place.clone(),
            pool: place.clone(),
            of_requests: Vec::new(),
            policy: place.clone(),
            timeout: place.clone(),
            priority: place.clone(),
        }
    }
}

/// Reads one route. A pool that is not there leaves an empty name, for the reading to go on.
pub(crate) fn read(name: Name, mut section: Section<'_>, known: &Known) -> RouteDraft {
    let mut plan = conditions(&mut section, RoutePlan::all(name, Name::default()), known);
    let pool = section
        .need("pool", &known.pools_allowed())
        .and_then(|item| known.pool(&item));
    let demands = section.get("policy").map(|item| demand::read(&item));
    let ledger = section.word("ledger", ledger::mode);
    plan.demands = demands.unwrap_or_default();
    plan.ledger = ledger.unwrap_or_default();
    plan.deadline = deadline::read(&mut section);
    plan.rates = rate::read(&mut section);
    plan.priority = deadline::priority(&mut section);
    plan.split = share::split(&mut section, pool.as_ref(), known);
    plan.mirror = share::mirror(&mut section, pool.as_ref(), plan.split.as_ref(), known);
    plan.pool = pool.unwrap_or_default();
    let (place, places) = (section.place.clone(), RoutePlaces::of(&section, &plan));
    section.finish(&[]);
    RouteDraft { place, places, plan }
}

/// Which requests it is for.
fn conditions(section: &mut Section<'_>, plan: RoutePlan, known: &Known) -> RoutePlan {
    let listeners = section
        .get("listener")
        .map(|item| list::distinct(&item, |element| known.listener(element)));
    RoutePlan {
        listeners: listeners.unwrap_or_default(),
        hosts: list::words(section, "host", host::pattern),
        paths: list::words(section, "path", matching::path),
        clients: list::words(section, "clients", network),
        methods: list::words(section, "method", matching::method),
        headers: section
            .get("header")
            .map(|item| headers(&item))
            .unwrap_or_default(),
        ..plan
    }
}

/// What a connection that is carried as it is does not have, by the key that asks for it.
fn of_requests(plan: &RoutePlan) -> impl Iterator<Item = (&'static str, &'static str)> {
    let in_request = |demand: &DemandPlan| {
        !matches!(
            demand.from,
            PolicySource::Fixed(_) | PolicySource::HostLabel(_) | PolicySource::Certificate(_)
        )
    };
    let by_header = |rate: &RatePlan| matches!(rate.per, RateKey::Header(_));
    let key = plan.split.as_ref().and_then(|split| split.key.as_ref());
    let all = [
        ("path", !plan.paths.is_empty(), "a path"),
        ("method", !plan.methods.is_empty(), "a method"),
        ("header", !plan.headers.is_empty(), "a header"),
        (
            "policy",
            plan.demands.iter().any(in_request),
            "a policy that a request names",
        ),
        (
            "timeout",
            plan.deadline.timeout.is_some(),
            "how long requests may take",
        ),
        ("deadline_header", plan.deadline.header.is_some(), "a header"),
        ("rate", plan.rates.iter().any(by_header), "a rate by header"),
        (
            "priority",
            matches!(plan.priority, PriorityPlan::Header(_)),
            "a header",
        ),
        (
            "split_by",
            key.is_some_and(|key| *key != HashKey::ClientAddress),
            "a part of requests",
        ),
        ("mirror", plan.mirror.is_some(), "copies of requests"),
    ];
    let asked = all.into_iter().filter(|(_, is_asked, _)| *is_asked);
    asked.map(|(key, _, found)| (key, found))
}

fn headers(item: &Item<'_>) -> Vec<HeaderPattern> {
    let Some(entries) = item.entries() else {
        item.refuse(Complaint::new(
            "a table such as { X-Beta = \"1\", X-Debug = true }",
        ));
        return Vec::new();
    };
    let mut headers: Vec<HeaderPattern> = Vec::new();
    for (name, value) in entries {
        match header(name, &value) {
            Some(header) if headers.iter().any(|known| known.name == header.name) => {
                value.refuse(Complaint::new("each header once; case does not count"));
            }
            header => headers.extend(header),
        }
    }
    headers
}

fn header(name: &str, value: &Item<'_>) -> Option<HeaderPattern> {
    let good_name = matching::header_name(name);
    if let Err(complaint) = &good_name {
        value.findings.add(
            &value.place,
            format!("the name {}", quoted(name)),
            complaint.clone(),
        );
    }
    let value = match value.as_bool() {
        Some(true) => None,
        Some(false) => {
            value.refuse(
                Complaint::new("a text, or true: present").hint("that a header is absent cannot be asked"),
            );
            return None;
        }
        None => Some(value.word(matching::header_value)?),
    };
    Some(HeaderPattern {
        name: good_name.ok()?,
        value,
    })
}
