//! `[route.NAME]`.

use portreeve_model::plan::{HeaderPattern, Name, RoutePlan};

use crate::host;
use crate::item::Item;
use crate::listener::Placed;
use crate::matching;
use crate::nearest::nearest;
use crate::place::quoted;
use crate::section::Section;
use crate::word::{Complaint, Word, alternatives};

/// The names that a route may mention.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) listeners: Vec<Name>,
    pub(crate) pools: Vec<Name>,
}

/// Reads one route. A pool that is not there leaves an empty name, for the reading to go on.
pub(crate) fn read(name: Name, mut section: Section<'_>, known: &Known) -> Placed<RoutePlan> {
    let listeners = section
        .get("listener")
        .map(|item| names(&item, "listener", &known.listeners));
    let hosts = many(&mut section, "host", host::pattern);
    let paths = many(&mut section, "path", matching::path);
    let methods = many(&mut section, "method", matching::method);
    let headers = section
        .get("header")
        .map(|item| headers(&item))
        .unwrap_or_default();
    let pool = section
        .need("pool", &pools_allowed(known))
        .and_then(|item| name_of(&item, "pool", &known.pools));
    let place = section.place.clone();
    section.finish(&[]);
    let plan = RoutePlan {
        name,
        listeners: listeners.unwrap_or_default(),
        hosts,
        paths,
        methods,
        headers,
        pool: pool.unwrap_or_default(),
        demands: Vec::new(),
        ledger: portreeve_model::plan::LedgerMode::Off,
    };
    Placed { place, plan }
}

/// One word or a list of them; each once.
fn many<T: PartialEq>(section: &mut Section<'_>, key: &'static str, read: Word<T>) -> Vec<T> {
    match section.get(key) {
        Some(item) => distinct(&item, |element| element.word(read)),
        None => Vec::new(),
    }
}

fn distinct<T: PartialEq>(item: &Item<'_>, read: impl Fn(&Item<'_>) -> Option<T>) -> Vec<T> {
    let mut values = Vec::new();
    let elements = item.each();
    if elements.is_empty() {
        item.findings.add(
            &item.place,
            "an empty list",
            Complaint::new("at least one, or no such key for any"),
        );
    }
    for element in elements {
        match read(&element) {
            Some(value) if values.contains(&value) => element.refuse(Complaint::new("each once")),
            value => values.extend(value),
        }
    }
    values
}

fn names(item: &Item<'_>, kind: &str, known: &[Name]) -> Vec<Name> {
    distinct(item, |element| name_of(element, kind, known))
}

/// A name that must be known. In a torn document it may be known and only unreadable.
fn name_of(item: &Item<'_>, kind: &str, known: &[Name]) -> Option<Name> {
    let text = item.as_text().unwrap_or_default();
    let found = known.iter().find(|name| name.as_ref() == text).cloned();
    if found.is_none() && !(item.findings.is_torn && item.as_text().is_some()) {
        item.refuse(unknown_name(text, kind, known));
    }
    found
}

fn unknown_name(text: &str, kind: &str, known: &[Name]) -> Complaint {
    let names: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    let complaint = Complaint::one_of(&names, text);
    match nearest(text, &names) {
        None => complaint.hint(format!("there is no [{kind}.{}]", crate::place::written(text))),
        Some(_) => complaint,
    }
}

fn pools_allowed(known: &Known) -> String {
    alternatives(&known.pools.iter().map(|name| quoted(name)).collect::<Vec<_>>())
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
