mod file;

use std::time::Duration;

use super::*;
use crate::ask::Ask;
use crate::plan::{BalancePlan, MembersPlan, Plan, Target};
use crate::policy::Policies;
use crate::registration::{Announcement, MemberKey, Moment, Sender, Term};
use crate::samples::{ask, dice, pool_plan, target};
use crate::standing::Standing;
use crate::tried::Tried;

/// A pool of backends of the file and members, and what it was before.
struct World {
    plan: Plan,
    registry: Registry,
    demanded: BTreeSet<Policy>,
    pool: Option<Arc<Pool>>,
}

impl World {
    /// Of backends of the file at these ports, with these policies.
    fn of(targets: &[(u16, &[&str])]) -> Self {
        let mut plan = Plan {
            pools: vec![pool_plan("pool", BalancePlan::RoundRobin, &[])],
            ..Plan::default()
        };
        plan.pools[0].members = Some(MembersPlan::default());
        let mut registry = Registry::default();
        registry.follow(&plan, now());
        let mut world = Self {
            plan,
            registry,
            demanded: BTreeSet::new(),
            pool: None,
        };
        world.set(targets);
        world
    }

    fn set(&mut self, targets: &[(u16, &[&str])]) {
        self.plan.pools[0].targets = targets
            .iter()
            .map(|(port, names)| Target {
                policies: policies(names),
                ..target(*port, 1)
            })
            .collect();
    }

    fn weigh(&mut self, weight: u16) {
        for target in &mut self.plan.pools[0].targets {
            target.weight = weight;
        }
    }

    fn build(&mut self) -> Arc<Pool> {
        let world = PoolWorld {
            plan: &self.plan.pools[0],
            resolved: &Resolved::new(),
            registry: &self.registry,
            ledgers: &[],
            demanded: &self.demanded.iter().collect(),
            is_open: true,
            zone: None,
        };
        let pool = Pool::build(&world, self.pool.as_ref());
        self.pool = Some(Arc::clone(&pool));
        pool
    }

    /// Another pool each time, made of these.
    fn reload(&mut self, targets: &[(u16, &[&str])]) -> Arc<Pool> {
        self.set(targets);
        self.build()
    }

    fn announce(&mut self, id: &str, port: u16, names: &[&str]) -> Arc<Backend> {
        let announcement = Announcement {
            key: key(id),
            address: ([10, 0, 0, 1], port).into(),
            policies: policies(names),
            weight: 1,
            term: Term::Heartbeats(None),
            spells_types_as_text: false,
            zone: None,
            is_backup: false,
        };
        let registered = self.registry.register(announcement, &Sender::default(), now());
        registered.unwrap().backend
    }

    /// A member that serves.
    fn join(&mut self, id: &str, port: u16, names: &[&str]) -> Arc<Backend> {
        let backend = self.announce(id, port, names);
        self.registry.proved(backend.id, Ok(()), now());
        backend
    }

    fn leave(&mut self, id: &str) {
        self.registry.remove(&key(id), now()).unwrap();
    }
}

fn now() -> Moment {
    Moment {
        since_start: Duration::ZERO,
        unix_ms: 0,
    }
}

fn key(id: &str) -> MemberKey {
    MemberKey {
        pool: "pool".into(),
        id: id.into(),
    }
}

fn policies(names: &[&str]) -> Policies {
    names.iter().map(|name| Policy::new(name).unwrap()).collect()
}

fn pick(group: &Group) -> Option<String> {
    let lease = group.pick(&ask(&Tried::default())).ok()?;
    Some(lease.backend().label.to_string())
}

fn picks(group: &Group, count: usize) -> String {
    (0..count).map(|_| pick(group).unwrap()).collect()
}

fn eu(pool: &Pool) -> &Arc<Group> {
    pool.upholding("eu").unwrap()
}

#[test]
fn members_take_turns_in_the_order_of_their_registration() {
    let mut world = World::of(&[]);
    world.join("2", 2, &["eu"]);
    world.join("1", 1, &["eu"]);
    world.join("3", 3, &["us"]);
    let pool = world.build();
    assert_eq!(picks(eu(&pool), 5), "21212");
    assert_eq!(picks(pool.upholding("us").unwrap(), 2), "33");
}

