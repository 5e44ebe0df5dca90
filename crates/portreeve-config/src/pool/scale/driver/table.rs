//! Tables of names and texts: variables and labels.

use crate::document::shortened;
use crate::item::Item;
use crate::place::quoted;
use crate::pool::scale::command::OF_INSTANCE;
use crate::section::Section;
use crate::word::Complaint;

/// The variables under `env`, in the order of the file.
pub(super) fn environment(section: &mut Section<'_>) -> Vec<(String, String)> {
    let item = section.get("env");
    item.map(|item| pairs(&item, ENV, variable_complaint))
        .unwrap_or_default()
}

/// Labels, in the order of the file.
pub(super) fn labels(section: &mut Section<'_>) -> Vec<(String, String)> {
    let item = section.get("labels");
    item.map(|item| pairs(&item, LABELS, label_complaint))
        .unwrap_or_default()
}

fn pairs(
    item: &Item<'_>,
    allowed: &str,
    complaint: impl Fn(&str) -> Option<&'static str>,
) -> Vec<(String, String)> {
    let Some(entries) = item.entries() else {
        item.refuse(Complaint::new(allowed));
        return Vec::new();
    };
    let read = |(name, value): (&str, Item<'_>)| {
        let complaint = complaint(name);
        if let Some(allowed) = complaint {
            let found = format!("the name {}", quoted(&shortened(name)));
            value.findings.add(&value.place, found, Complaint::new(allowed));
        }
        let text = OF_INSTANCE.text(&value)?;
        complaint.is_none().then(|| (name.to_owned(), text))
    };
    entries.into_iter().filter_map(read).collect()
}

fn variable_complaint(name: &str) -> Option<&'static str> {
    match name {
        _ if name.is_empty() || name.contains(['=', '\0']) => {
            Some("the name of a variable: not empty, without = and NUL")
        }
        _ if OURS.contains(&name) => {
            Some("another name: this variable is set by Portreeve for each instance")
        }
        _ => None,
    }
}

fn label_complaint(name: &str) -> Option<&'static str> {
    match name {
        _ if name.is_empty() || name.contains('\0') => Some("the name of a label: not empty, without NUL"),
        _ if name.starts_with("portreeve.") => Some("a name that does not begin with portreeve., as ours do"),
        _ => None,
    }
}

/// What each instance finds in its environment.
const OURS: [&str; 7] = [
    "PORTREEVE_ID",
    "PORTREEVE_POOL",
    "PORTREEVE_FLEET",
    "PORTREEVE_TOKEN",
    "PORTREEVE_PORT",
    "PORTREEVE_ADDRESS",
    "PORTREEVE_KEEPER",
];
const ENV: &str = "a table of texts such as { LEVEL = \"info\" }";
const LABELS: &str = "a table of texts such as { team = \"shop\" }";
