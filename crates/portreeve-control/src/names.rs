//! The names of a plan: when each is due to be looked up, and what it meant last. The time is passed in.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use portreeve_model::Resolved;
use portreeve_model::plan::{Plan, TargetAddress};
use tokio::time::Instant;

/// What is known of every host name in a plan.
#[derive(Debug, Default)]
pub(crate) struct Names {
    known: BTreeMap<Arc<str>, Entry>,
}

#[derive(Debug)]
struct Entry {
    every: Duration,
    next: Next,
    answered: bool,
    /// Sorted, without duplicates; the last good answer.
    addresses: Vec<IpAddr>,
    /// Why the last lookup failed, if it did.
    trouble: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    At(Instant),
    UnderWay,
}

impl Names {
    /// Forgets the names that none of the plans has, keeps the others with what they meant, and adds the new ones as
    /// due at once.
    pub(crate) fn follow(&mut self, plans: &[&Plan], now: Instant) {
        let wanted = wanted(plans);
        self.known.retain(|host, _| wanted.contains_key(host));
        for (host, every) in wanted {
            self.known.entry(host).or_insert_with(|| Entry::new(now)).every = every;
        }
    }

    /// Takes up to `room` names that are due; they count as under way until [`answer`](Self::answer) is called.
    pub(crate) fn take_due(&mut self, now: Instant, room: usize) -> Vec<Arc<str>> {
        let due = self
            .known
            .iter_mut()
            .filter(|(_, entry)| entry.is_due(now))
            .take(room);
        due.map(|(host, entry)| {
            entry.next = Next::UnderWay;
            Arc::clone(host)
        })
        .collect()
    }

    /// When the next name is due; `None` if none is, or all are under way.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.known.values().filter_map(Entry::due).min()
    }

    /// Whether some name has not been answered even once.
    pub(crate) fn is_waiting(&self) -> bool {
        self.known.values().any(|entry| !entry.answered)
    }

    /// Notes what a lookup said. True if the addresses of a name of the plan changed.
    pub(crate) fn answer(&mut self, host: &str, result: io::Result<Vec<IpAddr>>, now: Instant) -> bool {
        let Some(entry) = self.known.get_mut(host) else {
            return false; // the plan has dropped the name meanwhile
        };
        entry.answered = true;
        match good(result) {
            Ok(addresses) => entry.succeed(host, addresses, now),
            Err(error) => {
                entry.fail(host, &error, now);
                false
            }
        }
    }

    /// What each name means now; names without a good answer so far are left out.
    pub(crate) fn resolved(&self) -> Resolved {
        let mut resolved = Resolved::new();
        for (host, entry) in &self.known {
            if !entry.addresses.is_empty() {
                resolved.insert(&**host, entry.addresses.clone());
            }
        }
        resolved
    }
}

impl Entry {
    fn new(now: Instant) -> Self {
        let every = Duration::ZERO;
        Self {
            every,
            next: Next::At(now),
            answered: false,
            addresses: Vec::new(),
            trouble: None,
        }
    }

    fn due(&self) -> Option<Instant> {
        match self.next {
            Next::At(time) => Some(time),
            Next::UnderWay => None,
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.due().is_some_and(|time| time <= now)
    }

    fn succeed(&mut self, host: &str, addresses: Vec<IpAddr>, now: Instant) -> bool {
        self.next = Next::At(now + self.every);
        let recovered = self.trouble.take().is_some();
        let changed = self.addresses != addresses;
        if changed || recovered {
            tracing::info!(host, ?addresses, "the name resolves");
        }
        self.addresses = addresses;
        changed
    }

    fn fail(&mut self, host: &str, error: &io::Error, now: Instant) {
        self.next = Next::At(now + self.every.min(RETRY_AFTER));
        let reason = error.to_string();
        if self.trouble.as_ref() != Some(&reason) {
            self.warn(host, &reason);
        }
        self.trouble = Some(reason);
    }

    fn warn(&self, host: &str, reason: &str) {
        let kept = &self.addresses;
        if kept.is_empty() {
            tracing::warn!(
                host,
                reason,
                "the name does not resolve and stands for no backend"
            );
        } else {
            tracing::warn!(
                host,
                reason,
                ?kept,
                "the name does not resolve; its last good addresses stay in use"
            );
        }
    }
}

/// Each host of the plan, with the shortest interval that a pool asks for it.
fn wanted(plans: &[&Plan]) -> BTreeMap<Arc<str>, Duration> {
    let mut wanted = BTreeMap::new();
    for pool in plans.iter().flat_map(|plan| &plan.pools) {
        for target in &pool.targets {
            if let TargetAddress::Host { host, .. } = &target.address {
                let every = wanted
                    .entry(Arc::from(host.as_str()))
                    .or_insert(pool.resolve_every);
                *every = pool.resolve_every.min(*every);
            }
        }
    }
    wanted
}

/// The answer sorted and without duplicates; an empty one is an error.
fn good(result: io::Result<Vec<IpAddr>>) -> io::Result<Vec<IpAddr>> {
    let mut addresses = result?;
    addresses.sort_unstable();
    addresses.dedup();
    match addresses.is_empty() {
        true => Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address")),
        false => Ok(addresses),
    }
}

/// A lookup that failed is tried again after this time, or after the pool's own interval if that is shorter.
const RETRY_AFTER: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{plan_of, plan_with};

