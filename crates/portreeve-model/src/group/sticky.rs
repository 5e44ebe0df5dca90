//! Where sticky clients have been.

use std::sync::Arc;

use crate::backend::Backend;

/// The places of a group's backends by their sticky keys, sorted; of none where clients do not stick.
#[derive(Debug)]
pub(super) struct Places(Vec<(u64, usize)>);

impl Places {
    pub(super) fn of(backends: &[Arc<Backend>], is_sticky: bool) -> Self {
        let wanted = if is_sticky { backends } else { &[] };
        let keys = wanted.iter().map(|backend| backend.sticky_key());
        let mut places: Vec<_> = keys.zip(0..).collect();
        places.sort_unstable();
        Self(places)
    }

    /// Whoever has that key: several where one name and address stand in the file twice.
    pub(super) fn find(&self, key: u64) -> impl Iterator<Item = usize> {
        let begin = self.0.partition_point(|(other, _)| *other < key);
        let found = self.0[begin..].iter().take_while(move |(other, _)| *other == key);
        found.map(|(_, place)| *place)
    }
}
