use super::super::samples::*;
use super::*;
use crate::plan::{Check, Plan, ProbePlan};
use crate::resolved::Resolved;
use crate::samples::target;

/// The registry, and the snapshots that are made of it.
struct World {
    plan: Plan,
    registry: Registry,
    latest: Option<Snapshot>,
}

impl World {
    /// One pool, `api`, of backends at the ports 1 and 2 of 10.0.0.1.
    fn new(probe: Option<ProbePlan>) -> Self {
        let mut plan = plan();
        plan.pools[0].targets = vec![target(1, 1), target(2, 1)];
        plan.pools[0].probe = probe;
        plan.routes = vec![crate::plan::RoutePlan::all("all".into(), "api".into())];
        let mut world = Self {
            registry: following(&plan),
            plan,
            latest: None,
        };
        world.publish(0);
        world
    }

    fn publish(&mut self, ms: u64) {
        let before = self.latest.as_ref();
        let next = Snapshot::of(&self.plan, &Resolved::new(), &self.registry, before, 1);
        self.registry.watch(&next, at(ms));
        self.latest = Some(next);
    }

    fn reload(&mut self, change: impl FnOnce(&mut PoolPlan), ms: u64) {
        change(&mut self.plan.pools[0]);
        self.registry.follow(&self.plan, at(ms));
        self.publish(ms);
    }

    /// At that port.
    fn backend(&self, port: u16) -> Arc<Backend> {
        let label = format!("10.0.0.1:{port}");
        let pool = self.latest.as_ref().unwrap().pool("api").unwrap();
        let mut all = pool.backends.iter();
        Arc::clone(all.find(|backend| *backend.label == *label).unwrap())
    }

    fn standings(&self) -> [Standing; 2] {
        [1, 2].map(|port| self.backend(port).standing())
    }

    fn take(&mut self, ms: u64) -> Vec<String> {
        let orders = self.registry.take_probes(at(ms), 9);
        orders
            .iter()
            .map(|order| order.backend.label.to_string())
            .collect()
    }

    fn find(&mut self, port: u16, outcome: Result<(), &str>, ms: u64) {
        let id = self.backend(port).id;
        self.registry.proved(id, outcome.map_err(str::to_owned), at(ms));
    }

    fn candidates(&self) -> usize {
        self.latest
            .as_ref()
            .unwrap()
            .pool("api")
            .unwrap()
            .everyone()
            .candidates()
    }
}

fn connect() -> ProbePlan {
    ProbePlan {
        fall: 2,
        ..ProbePlan::new(Check::Connect)
    }
}

use Standing::{Down, Draining, Serving, Unproved};

#[test]
fn without_a_probe_plan_they_serve_at_once_and_nobody_asks() {
    let world = World::new(None);
    assert_eq!(world.standings(), [Serving, Serving]);
    assert_eq!(world.registry.next_probe_due(), None);
    assert!(!world.registry.watches_nobody() && world.registry.is_empty());
}

#[test]
fn with_one_they_serve_after_their_first_pass() {
    let mut world = World::new(Some(connect()));
    assert_eq!((world.standings(), world.candidates()), ([Unproved, Unproved], 0));
    assert_eq!(world.take(0), ["10.0.0.1:1", "10.0.0.1:2"]);
    let generation = world.registry.generation("api");
    world.find(1, Ok(()), 3);
    assert!(world.registry.generation("api") > generation);
    world.find(2, Err("GET / answered 500"), 4);
    world.publish(4);
    assert_eq!((world.standings(), world.candidates()), ([Serving, Unproved], 1));
    assert_eq!(
        world.registry.happened(),
        [(EventKind::Up, "api/10.0.0.1:1".to_owned())]
    );
    let reasons: Vec<_> = world.registry.reasons_of_file().collect();
    assert_eq!(reasons, [(world.backend(2).id, "GET / answered 500")]);
}

#[test]
fn one_that_fails_as_often_as_the_plan_says_is_down_and_told_of() {
    let mut world = World::new(Some(connect()));
    world.find(1, Ok(()), 0);
    world.registry.take_events();
    world.find(1, Err("refused"), 1);
    assert_eq!(world.backend(1).standing(), Serving);
    world.find(1, Err("refused"), 2);
    assert_eq!(world.backend(1).standing(), Down);
    let event = world.registry.take_events().remove(0);
    assert_eq!(
        (event.kind, event.reason.as_deref()),
        (EventKind::Down, Some("refused"))
    );
    assert_eq!(event.address.to_string(), "10.0.0.1:1");
}

#[test]
fn one_that_a_request_could_not_reach_is_asked_soon_and_comes_back_on_a_pass() {
    let mut world = World::new(None);
    let backend = world.backend(1);
    assert!(backend.suspect());
    world.registry.take_suspects(at(1_000));
    for due in [1_100, 1_300, 1_700, 2_500] {
        assert!(world.take(due - 1).is_empty());
        assert_eq!(world.take(due), ["10.0.0.1:1"]);
        world.find(1, Err("refused"), due);
    }
    world.publish(2_500);
    assert_eq!((world.standings(), world.candidates()), ([Down, Serving], 1));
    assert_eq!(world.take(3_600).len(), 1);
    world.find(1, Ok(()), 3_601);
    world.publish(3_601);
    assert_eq!((world.standings(), world.candidates()), ([Serving, Serving], 2));
    assert_eq!(world.registry.next_probe_due(), None);
    let name = || "api/10.0.0.1:1".to_owned();
    assert_eq!(
        world.registry.happened(),
        [(EventKind::Down, name()), (EventKind::Up, name())]
    );
}

