//! Which backends a request has been to.

use crate::backend::BackendId;

/// The backends that a request has tried already: up to [`Tried::MAX`], no heap.
#[derive(Debug, Clone, Copy)]
pub struct Tried {
    ids: [BackendId; Self::MAX],
    len: usize,
}

impl Tried {
    /// Twice as many as [`BackendLimits::attempts_max`](crate::plan::BackendLimits) allows at most: backends that may
    /// not serve any more when they are looked at again are remembered too.
    pub const MAX: usize = 16;

    /// Remembers a backend. False if it was not taken in: known already, or the seventeenth.
    pub fn insert(&mut self, id: BackendId) -> bool {
        if self.contains(id) || self.len == Self::MAX {
            return false;
        }
        self.ids[self.len] = id;
        self.len += 1;
        true
    }

    /// Whether the request has been there.
    #[must_use]
    pub fn contains(&self, id: BackendId) -> bool {
        self.ids[..self.len].contains(&id)
    }

    /// How many different backends were tried.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether this is the first attempt.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Default for Tried {
    fn default() -> Self {
        Self {
            ids: [BackendId::NOBODY; Self::MAX],
            len: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::BackendAddress;
    use crate::backend::Backend;

    fn ids(count: usize) -> Vec<BackendId> {
        let backend = |_| {
            Backend::new(
                "a".into(),
                BackendAddress::Unix("/a".into()),
                1,
                crate::policy::Policies::none(),
            )
        };
        (0..count).map(backend).map(|backend| backend.id).collect()
    }

    #[test]
    fn nothing_is_tried_at_first() {
        let tried = Tried::default();
        assert!(tried.is_empty());
        assert!(!tried.contains(BackendId::NOBODY));
    }

    #[test]
    fn the_same_backend_counts_once() {
        let id = ids(1)[0];
        let mut tried = Tried::default();
        assert!(tried.insert(id));
        assert!(!tried.insert(id));
        assert_eq!(tried.len(), 1);
    }

    #[test]
    fn sixteen_are_remembered_and_the_next_is_not() {
        let ids = ids(17);
        let mut tried = Tried::default();
        assert!(ids[..16].iter().all(|id| tried.insert(*id)));
        assert!(!tried.insert(ids[16]));
        assert!(ids[..16].iter().all(|id| tried.contains(*id)));
        assert!(!tried.contains(ids[16]));
    }
}
