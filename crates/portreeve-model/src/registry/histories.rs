//! Random histories of all that can happen, told to the registry and to [`Naive`], which must agree after each step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::claims::server;
use super::naive::{Fact, Naive, Outcome};
use super::samples::*;
use super::steps::{KEYS, Step, sender, steps};
use super::{Change, Kept, Registered, Registry};
use crate::backend::{Backend, BackendId};
use crate::plan::{Check, Plan, ProbePlan};
use crate::policy::Policy;
use crate::registration::{Announcement, Beat, MemberKey, Sender};
use crate::resolved::Resolved;
use crate::samples::target;
use crate::snapshot::Snapshot;
use crate::standing::Standing;

fn bounded_plan() -> Plan {
    let mut plan = plan();
    plan.registration.is_insecure = true;
    plan.registration.registrations_max = 4;
    plan.registration.per_source_max = 3;
    plan.registration.per_token_max = 2;
    for pool in &mut plan.pools[1..] {
        pool.targets = vec![target(1, 1), target(2, 1)];
    }
    plan.pools[1].probe = Some(ProbePlan {
        every: Duration::from_secs(3),
        rise: 2,
        fall: 2,
        ..ProbePlan::new(Check::Connect)
    });
    plan
}

/// Both tellings, and what is needed to judge them.
struct World {
    plan: Plan,
    now: u64,
    registry: Registry,
    naive: Naive,
    latest: Option<Snapshot>,
    out: Vec<Arc<Backend>>,
    store: BTreeMap<MemberKey, Kept>,
    drained: BTreeSet<MemberKey>,
    seen: Vec<Arc<Backend>>,
    passed: BTreeSet<BackendId>,
    passed_of_file: BTreeSet<MemberKey>,
    last_event: u64,
}

