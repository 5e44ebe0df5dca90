//! Where the keys of a fleet stand: in its own section, or in the one that all share.

use crate::place::Place;
use crate::section::Section;

/// The places of keys that may contradict others.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(Vec<Said>);

#[derive(Debug, Clone)]
struct Said {
    key: &'static str,
    place: Place,
    /// 0 in the section that all share, 1 in the fleet's own.
    depth: u8,
}

impl Places {
    /// Notes which of these keys this section has.
    pub(super) fn note(&mut self, section: &Section<'_>, keys: &[&'static str], depth: u8) {
        for key in keys.iter().copied().filter(|key| section.has(key)) {
            self.0.retain(|said| said.key != key);
            self.0.push(Said {
                key,
                place: section.place_of(key),
                depth,
            });
        }
    }

    /// The one of these keys that is said nearest to the fleet, of several the first, and where.
    pub(super) fn nearest(&self, keys: &[&str]) -> Option<(&'static str, &Place)> {
        let depth = keys
            .iter()
            .filter_map(|key| self.of(key))
            .map(|said| said.depth)
            .max()?;
        let mut said = keys.iter().filter_map(|key| self.of(key));
        let first = said.find(|said| said.depth == depth)?;
        Some((first.key, &first.place))
    }

    /// Where a key stands in a section of this depth.
    pub(super) fn at(&self, key: &str, depth: u8) -> Option<&Place> {
        self.of(key)
            .filter(|said| said.depth == depth)
            .map(|said| &said.place)
    }

    fn of(&self, key: &str) -> Option<&Said> {
        self.0.iter().find(|said| said.key == key)
    }
}
