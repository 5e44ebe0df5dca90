//! Groups of more than one policy, made when they are first asked for.
//!
//! What a request demands may be any of countless sets, of which few are ever asked for. Those that were are kept in a
//! list that only grows and is only ever looked at by loads: no lock. A new snapshot takes over what the one before
//! was asked for. The list is bounded; sets beyond it are served by a group made for one request.

use std::sync::{Arc, OnceLock};

use crate::group::Group;
use crate::policy::Policies;

/// Groups by the set of policies.
#[derive(Debug, Default)]
pub(crate) struct Several {
    first: OnceLock<Box<Entry>>,
}

#[derive(Debug)]
struct Entry {
    group: Arc<Group>,
    next: OnceLock<Box<Self>>,
}

impl Several {
    /// The group of these policies; made by `make` if it is not there.
    pub(crate) fn find_or(&self, policies: &Policies, make: impl FnOnce() -> Arc<Group>) -> Arc<Group> {
        let mut place = &self.first;
        for _ in 0..KEPT_MAX {
            let Some(entry) = place.get() else {
                return Self::add(place, make());
            };
            if entry.group.policies() == policies {
                return Arc::clone(&entry.group);
            }
            place = &entry.next;
        }
        make()
    }

    /// Those that are kept.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Group>> {
        let first = self.first.get();
        std::iter::successors(first, |entry| entry.next.get()).map(|entry| &entry.group)
    }

    /// If another thread was quicker, this one serves its own group this time.
    fn add(place: &OnceLock<Box<Entry>>, group: Arc<Group>) -> Arc<Group> {
        let entry = Entry {
            group: Arc::clone(&group),
            next: OnceLock::new(),
        };
        let _ = place.set(Box::new(entry));
        group
    }
}

impl FromIterator<Arc<Group>> for Several {
    fn from_iter<T: IntoIterator<Item = Arc<Group>>>(groups: T) -> Self {
        let several = Self::default();
        for group in groups {
            several.find_or(group.policies(), || Arc::clone(&group));
        }
        several
    }
}

/// Sets that are kept per pool.
const KEPT_MAX: usize = 64;