#[test]
fn a_suspicion_that_nobody_noticed_yet_outlives_a_snapshot() {
    let mut world = World::new(None);
    assert!(world.backend(1).suspect());
    world.publish(1);
    assert_eq!((world.standings(), world.candidates()), ([Down, Serving], 1));
    world.reload(|pool| pool.targets[0].weight = 2, 2);
    assert_eq!(
        world.standings(),
        [Down, Serving],
        "another backend at the same address"
    );
    world.registry.take_suspects(at(3));
    assert_eq!(world.take(103), ["10.0.0.1:1"]);
}

#[test]
fn another_weight_makes_another_backend_of_which_the_same_is_known() {
    let mut world = World::new(Some(connect()));
    world.find(1, Ok(()), 0);
    let before = world.backend(1);
    assert_eq!(world.take(0).len(), 1, "the other one");
    world.reload(
        |pool| pool.targets.iter_mut().for_each(|target| target.weight = 3),
        10,
    );
    assert_ne!(world.backend(1).id, before.id);
    assert_eq!(world.standings(), [Serving, Unproved]);
    assert_eq!(
        world.take(10),
        ["10.0.0.1:2"],
        "what was out was not of this backend"
    );
    world
        .registry
        .proved(before.id, Err("refused".to_owned()), at(11));
    assert_eq!(world.standings(), [Serving, Unproved]);
}

#[test]
fn who_is_in_the_file_no_more_is_asked_no_more() {
    let mut world = World::new(Some(connect()));
    let gone = world.backend(2);
    world.reload(|pool| drop(pool.targets.pop()), 1);
    assert_eq!(world.take(1), ["10.0.0.1:1"]);
    world.registry.proved(gone.id, Ok(()), at(2));
    assert!(world.registry.take_events().is_empty());
    world.reload(|pool| pool.targets.clear(), 3);
    assert!(world.registry.watches_nobody() && world.registry.next_probe_due().is_none());
}

#[test]
fn a_reload_that_asks_for_probes_takes_nobody_out_and_asks_at_once() {
    let mut world = World::new(None);
    world.reload(|pool| pool.probe = Some(connect()), 5);
    assert_eq!(world.standings(), [Serving, Serving]);
    assert_eq!(world.take(5).len(), 2);
    world.find(1, Err("refused"), 6);
    world.find(1, Err("refused"), 7);
    assert_eq!(world.backend(1).standing(), Down);
}

#[test]
fn a_reload_that_asks_no_more_lets_who_never_passed_serve_and_who_is_down_prove_itself() {
    let mut world = World::new(Some(connect()));
    world.find(1, Ok(()), 0);
    world.find(1, Err("refused"), 1);
    world.find(1, Err("refused"), 2);
    world.reload(|pool| pool.probe = None, 3);
    assert_eq!(world.standings(), [Down, Serving]);
    assert_eq!(world.take(3), ["10.0.0.1:1"]);
    world.find(1, Ok(()), 4);
    assert_eq!(world.standings(), [Serving, Serving]);
    assert_eq!(world.registry.next_probe_due(), None);
}

#[test]
fn a_drained_one_stays_so_whatever_probes_say() {
    let mut world = World::new(Some(connect()));
    let (pool, label) = ("api".into(), "10.0.0.1:1".into());
    world.registry.set_drained(&pool, &label, true);
    world.publish(1);
    world.find(1, Ok(()), 2);
    world.publish(2);
    assert_eq!(world.standings(), [Draining, Unproved]);
    world.registry.set_drained(&pool, &label, false);
    world.publish(3);
    assert_eq!(world.standings(), [Serving, Unproved]);
}

#[test]
fn members_and_backends_of_the_file_wait_in_one_row() {
    let mut world = World::new(Some(connect()));
    world.registry.add("api/m", "10.0.0.9:80", 5);
    world.registry.add("web/n", "10.0.0.9:81", 4);
    let first = world.registry.take_probes(at(9), 3);
    let labels: Vec<&str> = first.iter().map(|order| &*order.backend.label).collect();
    assert_eq!(labels, ["10.0.0.1:1", "10.0.0.1:2", "n"]);
    assert_eq!((&first[0].plan.check, first[0].plan.fall), (&Check::Connect, 2));
    assert_eq!(
        (&first[2].plan.check, first[2].plan.fall),
        (&Check::Packet, 1),
        "nobody asked"
    );
    assert_eq!(world.take(9), ["m"]);
}

#[test]
fn who_sends_heartbeats_is_probed_too_where_the_plan_says_so() {
    let mut world = World::new(Some(connect()));
    world.registry.add_serving("api/m", "10.0.0.9:80", 0);
    world.take(0);
    assert!(world.registry.next_probe_due().unwrap() <= at(2_000).since_start);
    assert_eq!(world.take(2_000), ["m"]);
    world.registry.fail("api/m", 2_001);
    assert_eq!(world.registry.standing("api/m"), Serving);
    world.registry.fail("api/m", 2_002);
    assert_eq!(world.registry.standing("api/m"), Down);
}
