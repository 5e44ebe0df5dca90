//! `[route.NAME]`.

mod deadline;
pub(crate) mod rate;
pub(crate) mod share;

use portreeve_model::plan::{HeaderPattern, Name, RoutePlan};

use crate::item::Item;
use crate::known::Known;
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
    pub(crate) policy: Place,
    pub(crate) timeout: Place,
    pub(crate) priority: Place,
}

impl RoutePlaces {
    fn of(section: &Section<'_>) -> Self {
        Self {
            policy: section.place_of("policy"),
            timeout: section.place_of("timeout"),
            priority: section.place_of("priority"),
        }
    }

    /// All in the same place.
    pub(crate) fn all(place: &Place) -> Self {
        Self {
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
    let (place, places) = (section.place.clone(), RoutePlaces::of(&section));
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
        methods: list::words(section, "method", matching::method),
        headers: section
            .get("header")
            .map(|item| headers(&item))
            .unwrap_or_default(),
        ..plan
    }
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