#[test]
fn turns_go_on_over_members_that_come_and_go() {
    let mut world = World::of(&[]);
    world.join("1", 1, &["eu"]);
    world.join("2", 2, &["eu"]);
    assert_eq!(picks(eu(&world.build()), 3), "121");
    world.join("3", 3, &["eu"]);
    assert_eq!(picks(eu(&world.build()), 3), "231");
    world.leave("1");
    assert_eq!(picks(eu(&world.build()), 3), "232");
    world.leave("3");
    world.join("4", 4, &["eu"]);
    assert_eq!(picks(eu(&world.build()), 4), "2424", "the turn of 3 passed to 2");
}

#[test]
fn one_policys_comings_and_goings_do_not_touch_anothers_turns() {
    let mut world = World::of(&[]);
    world.join("1", 1, &["eu"]);
    world.join("2", 2, &["eu"]);
    let before = world.build();
    assert_eq!(picks(eu(&before), 1), "1");
    world.join("3", 3, &["us"]);
    let after = world.build();
    assert!(Arc::ptr_eq(eu(&before), eu(&after)));
    assert!(!Arc::ptr_eq(&before, &after));
    assert_eq!(picks(eu(&after), 2), "21");
}

#[test]
fn the_very_same_pool_goes_on_where_nothing_changed() {
    let mut world = World::of(&[]);
    world.join("1", 1, &["eu"]);
    let before = world.build();
    assert!(Arc::ptr_eq(&before, &world.build()));
    world.demanded.insert(Policy::new("us").unwrap());
    let after = world.build();
    assert!(!Arc::ptr_eq(&before, &after));
    assert!(after.upholding("us").is_some());
}

#[test]
fn a_policy_that_everybody_left_for_now_is_still_known() {
    let mut world = World::of(&[]);
    world.join("1", 1, &["eu"]);
    world.build();
    let pool = {
        world.registry.tick(Moment {
            since_start: Duration::from_secs(10),
            unix_ms: 0,
        });
        world.build()
    };
    assert_eq!(pool.backends.len(), 0);
    assert_eq!(eu(&pool).candidates(), 0);
    world.registry.tick(Moment {
        since_start: Duration::from_secs(70),
        unix_ms: 0,
    });
    assert!(world.build().upholding("eu").is_none());
}

#[test]
fn a_policy_is_known_as_soon_as_somebody_registers_even_unproved() {
    let mut world = World::of(&[]);
    let backend = world.announce("1", 1, &["eu"]);
    assert_eq!(eu(&world.build()).candidates(), 0);
    world.registry.proved(backend.id, Ok(()), now());
    assert_eq!(eu(&world.build()).candidates(), 1);
}

#[test]
fn members_of_other_policies_are_in_no_group_of_this_one() {
    let mut world = World::of(&[(1, &["us"]), (2, &[]), (3, &["eu", "us"])]);
    world.join("m", 4, &["us"]);
    let pool = world.build();
    assert_eq!(picks(eu(&pool), 3), "10.0.0.1:3".repeat(3));
    assert_eq!(pool.upholding("us").unwrap().candidates(), 3);
    assert_eq!(pool.everyone().candidates(), 4);
}

#[test]
fn sets_of_several_are_kept_follow_and_go_on_in_turn() {
    let mut world = World::of(&[]);
    let both = policies(&["eu", "hipaa"]);
    world.join("1", 1, &["eu", "hipaa"]);
    world.join("2", 2, &["hipaa", "eu", "us"]);
    world.join("3", 3, &["eu"]);
    let first = world.build();
    assert_eq!(picks(&first.upholding_all(&both), 3), "121");
    assert!(Arc::ptr_eq(
        &first.upholding_all(&both),
        &first.upholding_all(&both)
    ));
    world.join("3", 3, &["eu", "hipaa"]);
    assert_eq!(picks(&world.build().upholding_all(&both), 4), "2312");
    world.leave("2");
    assert_eq!(picks(&world.build().upholding_all(&both), 4), "3131");
}

#[test]
fn an_unchanged_set_of_several_is_the_very_same() {
    let mut world = World::of(&[]);
    let both = policies(&["eu", "hipaa"]);
    world.join("1", 1, &["eu", "hipaa"]);
    let before = world.build().upholding_all(&both);
    world.join("2", 2, &["eu"]);
    assert!(Arc::ptr_eq(&before, &world.build().upholding_all(&both)));
}

