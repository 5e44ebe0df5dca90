//! The scaler over a real control plane and an engine of tasks with real sockets.

mod engine;
mod keeping;
mod world;

use std::time::Duration;

use portreeve_control::Credentials;
use portreeve_driver::{DriverFault, Stop};
use portreeve_model::plan::{DriverPlan, FleetPlan, OnExit, ScaleMode, ScalePlan};
use portreeve_model::scale::InstanceState;
use portreeve_model::{Announcement, MemberKey, Term};
use portreeve_scaler::Role;

use crate::world::{World, fleet, policies, scale, until};

fn of(min: u32, max: u32) -> FleetPlan {
    FleetPlan {
        min,
        max,
        ..fleet("default")
    }
}

/// Looks at its rules once an hour: what happens sooner has another reason.
fn seldom(fleet: FleetPlan) -> ScalePlan {
    ScalePlan {
        every: Duration::from_secs(3_600),
        ..scale(vec![fleet])
    }
}

#[tokio::test]
async fn as_many_as_min_are_started_and_serve() {
    let world = World::of(of(3, 5)).await;
    let serving = world.until_serving(3).await;
    assert_eq!(world.engine.orders().len(), 3);
    assert!(serving.iter().all(|id| id.starts_with("api-")), "{serving:?}");
    world.end().await;
}

#[tokio::test]
async fn an_instance_is_told_where_and_by_which_token_it_may_register() {
    let world = World::of(of(1, 1)).await;
    world.until_serving(1).await;
    let orders = world.engine.orders();
    let env = engine::env(&orders[0]);
    assert_eq!(env.get("PORTREEVE_URL"), Some(&"http://127.0.0.1:8080"));
    assert!(orders[0].token.reveal().starts_with("ptv_"));
    world.end().await;
}

#[tokio::test]
async fn the_token_of_an_instance_brings_no_requests_elsewhere() {
    let world = World::of(of(1, 1)).await;
    let serving = world.until_serving(1).await;
    let announcement = |id: &str, address: &str, weight| Announcement {
        key: MemberKey {
            pool: "api".into(),
            id: id.into(),
        },
        address: address.parse().unwrap(),
        policies: policies(&[]),
        weight,
        term: Term::Heartbeats(None),
        spells_types_as_text: false,
        zone: None,
        is_backup: false,
    };
    let by = Credentials {
        source: Some(std::net::Ipv4Addr::LOCALHOST.into()),
        token: Some(world.engine.orders()[0].token.reveal().to_owned()),
        certificate: None,
    };
    let door = world.controller.door();
    let id = &*serving[0];
    for refused in [
        announcement("other", "127.0.0.2:80", 1),
        announcement(id, "192.0.2.1:80", 1),
        announcement(id, "127.0.0.1:80", 2),
    ] {
        assert!(door.register(refused, by.clone()).await.is_err());
    }
    world.end().await;
}

#[tokio::test]
async fn where_it_finds_us_the_operator_may_know_better() {
    let mut plan = of(1, 1);
    if let DriverPlan::Process(plan) = &mut plan.driver {
        plan.env
            .push(("PORTREEVE_URL".to_owned(), "http://proxy".to_owned()));
    }
    let world = World::of(plan).await;
    world.until_serving(1).await;
    assert!(world.engine.orders()[0].env.is_empty());
    world.end().await;
}

#[tokio::test]
async fn what_crashes_is_replaced_at_once() {
    let world = World::scaling(seldom(of(2, 2))).await;
    let before = world.until_serving(2).await;
    world.engine.crash(&before[0]);
    until(
        || world.engine.orders().len() == 3,
        || format!("{:?}", world.fleets()),
    )
    .await;
    let after = world.until_serving(2).await;
    assert!(!after.contains(&before[0]) && after.contains(&before[1]));
    world
        .until_fleet("a restart is counted", |fleet| {
            fleet.instances.iter().any(|instance| instance.restarts == 1)
        })
        .await;
    world.end().await;
}

