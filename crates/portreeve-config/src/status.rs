//! Statuses of responses: one, a range, or a class.

use std::ops::RangeInclusive;

use crate::item::Item;
use crate::list;
use crate::place::quoted;
use crate::section::Section;
use crate::word::Complaint;

/// The first and the last of a range.
pub(crate) type Statuses = (u16, u16);

/// Those under `status`: one entry or a list of them, or an empty list for none. The target keeps its default if the
/// key is not there.
pub(crate) fn read(section: &mut Section<'_>, bounds: RangeInclusive<u16>, into: &mut Vec<Statuses>) {
    if let Some(item) = section.get("status") {
        *into = list::each_once(&item.each(), |element| one(element, &bounds));
    }
}

/// The same, where an empty list would say nothing.
pub(crate) fn read_some(section: &mut Section<'_>, bounds: RangeInclusive<u16>, into: &mut Vec<Statuses>) {
    if let Some(item) = section.get("status") {
        *into = list::distinct(&item, |element| one(element, &bounds));
    }
}

/// Writes one entry as a value of the file.
pub(crate) fn show((first, last): Statuses) -> String {
    match first == last {
        true => first.to_string(),
        false => quoted(&format!("{first}-{last}")),
    }
}

fn one(item: &Item<'_>, bounds: &RangeInclusive<u16>) -> Option<Statuses> {
    let read = match (item.as_text(), item.integer()) {
        (Some(text), _) => range(text),
        (None, Some(number)) => u16::try_from(number).ok().map(|one| (one, one)),
        (None, None) => None,
    };
    let within = |(first, last): &Statuses| bounds.contains(first) && bounds.contains(last) && first <= last;
    let found = read.filter(within);
    if found.is_none() {
        item.refuse(Complaint::new(format!(
            "a status such as 503, \"500-504\" or \"5xx\", from {} to {}",
            bounds.start(),
            bounds.end()
        )));
    }
    found
}

/// `500-504`, `5xx` or `503`.
fn range(text: &str) -> Option<Statuses> {
    if let Some(class) = text.strip_suffix("xx") {
        return number(class, 1).map(|class| (class * 100, class * 100 + 99));
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((number(first, 3)?, number(last, 3)?))
}

fn number(text: &str, digits: usize) -> Option<u16> {
    let is_good = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_good.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_a_range_of_a_hundred() {
        assert_eq!(range("5xx"), Some((500, 599)));
        assert_eq!(range("500-504"), Some((500, 504)));
        assert_eq!(range("503"), Some((503, 503)));
        for text in [
            "",
            "xx",
            "55xx",
            "5xX",
            "50",
            "500-",
            "-504",
            "+503",
            "500-504-505",
        ] {
            assert_eq!(range(text), None, "{text}");
        }
    }
}