#[test]
fn a_set_is_let_go_once_one_of_its_policies_is_unknown() {
    let mut world = World::of(&[]);
    let both = policies(&["eu", "hipaa"]);
    world.join("1", 1, &["eu", "hipaa"]);
    assert_eq!(world.build().upholding_all(&both).candidates(), 1);
    world.join("1", 1, &["eu"]);
    let pool = world.build();
    assert_eq!(pool.several.iter().count(), 0);
    assert_eq!(pool.upholding_all(&both).candidates(), 0);
}

#[test]
fn sets_beyond_those_that_are_kept_are_served_rightly_and_by_chance() {
    let mut world = World::of(&[]);
    let names: Vec<String> = (0..13).map(|number| format!("p{number:02}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    world.join("1", 1, &all);
    world.join("2", 2, &all);
    world.join("3", 3, &all[..6]);
    let pool = world.build();
    let pairs = (0..13).flat_map(|one| (one + 1..13).map(move |other| [one, other]));
    for pair in pairs {
        let set = policies(&pair.map(|place| all[place]));
        let group = pool.upholding_all(&set);
        assert_eq!(*group.policies(), set);
        let expected = if pair[1] < 6 { 3 } else { 2 };
        assert_eq!(group.candidates(), expected, "{pair:?}");
    }
    assert_eq!(pool.several.iter().count(), 64);
    let last = policies(&[all[11], all[12]]);
    let is_first = |dice: &u64| {
        let tried = Tried::default();
        let group = pool.upholding_all(&last);
        let lease = group
            .pick(&Ask {
                dice: *dice,
                ..ask(&tried)
            })
            .unwrap();
        &*lease.backend().label == "1"
    };
    let first = dice(400).filter(is_first).count();
    assert!((150..250).contains(&first), "{first} of 400");
}

#[test]
fn a_member_that_says_other_policies_is_met_under_the_old_by_nobody() {
    let mut world = World::of(&[]);
    world.join("1", 1, &["eu"]);
    let before = world.build();
    world.join("1", 1, &["us"]);
    assert_eq!(pick(eu(&before)), None, "although this is the old snapshot");
    assert!(world.build().upholding("eu").is_none());
}

#[test]
fn the_key_of_a_hash_sticks_within_the_policy() {
    let mut world = World::of(&[(1, &["eu"]), (2, &["us"]), (3, &["eu"]), (4, &["us"])]);
    world.plan.pools[0].balance = BalancePlan::Hash(crate::plan::HashKey::Path);
    let pool = world.build();
    for key in 1..200_u64 {
        let key = crate::digest::mix(key);
        let met = |policy: &str| {
            let tried = Tried::default();
            let ask = Ask {
                key,
                dice: key,
                tried: &tried,
                now: crate::tick::Tick::default(),
                sticky: None,
            };
            let lease = pool.upholding(policy).unwrap().pick(&ask).unwrap();
            Arc::clone(lease.backend())
        };
        assert!(met("eu").policies.contains("eu"));
        assert!(met("us").policies.contains("us"));
        assert_eq!(met("eu").id, met("eu").id);
    }
}

#[test]
fn a_fleet_without_backends_makes_its_policies_known_and_lives_on() {
    let mut world = World::of(&[]);
    let mut eu = crate::samples::fleet_plan("eu");
    eu.policies = policies(&["eu"]);
    world.plan.pools[0].scale = Some(crate::plan::ScalePlan {
        mode: crate::plan::ScaleMode::On,
        every: Duration::from_secs(10),
        fleets: vec![crate::samples::fleet_plan("any"), eu],
    });
    let pool = world.build();
    assert_eq!(pool.upholding("eu").unwrap().candidates(), 0);
    assert!(pool.upholding("us").is_none());
    assert_eq!(&*pool.fleet_for(&policies(&["eu"])).unwrap().name, "eu");
    assert_eq!(&*pool.fleet_for(&Policies::none()).unwrap().name, "any");
    assert!(pool.fleet_for(&policies(&["eu", "us"])).is_none());
    pool.fleets()[1].ask();
    world.plan.pools[0].slow_start = Duration::from_secs(1);
    assert_eq!(world.build().fleets()[1].asked_total(), 1);
}
