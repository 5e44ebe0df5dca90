//! What is kept over restarts and changes of the plan, and what of instances that are over is not.

use std::time::Duration;

use portreeve_model::plan::{DriverPlan, ScaleMode, ScalePlan};
use portreeve_model::scale::InstanceState;
use portreeve_scaler::Role;

use crate::world::{LEASE_MAX, World, scale, until};
use crate::{of, seldom};

#[tokio::test]
async fn at_the_end_and_after_it_no_token_is_left() {
    let world = World::of(of(2, 2)).await;
    world.until_serving(2).await;
    let door = world.controller.door();
    world.scaler.stop().await;
    assert!(door.tokens().await.unwrap().is_empty());
    world.controller.stop().await;
}

#[tokio::test]
async fn of_a_fleet_that_is_gone_no_token_and_no_registration_is_left() {
    let world = World::of(of(2, 2)).await;
    world.until_serving(2).await;
    world.apply(scale(vec![])).await;
    world.until_tokens(0).await;
    until(
        || world.snapshot().pool("api").unwrap().backends.is_empty() && world.fleets().is_empty(),
        || format!("{:?}", world.fleets()),
    )
    .await;
    world.end().await;
}

#[tokio::test]
async fn tokens_of_those_that_ended_while_nobody_looked_go() {
    let world = World::of(of(2, 2)).await;
    let before = world.until_serving(2).await;
    let engine = world.engine.clone();
    let world = world
        .killed_and_started_after(scale(vec![of(1, 2)]), || engine.crash(&before[0]))
        .await;
    world.until_tokens(1).await;
    assert_eq!(world.until_serving(1).await, before[1..]);
    world.end().await;
}

#[tokio::test]
async fn what_is_adopted_keeps_its_registration() {
    let world = World::scaling(seldom(of(2, 4))).await;
    let before = world.until_serving(2).await;
    let world = world.killed_and_started(seldom(of(2, 4))).await;
    world.until_serving(2).await;
    world
        .throughout(LEASE_MAX * 3, || world.serving() == before)
        .await;
    assert_eq!(world.engine.orders().len(), 2);
    world.end().await;
}

#[tokio::test]
async fn what_was_registered_serves_on_while_its_fleet_is_only_observed() {
    let world = World::scaling(seldom(of(2, 4))).await;
    let before = world.until_serving(2).await;
    let observed = ScalePlan {
        mode: ScaleMode::Observe,
        ..seldom(of(2, 4))
    };
    world.apply(observed).await;
    world
        .throughout(LEASE_MAX * 3, || world.serving() == before)
        .await;
    world.apply(seldom(of(2, 4))).await;
    world
        .until_fleet("it leads again", |fleet| fleet.count(InstanceState::Serving) == 2)
        .await;
    world
        .throughout(LEASE_MAX * 3, || world.serving() == before)
        .await;
    assert_eq!(world.engine.orders().len(), 2);
    world.end().await;
}

#[tokio::test]
async fn as_many_as_were_wanted_serve_before_those_of_another_command_go() {
    let world = World::scaling(seldom(of(0, 3))).await;
    world
        .until_fleet("it leads", |fleet| fleet.role == Role::Leads)
        .await;
    world.shared("default").ask();
    world.wakes.notify_one();
    let before = world.until_serving(1).await;
    let mut other = of(0, 3);
    if let DriverPlan::Process(plan) = &mut other.driver {
        plan.command.push("--fast".to_owned());
    }
    world.apply(seldom(other)).await;
    until(
        || {
            assert!(!world.serving().is_empty(), "{:?}", world.fleets());
            !world.engine.running().contains(&before[0])
        },
        || format!("{:?}", world.fleets()),
    )
    .await;
    assert_eq!(world.until_serving(1).await.len(), 1);
    world.end().await;
}

#[tokio::test]
async fn a_fleet_that_sleeps_is_not_woken_by_another_command() {
    let mut plan = of(0, 3);
    plan.idle = Some(Duration::from_millis(300));
    let world = World::of(plan.clone()).await;
    world
        .until_fleet("it leads", |fleet| fleet.role == Role::Leads)
        .await;
    world.shared("default").ask();
    world.wakes.notify_one();
    world.until_serving(1).await;
    world.until_serving(0).await;
    if let DriverPlan::Process(plan) = &mut plan.driver {
        plan.command.push("--fast".to_owned());
    }
    world.apply(scale(vec![plan])).await;
    let engine = world.engine.clone();
    world
        .throughout(Duration::from_secs(1), || engine.orders().len() == 1)
        .await;
    world.end().await;
}

#[tokio::test]
async fn what_leaves_a_fleet_costs_no_time() {
    let mut plan = of(1, 2);
    plan.lifecycle.stop_timeout = Duration::from_secs(2);
    let world = World::of(plan).await;
    world.until_serving(1).await;
    world.engine.is_stubborn();
    world.apply(scale(vec![])).await;
    world
        .until_fleet("it is asked to go", |fleet| {
            fleet.count(InstanceState::Stopping) == 1
        })
        .await;
    let before = cpu_time();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let used = cpu_time() - before;
    assert!(used < Duration::from_millis(300), "{used:?} of a second");
    world.end().await;
}

/// Of this process: each test has one.
fn cpu_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let nanos = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

#[tokio::test]
async fn a_driver_that_panics_is_asked_again() {
    let world = World::of(of(1, 1)).await;
    world.until_serving(1).await;
    world.engine.panics_once();
    let asked = world.engine.usages();
    until(
        || world.engine.usages() >= asked + 3,
        || format!("asked {} times", world.engine.usages()),
    )
    .await;
    world.end().await;
}
