//! Groups of more than one policy, made when they are first asked for.
//!
//! What a request demands may be any of countless sets, of which few are ever asked for. Those that were are kept in a
//! list that only grows and is only ever looked at by loads: no lock. A new snapshot takes over what the one before
//! was asked for. The list is bounded; sets beyond it are served by a group made for one request, and all of these
//! take turns by one count, so that none of their backends is always the first.

use std::sync::{Arc, OnceLock};

use crate::group::Group;
use crate::policy::{Policies, Policy};

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
    /// The group of these policies, each of which is told once, in any order. If it is not there it is made by `make`,
    /// which is told whether it will be kept. To find one that is there allocates nothing.
    pub(crate) fn find_or<'p>(
        &self,
        policies: &(impl Iterator<Item = &'p Policy> + Clone),
        make: impl FnOnce(&Policies, bool) -> Arc<Group>,
    ) -> Arc<Group> {
        let make = |is_kept| make(&policies.clone().cloned().collect(), is_kept);
        let mut place = &self.first;
        for _ in 0..KEPT_MAX {
            let Some(entry) = place.get() else {
                return Self::add(place, make(true));
            };
            if are(entry.group.policies(), policies.clone()) {
                return Arc::clone(&entry.group);
            }
            place = &entry.next;
        }
        make(false)
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
            several.find_or(&group.policies().iter(), |_, _| Arc::clone(&group));
        }
        several
    }
}

/// Whether the set holds just these, each of which is told once.
fn are<'p>(set: &Policies, mut told: impl Iterator<Item = &'p Policy> + Clone) -> bool {
    set.len() == told.clone().count() && told.all(|policy| set.contains(policy.as_str()))
}

/// Sets that are kept per pool.
const KEPT_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{GroupRules, Manner};
    use crate::plan::BalancePlan;

    fn named(number: usize) -> Policies {
        let policy = |name: String| Policy::new(&name).unwrap();
        [policy("all".into()), policy(format!("p{number}"))]
            .into_iter()
            .collect()
    }

    fn group(policies: &Policies) -> Arc<Group> {
        let manner = Arc::new(Manner::of(
            &crate::samples::pool_plan("p", BalancePlan::RoundRobin, &[]),
            None,
        ));
        let rules = GroupRules {
            manner: &manner,
            is_joinable: true,
            ledgers: &[],
        };
        Group::build(policies.clone(), Vec::new(), &rules, None)
    }

    fn filled(count: usize) -> Several {
        let several = Several::default();
        for number in 0..count {
            several.find_or(&named(number).iter(), |policies, _| group(policies));
        }
        several
    }

    #[test]
    fn a_set_that_was_asked_for_is_found_again() {
        let several = filled(3);
        let again = several.find_or(&named(1).iter(), |_, _| panic!("it is there"));
        assert_eq!(*again.policies(), named(1));
        assert_eq!(several.iter().count(), 3);
    }

    #[test]
    fn a_set_is_found_in_whatever_order_it_is_told_and_no_part_of_it_is() {
        let several = filled(3);
        let set = named(1);
        let again = several.find_or(&set.iter().rev(), |_, _| panic!("it is there"));
        assert_eq!(*again.policies(), set);
        for part in &set {
            let found = several.find_or(&[part].into_iter(), |policies, _| group(policies));
            assert_eq!(found.policies().len(), 1);
        }
    }

    #[test]
    fn sixty_four_sets_are_kept_and_those_beyond_are_served_and_forgotten() {
        let several = filled(KEPT_MAX + 10);
        assert_eq!(several.iter().count(), KEPT_MAX);
        let found = several.find_or(&named(KEPT_MAX - 1).iter(), |_, _| panic!("it is there"));
        assert_eq!(*found.policies(), named(KEPT_MAX - 1));
        let mut made = false;
        several.find_or(&named(KEPT_MAX).iter(), |policies, is_kept| {
            made = !is_kept;
            group(policies)
        });
        assert!(made);
    }

    #[test]
    fn a_collection_keeps_the_very_groups_and_their_order() {
        let before = filled(5);
        let after: Several = before.iter().cloned().collect();
        assert!(
            before
                .iter()
                .zip(after.iter())
                .all(|(one, other)| Arc::ptr_eq(one, other))
        );
        assert_eq!(after.iter().count(), 5);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the claim is about several threads")]
    fn threads_that_ask_at_once_all_get_a_group_of_what_they_asked_for() {
        let several = Several::default();
        std::thread::scope(|threads| {
            for begin in 0..4 {
                let several = &several;
                threads.spawn(move || {
                    for number in 0..40 {
                        let wanted = named((number + begin * 10) % 40);
                        let found = several.find_or(&wanted.iter(), |policies, _| group(policies));
                        assert_eq!(*found.policies(), wanted);
                    }
                });
            }
        });
        assert!((1..=40).contains(&several.iter().count()));
    }
}
