//! One value or a list of them.

use crate::item::Item;
use crate::section::Section;
use crate::word::{Complaint, Word};

/// One word or a list of them under a key, each once; none if the key is not there.
pub(crate) fn words<T: PartialEq>(section: &mut Section<'_>, key: &'static str, read: Word<T>) -> Vec<T> {
    match section.get(key) {
        Some(item) => distinct(&item, |element| element.word(read)),
        None => Vec::new(),
    }
}

/// One value or a list of them, each once and at least one.
pub(crate) fn distinct<T: PartialEq>(item: &Item<'_>, read: impl Fn(&Item<'_>) -> Option<T>) -> Vec<T> {
    let elements = filled(item);
    each_once(&elements, read)
}

/// The elements; that there are none is a fault.
pub(crate) fn filled<'a>(item: &Item<'a>) -> Vec<Item<'a>> {
    let elements = item.each();
    if elements.is_empty() {
        item.findings.add(
            &item.place,
            "an empty list",
            Complaint::new("at least one, or no such key"),
        );
    }
    elements
}

/// The values of these elements; a second mention is a fault.
pub(crate) fn each_once<T: PartialEq>(
    elements: &[Item<'_>],
    read: impl Fn(&Item<'_>) -> Option<T>,
) -> Vec<T> {
    let mut values = Vec::new();
    for element in elements {
        match read(element) {
            Some(value) if values.contains(&value) => element.refuse(Complaint::new("each once")),
            value => values.extend(value),
        }
    }
    values
}
