//! Members by something that several of them may share.

use std::collections::{BTreeMap, BTreeSet};

use super::members::Slot;

/// Members by a token, a source or an address; what nobody has is not here.
#[derive(Debug)]
pub(super) struct Groups<K>(BTreeMap<K, BTreeSet<Slot>>);

impl<K> Default for Groups<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> Groups<K> {
    pub(super) fn add(&mut self, key: K, slot: Slot) {
        self.0.entry(key).or_default().insert(slot);
    }

    pub(super) fn drop(&mut self, key: &K, slot: Slot) {
        if let Some(group) = self.0.get_mut(key) {
            group.remove(&slot);
            if group.is_empty() {
                self.0.remove(key);
            }
        }
    }

    pub(super) fn of(&self, key: &K) -> impl Iterator<Item = Slot> {
        self.0.get(key).into_iter().flatten().copied()
    }

    /// How many have it, but for these.
    pub(super) fn len_without(&self, key: &K, leaving: &[Slot]) -> usize {
        self.0.get(key).map_or(0, |group| {
            group.len() - leaving.iter().filter(|slot| group.contains(slot)).count()
        })
    }
}
