//! Whether members can be reached.

use std::sync::Arc;
use std::time::Duration;

use super::Registry;
use super::event::EventKind;
use super::member::{Health, Probe};
use super::members::Slot;
use super::rules::ttl;
use crate::backend::{Backend, BackendId};
use crate::registration::Moment;

impl Registry {
    /// Whom to probe now, at most `room` of them, who waited longest first; each is out until [`proved`](Self::proved)
    /// says what came of it.
    ///
    /// Due are: who never passed, at once and 1 s after each try; who is down, the same; who passed and is kept by
    /// probes, 5 s after each.
    pub fn take_probes(&mut self, at: Moment, room: usize) -> Vec<Arc<Backend>> {
        let mut taken = Vec::new();
        while taken.len() < room
            && let Some(slot) = self.members.probe_due(at.since_start)
        {
            self.members.set_probe(slot, Probe::Out);
            taken.push(Arc::clone(&self.members.get(slot).backend));
        }
        taken
    }

    /// What came of a probe: passed, or why not. Of a backend that is gone it says nothing.
    pub fn proved(&mut self, backend: BackendId, outcome: Result<(), String>, at: Moment) {
        self.tick(at);
        let Some(slot) = self.members.of_backend(backend) else {
            return;
        };
        self.note_suspicion(slot, at);
        match outcome {
            Ok(()) => self.passed(slot, at),
            Err(reason) => self.failed(slot, reason, at),
        }
        let probe = self.members.get(slot).probe_after(at.since_start);
        self.members.set_probe(slot, probe);
    }

    /// Takes notice of members that requests could not reach. Looks at all of them: call it when there is a suspicion.
    pub fn take_suspects(&mut self, at: Moment) {
        self.tick(at);
        for slot in self
            .members
            .slots_where(|member| !member.is_expired && member.is_suspected())
        {
            self.note_suspicion(slot, at);
        }
    }

    /// Takes notice if requests could not reach this member.
    pub(super) fn note_suspicion(&mut self, slot: Slot, at: Moment) {
        let member = self.members.get(slot);
        if !member.is_suspected() {
            return;
        }
        let is_out = member.probe == Probe::Out;
        self.failed(slot, SUSPECTED.to_owned(), at);
        if !is_out {
            self.members.set_probe(slot, Probe::Due(at.since_start));
        }
    }

    fn passed(&mut self, slot: Slot, at: Moment) {
        let member = self.members.get_mut(slot);
        member.reason = None;
        if member.health == Health::Proved {
            return;
        }
        member.health = Health::Proved;
        member.show();
        self.journal.note(EventKind::Up, member, None, at);
        if member.is_kept_by_probes() {
            self.members.set_lease(slot, None);
        }
        self.members.touch_of(slot);
    }

    fn failed(&mut self, slot: Slot, reason: String, at: Moment) {
        let member = self.members.get_mut(slot);
        member.reason = Some(reason.clone());
        if member.health != Health::Proved {
            return;
        }
        member.health = Health::Down;
        member.show();
        self.journal.note(EventKind::Down, member, Some(reason), at);
        if member.is_kept_by_probes() {
            let lease = self.probes_lease(slot);
            self.members
                .set_lease(slot, Some(at.since_start.saturating_add(lease)));
        }
        self.members.touch_of(slot);
    }

    /// How long one that is kept by probes counts while they fail.
    fn probes_lease(&self, slot: Slot) -> Duration {
        let member = self.members.get(slot);
        let plan = self.joinable(&member.key().pool);
        plan.map_or(Duration::ZERO, |plan| ttl(member.announcement.term, None, plan))
    }
}

const SUSPECTED: &str = "a request could not reach it";

#[cfg(test)]
mod tests {
    use super::super::samples::*;
    use super::*;
    use crate::registration::Term;
    use crate::standing::Standing;

    fn probed(registry: &mut Registry, ms: u64) -> Vec<String> {
        let probes = registry.take_probes(at(ms), 100);
        probes.iter().map(|backend| backend.label.to_string()).collect()
    }

