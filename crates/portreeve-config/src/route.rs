//! `[route.NAME]`.

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
    /// Of its `policy`.
    pub(crate) demands: Place,
    pub(crate) plan: RoutePlan,
}

/// Reads one route. A pool that is not there leaves an empty name, for the reading to go on.
pub(crate) fn read(name: Name, mut section: Section<'_>, known: &Known) -> RouteDraft {
    let listeners = section
        .get("listener")
        .map(|item| list::distinct(&item, |element| known.listener(element)));
    let hosts = list::words(&mut section, "host", host::pattern);
    let paths = list::words(&mut section, "path", matching::path);
    let methods = list::words(&mut section, "method", matching::method);
    let headers = section
        .get("header")
        .map(|item| headers(&item))
        .unwrap_or_default();
    let pool = section
        .need("pool", &known.pools_allowed())
        .and_then(|item| known.pool(&item));
    let demands = section.get("policy").map(|item| demand::read(&item));
    let ledger = section.word("ledger", ledger::mode);
    let places = (section.place.clone(), section.place_of("policy"));
    section.finish(&[]);
    let plan = RoutePlan {
        listeners: listeners.unwrap_or_default(),
        hosts,
        paths,
        methods,
        headers,
        demands: demands.unwrap_or_default(),
        ledger: ledger.unwrap_or_default(),
        ..RoutePlan::all(name, pool.unwrap_or_default())
    };
    RouteDraft {
        place: places.0,
        demands: places.1,
        plan,
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
