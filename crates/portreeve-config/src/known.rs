//! The names that other parts of the file may mention.

use portreeve_model::plan::Name;

use crate::document::shortened;
use crate::item::Item;
use crate::nearest::nearest;
use crate::place::{quoted, written};
use crate::word::{Complaint, alternatives};

/// The names of listeners and pools.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) listeners: Vec<Name>,
    pub(crate) pools: Vec<Name>,
}

impl Known {
    /// A pool that must be there.
    pub(crate) fn pool(&self, item: &Item<'_>) -> Option<Name> {
        name_of(item, "pool", &self.pools)
    }

    /// A pool that must be there, which the key of an entry names.
    pub(crate) fn pool_of_key(&self, name: &str, entry: &Item<'_>) -> Option<Name> {
        let found = self.pools.iter().find(|known| known.as_ref() == name).cloned();
        if found.is_none() && !entry.findings.is_torn {
            let shown = format!("the name {}", quoted(&shortened(name)));
            let complaint = unknown_name(name, "pool", &self.pools);
            entry.findings.add(&entry.place, shown, complaint);
        }
        found
    }

    /// A listener that must be there.
    pub(crate) fn listener(&self, item: &Item<'_>) -> Option<Name> {
        name_of(item, "listener", &self.listeners)
    }

    /// What may stand where a pool is wanted.
    pub(crate) fn pools_allowed(&self) -> String {
        alternatives(&self.pools.iter().map(|name| quoted(name)).collect::<Vec<_>>())
    }
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
        None => complaint.hint(format!("there is no [{kind}.{}]", written(text))),
        Some(_) => complaint,
    }
}
