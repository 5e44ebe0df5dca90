//! Who is woken, and who is held until then.

use std::time::{Duration, Instant};

use portreeve_model::plan::FailMode;
use portreeve_testkit::{Origin, PATIENCE, get};
use tokio::time::timeout;

use crate::scaling::plane::Plane;
use crate::scaling::{asking, assert_told, echoing, retry_after, with_fields};

/// Two fleets, of one policy each.
const TWO_FLEETS: &str =
    "[pool.app.scale.fleet.eu]\npolicies = [\"eu\"]\n[pool.app.scale.fleet.us]\npolicies = [\"us\"]\n";

fn of_policies() -> Plane {
    let route = "[listener.web]\nbind = \"127.0.0.1:0\"\nregistration = true\n\
        [route.app]\npool = \"app\"\npolicy = { header = \"Privacy-Policy\" }\n";
    Plane::of(
        &format!("{route}{}{TWO_FLEETS}", crate::scaling::SCALED),
        1,
        |_| {},
    )
}

fn demanding(policy: &str) -> String {
    with_fields(&format!("/{policy}"), &format!("Privacy-Policy: {policy}\r\n"))
}

#[tokio::test]
async fn a_request_that_finds_nobody_wakes_the_fleet_and_is_served_by_whom_that_brings() {
    let mut plane = Plane::scaled();
    let mut client = asking(&plane.address, get("/first")).await;
    let woken = timeout(PATIENCE, plane.wakes.notified()).await;
    woken.expect("somebody is told");
    plane.until_held(1).await;
    assert_eq!(plane.fleet(&[]).asked_total(), 1);
    let origin = echoing().await;
    plane.join("1", &origin, &[]);
    assert_eq!(client.response().await.text(), "/first");
    plane.until_held(0).await;
    assert!(plane.fleet(&[]).take_longest_wait(Default::default()) > Duration::ZERO);
    assert_eq!(plane.answer(get("/second")).await.text(), "/second");
    assert_eq!(
        plane.fleet(&[]).asked_total(),
        1,
        "who finds somebody wakes nobody"
    );
}

#[tokio::test]
async fn who_is_held_goes_at_the_event_and_not_at_the_next_look() {
    let origin = echoing().await;
    let mut shortest = Duration::MAX;
    for round in 0..5 {
        let mut plane = Plane::scaled();
        let mut client = asking(&plane.address, get("/")).await;
        plane.until_held(1).await;
        // At no round time.
        tokio::time::sleep(Duration::from_millis(30 + round * 7)).await;
        let began = Instant::now();
        plane.join("1", &origin, &[]);
        assert_eq!(client.response().await.status(), 200);
        shortest = shortest.min(began.elapsed());
    }
    assert!(shortest < Duration::from_millis(20), "{shortest:?}");
}

#[tokio::test]
async fn each_policy_waits_for_its_own() {
    let mut plane = of_policies();
    let mut eu = asking(&plane.address, demanding("eu")).await;
    let mut us = asking(&plane.address, demanding("us")).await;
    plane.until_held(2).await;
    for policy in ["eu", "us"] {
        let fleet = plane.fleet(&[policy]);
        assert_eq!((fleet.asked_total(), fleet.waiting()), (1, 1), "{policy}");
    }
    let (of_us, of_eu) = (echoing().await, echoing().await);
    plane.join("us-1", &of_us, &["us"]);
    assert_eq!(us.response().await.text(), "/us");
    plane.until_held(1).await;
    eu.expect_silence(Duration::from_millis(250)).await;
    plane.join("eu-1", &of_eu, &["eu"]);
    assert_eq!(eu.response().await.text(), "/eu");
    assert_eq!(
        (of_us.requests().await.len(), of_eu.requests().await.len()),
        (1, 1)
    );
}

#[tokio::test]
async fn those_who_wait_for_another_policy_are_no_requests_of_anybodys() {
    let mut plane = of_policies();
    let origin = echoing().await;
    plane.join("eu-1", &origin, &["eu"]);
    let held = asking(&plane.address, demanding("us")).await;
    plane.until_held(1).await;
    for _ in 0..10 {
        assert_eq!(plane.answer(demanding("eu")).await.text(), "/eu");
    }
    tokio::time::sleep(Duration::from_millis(250)).await;
    let begun = plane.pool().backends[0].vitals.requests_total();
    assert_eq!(begun, 10);
    drop(held);
    plane.until_held(0).await;
}

#[tokio::test]
async fn where_the_pool_refuses_it_still_wakes() {
    let plane = Plane::with("", |pool| pool.fail_mode = FailMode::Refuse);
    let told = plane.answer(get("/")).await;
    assert_told(&told, 503, "no_backend");
    assert_eq!(retry_after(&told), 5);
    timeout(PATIENCE, plane.wakes.notified())
        .await
        .expect("somebody is told");
    assert_eq!(plane.fleet(&[]).asked_total(), 1);
}

#[tokio::test]
async fn who_leaves_waits_no_more() {
    let plane = Plane::scaled();
    let (closes, resets) = (
        asking(&plane.address, get("/closes")).await,
        asking(&plane.address, get("/resets")).await,
    );
    plane.until_held(2).await;
    drop(closes);
    resets.reset();
    plane.until_held(0).await;
    assert_eq!(held_bytes(&plane), 0);
}

#[tokio::test]
async fn a_request_whose_backend_is_gone_waits_for_the_one_in_its_place() {
    let mut plane = Plane::scaled();
    let gone = Origin::refusing();
    plane.join("1", &gone, &[]);
    let mut client = asking(&plane.address, get("/once")).await;
    plane.until_held(1).await;
    assert_eq!(plane.fleet(&[]).asked_total(), 1);
    plane.leave("1");
    let origin = echoing().await;
    plane.join("2", &origin, &[]);
    assert_eq!(client.response().await.text(), "/once");
    plane.until_held(0).await;
}

#[tokio::test]
async fn a_backend_that_comes_back_serves_whom_it_failed() {
    let mut plane = Plane::scaled();
    let gone = Origin::refusing();
    plane.join("1", &gone, &[]);
    let mut client = asking(&plane.address, get("/again")).await;
    plane.until_held(1).await;
    let address = gone.address().clone();
    drop(gone);
    let script = portreeve_testkit::Script::new()
        .read_request()
        .send(portreeve_testkit::answer("200 OK", "back"))
        .forever();
    let back = Origin::scripted(script).at(&address).start().await;
    plane.prove("1");
    assert_eq!(client.response().await.text(), "back");
    drop(back);
}

#[tokio::test]
async fn an_answer_that_is_there_does_not_wait_for_a_better_one() {
    let mut plane = Plane::with("", |pool| pool.retry.statuses = vec![(503, 503)]);
    let sick = Origin::replying(503, "sick").start().await;
    plane.join("1", &sick, &[]);
    assert_eq!(plane.answer(get("/")).await.text(), "sick");
    assert_eq!(plane.fleet(&[]).asked_total(), 0);
}

#[tokio::test]
async fn who_is_held_when_the_proxy_drains_is_told_in_time() {
    let plane = Plane::scaled();
    let mut client = asking(&plane.address, get("/")).await;
    plane.until_held(1).await;
    let (drained, told) = tokio::join!(plane.drain(Duration::from_secs(1)), client.response());
    assert_told(&told, 503, "shutting_down");
    assert_eq!(drained.cut, 0);
}

fn held_bytes(plane: &Plane) -> u64 {
    let pool = plane.pool();
    pool.shared.hold_bytes.load(std::sync::atomic::Ordering::SeqCst)
}