    fn addresses(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn refused() -> io::Result<Vec<IpAddr>> {
        Err(io::Error::other("no such name"))
    }

    #[test]
    fn a_new_name_is_due_at_once_and_then_after_its_interval() {
        let (now, mut names) = (Instant::now(), Names::default());
        names.follow(&[&plan_of(&["a.test"])], now);

        assert_eq!(names.take_due(now, 9), ["a.test".into()]);
        assert_eq!(names.next_due(), None);
        assert!(names.answer("a.test", Ok(addresses(&["10.0.0.1"])), now));
        assert_eq!(names.next_due(), Some(now + Duration::from_secs(10)));
    }

    #[test]
    fn the_order_of_an_answer_does_not_matter() {
        let (now, mut names) = (Instant::now(), Names::default());
        names.follow(&[&plan_of(&["a.test"])], now);

        assert!(names.answer("a.test", Ok(addresses(&["10.0.0.2", "10.0.0.1"])), now));
        assert!(!names.answer(
            "a.test",
            Ok(addresses(&["10.0.0.1", "10.0.0.2", "10.0.0.1"])),
            now
        ));
    }

    #[test]
    fn a_failed_lookup_keeps_the_last_good_answer_and_is_tried_again_soon() {
        let (now, mut names) = (Instant::now(), Names::default());
        names.follow(&[&plan_of(&["a.test"])], now);
        names.answer("a.test", Ok(addresses(&["10.0.0.1"])), now);

        assert!(!names.answer("a.test", refused(), now));
        assert!(!names.answer("a.test", Ok(Vec::new()), now));
        assert_eq!(
            names.resolved().get("a.test"),
            Some(&addresses(&["10.0.0.1"])[..])
        );
        assert_eq!(names.next_due(), Some(now + RETRY_AFTER));
    }

    #[test]
    fn a_name_that_never_resolved_has_no_entry() {
        let (now, mut names) = (Instant::now(), Names::default());
        names.follow(&[&plan_of(&["a.test"])], now);
        assert!(names.is_waiting());

        names.answer("a.test", refused(), now);

        assert!(!names.is_waiting());
        assert_eq!(names.resolved().get("a.test"), None);
    }

    #[test]
    fn a_new_plan_forgets_dropped_names_and_keeps_the_others() {
        let (now, mut names) = (Instant::now(), Names::default());
        names.follow(&[&plan_of(&["a.test", "b.test"])], now);
        names.take_due(now, 9);
        names.answer("a.test", Ok(addresses(&["10.0.0.1"])), now);

        names.follow(&[&plan_of(&["a.test", "c.test"])], now);

        assert_eq!(names.take_due(now, 9), ["c.test".into()]);
        assert!(!names.answer("b.test", Ok(addresses(&["10.0.0.9"])), now));
        assert!(names.resolved().get("a.test").is_some());
        assert!(names.resolved().get("b.test").is_none());
    }

    #[test]
    fn the_shortest_interval_of_all_pools_counts() {
        let (now, mut names) = (Instant::now(), Names::default());
        let mut plan = plan_of(&["a.test"]);
        plan.pools
            .extend(plan_with("other", &["a.test"], Duration::from_secs(3)).pools);
        names.follow(&[&plan], now);

        names.answer("a.test", Ok(addresses(&["10.0.0.1"])), now);

        assert_eq!(names.next_due(), Some(now + Duration::from_secs(3)));
    }

    #[test]
    fn no_more_names_are_taken_than_there_is_room_for() {
        let (now, mut names) = (Instant::now(), Names::default());
        names.follow(&[&plan_of(&["a.test", "b.test", "c.test"])], now);

        assert_eq!(names.take_due(now, 2).len(), 2);
        assert_eq!(names.take_due(now, 2).len(), 1);
    }
}