impl World {
    fn new() -> Self {
        let plan = bounded_plan();
        let mut world = Self {
            registry: following(&plan),
            plan,
            now: 0,
            naive: Naive::default(),
            latest: None,
            out: Vec::new(),
            store: BTreeMap::new(),
            drained: BTreeSet::new(),
            seen: Vec::new(),
            passed: BTreeSet::new(),
            passed_of_file: BTreeSet::new(),
            last_event: 0,
        };
        world.publish();
        world
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Register(said, by) => self.register(said, &sender(by)),
            Step::Renew(name, wish, by) => self.renew(&key(KEYS[name]), wish, &sender(by)),
            Step::Deregister(name, by) => self.deregister(&key(KEYS[name]), &sender(by)),
            Step::Drain(name, is_drained) => self.drain(&key(KEYS[name]), is_drained),
            Step::Remove(name) => self.remove(&key(KEYS[name])),
            Step::Revoke(is_wide) => self.revoke(if is_wide { "wide" } else { "narrow" }),
            Step::TakeProbes => self.take_probes(),
            Step::Answer(which, is_good) => self.answer(which, is_good),
            Step::Suspect(name) => self.suspect(&key(KEYS[name])),
            Step::TakeSuspects => {
                self.naive.take_suspects(self.now);
                self.registry.take_suspects(at(self.now));
            }
            Step::SuspectOfFile(which) => self.suspect_of_file(which),
            Step::DrainOfFile(which, is_drained) => self.drain_of_file(which, is_drained),
            Step::Weigh(weight) => self.weigh(weight),
            Step::Wait(ms) => self.wait(ms),
            Step::OpenWeb(is_open) => self.open_web(is_open),
            Step::Restart => self.restart(),
        }
    }

    fn register(&mut self, said: Announcement, by: &Sender) {
        let before = self
            .registry
            .find(&said.key)
            .map(|member| (member.backend.id, member.announcement.address));
        let expected = self.naive.register(&said, by, &self.plan, self.now);
        let (name, place) = (said.key.clone(), said.address);
        let got = self.registry.register(said, by, at(self.now));
        let outcome = got.as_ref().map(outcome).map_err(|fault| fault.code());
        assert_eq!(outcome, expected, "{name}");
        let Ok(Registered { backend, .. }) = got else {
            return;
        };
        let before = before.filter(|_| expected != Ok(Outcome::Joined));
        let is_same = before.is_some_and(|(id, _)| id == backend.id);
        assert_eq!(is_same, expected == Ok(Outcome::Repeated));
        if before.is_some_and(|(id, there)| there == place && self.passed.contains(&id)) {
            self.passed.insert(backend.id);
        }
        self.naive.find(&name).unwrap().backend = Some(backend.id);
        self.seen.push(backend);
    }

    fn renew(&mut self, key: &MemberKey, is_draining: Option<bool>, by: &Sender) {
        let expected = self.naive.renew(key, is_draining, by, self.now);
        let beat = Beat {
            is_draining,
            ..Beat::default()
        };
        let got = self.registry.renew(key, beat, by, at(self.now));
        assert_eq!(got.map(|_| ()).map_err(|fault| fault.code()), expected);
    }

    fn deregister(&mut self, key: &MemberKey, by: &Sender) {
        let expected = self.naive.own(key, by).map(|_| ());
        if expected.is_ok() {
            self.naive.end(key);
        }
        let got = self.registry.deregister(key, by, at(self.now));
        assert_eq!(got.map_err(|fault| fault.code()), expected);
    }

    fn drain(&mut self, key: &MemberKey, is_drained: bool) {
        self.naive.drain(key, is_drained, self.now);
        let got = match is_drained {
            true => self.registry.drain(key, at(self.now)),
            false => self.registry.undrain(key, at(self.now)),
        };
        assert_eq!(got.is_ok(), self.naive.find(key).is_some());
    }

    fn remove(&mut self, key: &MemberKey) {
        let is_there = self.naive.find(key).is_some();
        if is_there {
            self.naive.drained.remove(key);
        }
        self.naive.end(key);
        assert_eq!(self.registry.remove(key, at(self.now)).is_ok(), is_there);
    }

    fn revoke(&mut self, token: &str) {
        let is_by = |fact: &Fact| fact.token.as_deref() == Some(token);
        let expected = self.naive.live().filter(|fact| is_by(fact)).count();
        self.naive.facts.retain(|fact| !is_by(fact));
        assert_eq!(self.registry.revoke(&token.into(), at(self.now)), expected);
    }

    fn take_probes(&mut self) {
        let mut expected = BTreeSet::new();
        let live = self.naive.facts.iter_mut().filter(|fact| !fact.is_expired);
        let members = live.map(|fact| (fact.backend.unwrap(), &mut fact.pulse));
        let files = self
            .naive
            .files
            .iter_mut()
            .map(|fact| (fact.backend, &mut fact.pulse));
        for (backend, pulse) in members.chain(files) {
            if pulse
                .probe
                .is_some_and(|due| due <= Duration::from_millis(self.now))
            {
                pulse.set_out(self.now);
                expected.insert(backend);
            }
        }
        let taken = self.registry.take_probes(at(self.now), usize::MAX);
        let taken: Vec<_> = taken.into_iter().map(|order| order.backend).collect();
        let ids: BTreeSet<BackendId> = taken.iter().map(|backend| backend.id).collect();
        assert_eq!((taken.len(), &ids), (expected.len(), &expected));
        self.out.extend(taken);
    }

    fn answer(&mut self, which: usize, is_good: bool) {
        if self.out.is_empty() {
            return;
        }
        let backend = self.out.swap_remove(which % self.out.len());
        if is_good {
            self.passed.insert(backend.id);
            let mut files = self.naive.files.iter();
            let of_file = files.find(|fact| fact.backend == backend.id);
            self.passed_of_file.extend(of_file.map(|fact| fact.key.clone()));
        }
        self.naive.proved(backend.id, is_good, self.now);
        let outcome = if is_good {
            Ok(())
        } else {
            Err("refused".to_owned())
        };
        self.registry.proved(backend.id, outcome, at(self.now));
    }

    fn suspect(&mut self, key: &MemberKey) {
        let (Some(fact), Some(member)) = (self.naive.find(key), self.registry.find(key)) else {
            return;
        };
        let is_serving = fact.standing() == Standing::Serving;
        assert_eq!(member.backend.suspect(), is_serving);
        fact.pulse.is_suspected |= is_serving;
    }

    fn suspect_of_file(&mut self, which: usize) {
        let fact = self.naive.files[which].clone();
        let is_serving = self.naive.standing_of_file(&fact) == Standing::Serving;
        let (_, backend) = &of_file(&self.latest)[which];
        assert_eq!(backend.suspect(), is_serving);
        self.naive.files[which].pulse.is_suspected |= is_serving;
    }

    fn drain_of_file(&mut self, which: usize, is_drained: bool) {
        let key = self.naive.files[which].key.clone();
        let changes = match is_drained {
            true => self.naive.drained.insert(key.clone()),
            false => self.naive.drained.remove(&key),
        };
        assert_eq!(self.registry.set_drained(&key.pool, &key.id, is_drained), changes);
        self.publish();
    }

    /// A file in which the backends of `web` have that weight.
    fn weigh(&mut self, weight: u16) {
        let targets = self.plan.pools[1].targets.iter_mut();
        targets.for_each(|target| target.weight = weight);
        self.registry.follow(&self.plan, at(self.now));
        self.publish();
    }

    fn publish(&mut self) {
        let before = self.latest.as_ref();
        let next = Snapshot::of(&self.plan, &Resolved::new(), &self.registry, before, 1);
        self.registry.watch(&next, at(self.now));
        self.latest = Some(next);
        let seen = of_file(&self.latest).into_iter();
        let seen = seen.map(|(key, backend)| (key, backend.id));
        self.naive.see_files(seen.collect(), self.now);
    }

    fn wait(&mut self, ms: u64) {
        self.now += ms;
        self.naive.tick(self.now);
        self.registry.tick(at(self.now));
    }

    fn open_web(&mut self, is_open: bool) {
        self.plan.pools[1].members = bounded_plan().pools[1].members.clone().filter(|_| is_open);
        if !is_open {
            self.naive.facts.retain(|fact| &*fact.said.key.pool != "web");
        }
        self.registry.follow(&self.plan, at(self.now));
    }

    /// As after `kill -9`: all that is left is the store.
    fn restart(&mut self) {
        self.registry = Registry::default();
        self.registry.follow(&self.plan, at(self.now));
        let named = |key: &MemberKey| (key.pool.clone(), key.id.clone());
        self.registry.restore_drained(self.drained.iter().map(named));
        self.registry
            .restore(self.store.values().cloned().collect(), at(self.now));
        self.naive.restart(self.now);
        (self.out, self.seen, self.last_event) = (Vec::new(), Vec::new(), 0);
        self.passed.clear();
        self.passed_of_file.clear();
        (self.latest, self.naive.files) = (None, Vec::new());
        self.publish();
        for member in self.registry.all() {
            self.naive.find(member.key()).unwrap().backend = Some(member.backend.id);
            self.seen.push(Arc::clone(&member.backend));
        }
    }

    fn agree(&mut self) {
        for pool in ["api", "web"] {
            self.agree_on(pool);
        }
        self.agree_on_time();
        self.agree_on_files();
        self.nobody_is_where_another_is();
        self.who_is_no_member_is_gone();
        self.who_serves_has_passed();
        self.bounds_hold();
        self.scopes_hold();
        self.store_follows();
        for event in self.registry.take_events() {
            self.last_event += 1;
            assert_eq!(event.sequence, self.last_event);
        }
    }

    fn agree_on(&self, pool: &str) {
        let of_pool = self.naive.live().filter(|fact| &*fact.said.key.pool == pool);
        let facts = of_pool.map(|fact| {
            (
                &fact.said,
                fact.backend.unwrap(),
                fact.standing(),
                fact.is_draining(),
            )
        });
        let members = self.registry.members(pool);
        let got = members.map(|member| {
            (
                &member.announcement,
                member.backend.id,
                member.standing(),
                member.is_draining(),
            )
        });
        assert_eq!(got.collect::<Vec<_>>(), facts.collect::<Vec<_>>());
        let known: Vec<Policy> = self.registry.known_policies(pool).cloned().collect();
        assert_eq!(known, self.naive.known(pool));
    }

    fn agree_on_time(&self) {
        let leases = self.naive.facts.iter().filter_map(|fact| fact.until);
        assert_eq!(self.registry.next_due(), leases.min().map(Duration::from_millis));
        let members = self.naive.facts.iter().map(|fact| &fact.pulse);
        let files = self.naive.files.iter().map(|fact| &fact.pulse);
        let probes = members.chain(files).filter_map(|pulse| pulse.probe);
        assert_eq!(self.registry.next_probe_due(), probes.min());
    }

    fn agree_on_files(&self) {
        for (fact, (_, backend)) in self.naive.files.iter().zip(of_file(&self.latest)) {
            assert_eq!(backend.standing(), self.naive.standing_of_file(fact), "{fact:?}");
            let is_waiting = backend.standing() != Standing::Serving || &*fact.key.pool == "fixed";
            assert!(
                is_waiting || self.passed_of_file.contains(&fact.key),
                "{fact:?} never passed"
            );
        }
    }

    fn nobody_is_where_another_is(&self) {
        let mut there = BTreeMap::new();
        for member in self.registry.all() {
            let server = server(&member.key().id);
            assert_eq!(
                *there.entry(member.announcement.address).or_insert(server),
                server
            );
        }
    }

    fn who_is_no_member_is_gone(&self) {
        let members: BTreeSet<BackendId> = self.registry.all().map(|member| member.backend.id).collect();
        for backend in &self.seen {
            let is_gone = backend.standing() == Standing::Gone;
            assert_eq!(is_gone, !members.contains(&backend.id));
        }
    }

    fn who_serves_has_passed(&self) {
        for member in self.registry.all() {
            let id = member.backend.id;
            assert!(member.standing() != Standing::Serving || self.passed.contains(&id));
        }
    }

    fn bounds_hold(&self) {
        let count =
            |is_so: &dyn Fn(&Fact) -> bool| self.naive.facts.iter().filter(|fact| is_so(fact)).count();
        assert!(self.registry.len() <= 4 && count(&|_| true) <= 4);
        for fact in &self.naive.facts {
            assert!(count(&|other| other.source == fact.source) <= 3);
            assert!(fact.token.is_none() || count(&|other| other.token == fact.token) <= 2);
        }
    }

    fn scopes_hold(&self) {
        let narrow = self
            .registry
            .all()
            .filter(|member| member.token.as_deref() == Some("narrow"));
        for member in narrow {
            let said = &member.announcement;
            assert_eq!((&*said.key.pool, said.weight), ("api", 1));
            assert!(policies(&["eu"]).uphold(&said.policies));
            assert_eq!(said.address.ip().to_string(), "10.0.0.1");
        }
    }

    fn store_follows(&mut self) {
        for change in self.registry.take_changes() {
            match change {
                Change::Put(kept) => drop(self.store.insert(kept.announcement.key.clone(), kept)),
                Change::Delete(key) => drop(self.store.remove(&key)),
                Change::DrainPut(pool, id) => drop(self.drained.insert(MemberKey { pool, id })),
                Change::DrainDelete(pool, id) => drop(self.drained.remove(&MemberKey { pool, id })),
            }
        }
        assert_eq!(self.drained, self.naive.drained);
        let members = self
            .registry
            .all()
            .map(|member| (member.key().clone(), member.kept()));
        assert_eq!(members.collect::<BTreeMap<_, _>>(), self.store);
    }

    /// What a snapshot would show of each pool, and the number that says whether it changed.
    fn views(&self) -> Vec<(View, u64)> {
        let standing = |member: &super::Member| (member.backend.id, member.standing());
        let of_file = of_file(&self.latest);
        let view = |pool: &str| View {
            members: self.registry.members(pool).map(standing).collect(),
            known: self.registry.known_policies(pool).cloned().collect(),
            of_file: of_file
                .iter()
                .filter(|(key, _)| &*key.pool == pool)
                .map(|(_, backend)| (backend.id, backend.standing()))
                .collect(),
        };
        let both = |pool: &str| (view(pool), self.registry.generation(pool));
        ["api", "web", "fixed"].map(both).into()
    }
}