#[tokio::test]
async fn what_hangs_is_replaced_and_ended() {
    let world = World::scaling(seldom(of(1, 2))).await;
    let before = world.until_serving(1).await;
    world.engine.hang(&before[0]);
    // A request cannot reach it.
    let snapshot = world.snapshot();
    assert!(snapshot.pool("api").unwrap().backends[0].suspect());
    snapshot.suspicions.raise();
    until(
        || world.engine.running().iter().all(|id| *id != before[0]),
        || format!("{:?}", world.fleets()),
    )
    .await;
    let after = world.until_serving(1).await;
    assert_ne!(after, before);
    world.end().await;
}

#[tokio::test]
async fn a_request_that_finds_nobody_wakes_one_at_once() {
    let world = World::scaling(seldom(of(0, 3))).await;
    world
        .until_fleet("it leads", |fleet| fleet.role == Role::Leads)
        .await;
    assert!(world.engine.orders().is_empty());
    world.shared("default").ask();
    world.wakes.notify_one();
    world.until_serving(1).await;
    assert_eq!(world.engine.orders().len(), 1);
    assert!(world.shared("default").start_time().is_some());
    world.end().await;
}

#[tokio::test]
async fn a_wake_starts_the_fleet_that_upholds_what_was_asked_and_no_other() {
    let with = |name: &str| FleetPlan {
        policies: policies(&[name]),
        name: name.into(),
        ..of(0, 3)
    };
    let mut plan = seldom(with("eu"));
    plan.fleets.push(with("us"));
    let world = World::scaling(plan).await;
    world
        .until_fleet("us leads", |fleet| {
            &*fleet.key.fleet == "us" && fleet.role == Role::Leads
        })
        .await;
    world.shared("us").ask();
    world.wakes.notify_one();
    world.until_serving(1).await;
    let snapshot = world.snapshot();
    let pool = snapshot.pool("api").unwrap();
    assert_eq!(pool.backends[0].policies, policies(&["us"]));
    assert_eq!(pool.upholding("eu").unwrap().candidates(), 0);
    assert_eq!(pool.upholding("us").unwrap().candidates(), 1);
    world.end().await;
}

#[tokio::test]
async fn starts_that_fail_back_off_and_are_told() {
    let world = World::of(of(1, 3)).await;
    world.engine.fails(Some(DriverFault::NotFound {
        what: "./api".to_owned(),
        reason: "no such file".to_owned(),
    }));
    for order in world.engine.running() {
        world.engine.crash(&order);
    }
    world
        .until_fleet("the fault is seen", |fleet| {
            fleet.faults.contains_key("not_found")
        })
        .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(
        world.engine.orders().len() <= 4,
        "{} starts in half a second",
        world.engine.orders().len()
    );
    world.engine.fails(None);
    world.until_serving(1).await;
    world.end().await;
}

#[tokio::test]
async fn after_a_kill_the_next_proxy_adopts_and_doubles_nothing() {
    let world = World::of(of(2, 4)).await;
    let before = world.until_serving(2).await;
    let world = world.killed_and_started(scale(vec![of(2, 4)])).await;
    world
        .until_fleet("both are adopted", |fleet| {
            fleet.count(InstanceState::Serving) == 2
        })
        .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.until_serving(2).await, before);
    assert_eq!(world.engine.orders().len(), 2);
    world.end().await;
}

#[tokio::test]
async fn of_two_proxies_one_scales_and_the_other_takes_over() {
    let world = World::of(of(2, 4)).await;
    world.until_serving(2).await;
    let (controller, other) = world.beside("them", scale(vec![of(2, 4)])).await;
    let follows = |role: &Role| *role == Role::Follows("us".to_owned());
    until(
        || other.view().fleets().iter().any(|fleet| follows(&fleet.role)),
        || format!("{:?}", other.view().fleets()),
    )
    .await;
    let shared = || world::serving(&controller).len();
    until(
        || shared() == 2,
        || "what one has started serves at the other too".to_owned(),
    )
    .await;
    assert_eq!(world.engine.orders().len(), 2);
    let crashed = &world.serving()[0];
    world.engine.crash(crashed);
    let is_gone = || !world::serving(&controller).contains(crashed);
    until(is_gone, || "what is over is no backend of the other".to_owned()).await;
    until(|| shared() == 2, || format!("{} serve at the other", shared())).await;
    assert_eq!(world.engine.orders().len(), 3);
    world.engine.is_led_by("them");
    until(
        || {
            other
                .view()
                .fleets()
                .iter()
                .any(|fleet| fleet.role == Role::Leads)
        },
        || format!("{:?}", other.view().fleets()),
    )
    .await;
    assert_eq!(world.engine.orders().len(), 3, "what there is was adopted");
    other.stop().await;
    controller.stop().await;
    world.end().await;
}