    #[test]
    fn a_new_member_is_probed_at_once_then_each_second_and_once_at_a_time() {
        let mut registry = registry();
        registry.add("api/a", "10.0.0.1:80", 0);
        assert_eq!(registry.next_probe_due(), Some(Duration::ZERO));
        assert_eq!(probed(&mut registry, 0), ["a"]);
        assert!(probed(&mut registry, 5_000).is_empty());
        registry.fail("api/a", 5_000);
        assert_eq!(registry.standing("api/a"), Standing::Unproved);
        assert_eq!(registry.member("api/a").last_reason(), Some("refused"));
        assert!(probed(&mut registry, 5_999).is_empty());
        assert_eq!(probed(&mut registry, 6_000), ["a"]);
    }

    #[test]
    fn who_sends_heartbeats_and_serves_is_not_probed() {
        let mut registry = registry();
        registry.add_serving("api/a", "10.0.0.1:80", 0);
        assert_eq!(registry.next_probe_due(), None);
        assert_eq!(registry.member("api/a").last_reason(), None);
    }

    #[test]
    fn who_is_kept_by_probes_is_probed_each_five_seconds() {
        let mut registry = registry();
        let mut quiet = said("api/a", "10.0.0.1:80");
        quiet.term = Term::Probes;
        registry.register(quiet, &local(), at(0)).unwrap();
        assert_eq!(probed(&mut registry, 0), ["a"]);
        registry.pass("api/a", 100);
        assert_eq!(registry.next_probe_due(), Some(Duration::from_millis(5_100)));
    }

    #[test]
    fn room_bounds_how_many_go_out_and_the_longest_wait_goes_first() {
        let mut registry = registry();
        for id in 0..5_u64 {
            registry.add(&format!("api/{id}"), &format!("10.0.0.1:{}", id + 1), 5 - id);
        }
        let first = registry.take_probes(at(10), 2);
        let labels: Vec<&str> = first.iter().map(|backend| &*backend.label).collect();
        assert_eq!(labels, ["4", "3"]);
        assert_eq!(registry.take_probes(at(10), 9).len(), 3);
    }

    #[test]
    fn a_suspected_member_is_down_and_probed_at_once() {
        let mut registry = registry();
        let backend = registry.add_serving("api/a", "10.0.0.1:80", 0).backend;
        registry.add_serving("api/b", "10.0.0.2:80", 0);
        registry.take_probes(at(0), 9);
        registry.take_events();
        let generation = registry.generation("api");
        backend.suspect();
        registry.take_suspects(at(7));
        registry.take_suspects(at(8));
        assert_eq!(registry.happened(), [(EventKind::Down, "api/a".to_owned())]);
        assert!(registry.generation("api") > generation);
        assert_eq!(probed(&mut registry, 8), ["a"]);
        registry.pass("api/a", 9);
        assert_eq!(backend.standing(), Standing::Serving);
    }

    #[test]
    fn a_draining_member_stays_so_whatever_probes_say() {
        let mut registry = registry();
        registry.add_serving("api/a", "10.0.0.1:80", 0);
        registry.drain(&key("api/a"), at(1)).unwrap();
        registry.fail("api/a", 2);
        assert_eq!(registry.standing("api/a"), Standing::Draining);
        registry.undrain(&key("api/a"), at(3)).unwrap();
        assert_eq!(registry.standing("api/a"), Standing::Down);
    }

    #[test]
    fn what_comes_of_a_backend_that_was_replaced_says_nothing_of_the_new_one() {
        let mut registry = registry();
        let old = registry.add("api/a", "10.0.0.1:80", 0).backend;
        registry.take_probes(at(0), 9);
        registry.add("api/a", "10.0.0.2:80", 1);
        registry.proved(old.id, Ok(()), at(2));
        assert_eq!(registry.standing("api/a"), Standing::Unproved);
        assert_eq!(old.standing(), Standing::Gone);
        assert_eq!(registry.take_probes(at(2), 9).len(), 1);
    }
}