#[derive(Debug, PartialEq)]
struct View {
    members: Vec<(BackendId, Standing)>,
    known: Vec<Policy>,
    of_file: Vec<(BackendId, Standing)>,
}

/// The backends of the file in a snapshot.
fn of_file(snapshot: &Option<Snapshot>) -> Vec<(MemberKey, Arc<Backend>)> {
    let pools = snapshot.iter().flat_map(|snapshot| &snapshot.pools);
    let all = pools.flat_map(|pool| pool.backends.iter().map(move |backend| (&pool.name, backend)));
    let of_file = all.filter(|(_, backend)| !backend.is_registered);
    of_file
        .map(|(pool, backend)| {
            let (pool, id) = (pool.clone(), backend.label.clone());
            (MemberKey { pool, id }, Arc::clone(backend))
        })
        .collect()
}

fn outcome(registered: &Registered) -> Outcome {
    match (registered.is_new, registered.replaced) {
        (true, _) => Outcome::Joined,
        (false, true) => Outcome::Replaced,
        (false, false) => Outcome::Repeated,
    }
}

fn show_changes_by_number(before: &[(View, u64)], after: &[(View, u64)]) {
    for ((before, old), (after, new)) in before.iter().zip(after) {
        assert!(
            before == after || new > old,
            "{before:?} became {after:?} unnoticed"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_every_history_the_registry_decides_as_the_naive_one(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            let is_told = !matches!(step, Step::Suspect(_) | Step::SuspectOfFile(_) | Step::Restart);
            let before = world.views();
            world.step(step);
            if is_told {
                show_changes_by_number(&before, &world.views());
            }
            world.agree();
        }
    }
}