#[tokio::test]
async fn another_command_replaces_all_and_who_was_there_serves_until_then() {
    let world = World::of(of(2, 4)).await;
    let before = world.until_serving(2).await;
    let mut other = of(2, 4);
    if let DriverPlan::Process(plan) = &mut other.driver {
        plan.command.push("--fast".to_owned());
    }
    let snapshots = world.controller.snapshots();
    world.apply(scale(vec![other])).await;
    until(
        || {
            assert!(world.serving().len() >= 2, "{:?}", world.serving());
            snapshots.has_changed().is_ok() && before.iter().all(|id| !world.engine.running().contains(id))
        },
        || format!("{:?}", world.fleets()),
    )
    .await;
    let after = world.until_serving(2).await;
    assert!(before.iter().all(|id| !after.contains(id)));
    world.end().await;
}

#[tokio::test]
async fn after_a_restart_with_another_command_the_old_ones_are_replaced() {
    let world = World::of(of(1, 4)).await;
    let before = world.until_serving(1).await;
    let mut other = of(1, 4);
    if let DriverPlan::Process(plan) = &mut other.driver {
        plan.command.push("--fast".to_owned());
    }
    let world = world.killed_and_started(scale(vec![other])).await;
    until(
        || !world.engine.running().contains(&before[0]),
        || format!("{:?}", world.fleets()),
    )
    .await;
    assert_ne!(world.until_serving(1).await, before);
    assert_eq!(world.engine.orders().len(), 2);
    world.end().await;
}

#[tokio::test]
async fn the_end_stops_what_is_to_be_stopped_and_kills_what_does_not_go() {
    let world = World::of(of(2, 2)).await;
    world.until_serving(2).await;
    world.engine.is_stubborn();
    let engine = world.engine.clone();
    world.end().await;
    assert!(engine.running().is_empty());
    assert_eq!(engine.orders().len(), 2, "nothing was begun at the end");
    assert!(engine.stops().iter().any(|(_, how)| *how == Stop::Kill));
}

#[tokio::test]
async fn the_end_keeps_what_is_to_be_kept() {
    let mut plan = of(2, 2);
    plan.lifecycle.on_exit = OnExit::Keep;
    let world = World::of(plan).await;
    world.until_serving(2).await;
    let (engine, before) = (world.engine.clone(), world.engine.running());
    world.end().await;
    assert_eq!(engine.running(), before);
    assert!(engine.stops().is_empty());
}

#[tokio::test]
async fn a_fleet_that_is_gone_from_the_plan_is_ended() {
    let world = World::of(of(2, 2)).await;
    world.until_serving(2).await;
    world.apply(scale(vec![])).await;
    until(
        || world.engine.running().is_empty(),
        || format!("{:?}", world.fleets()),
    )
    .await;
    world.end().await;
}

#[tokio::test]
async fn who_observes_starts_nothing_and_says_what_it_would() {
    let plan = ScalePlan {
        mode: ScaleMode::Observe,
        ..scale(vec![of(2, 4)])
    };
    let world = World::scaling(plan).await;
    world
        .until_fleet("it says two", |fleet| fleet.decision.is_some() && fleet.size == 2)
        .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(world.engine.orders().is_empty());
    let changes = world.fleets()[0].changes;
    assert!(
        changes.0 + changes.1 <= 1,
        "told once, not each period: {changes:?}"
    );
    world.end().await;
}

#[tokio::test]
async fn tokens_end_with_their_instances() {
    let world = World::of(of(1, 2)).await;
    let before = world.until_serving(1).await;
    world.engine.crash(&before[0]);
    until(
        || world.engine.orders().len() == 2,
        || format!("{:?}", world.fleets()),
    )
    .await;
    world.until_serving(1).await;
    world.until_tokens(1).await;
    world.end().await;
}
