//! Many at once.

use std::sync::atomic::Ordering::SeqCst;

use portreeve_model::plan::InFlightPlan;
use portreeve_testkit::{Client, get};
use tokio::task::JoinSet;

use crate::scaling::plane::Plane;
use crate::scaling::{SCALED, asking, echoing};

#[tokio::test]
async fn a_thousand_that_are_held_are_all_answered() {
    portreeve_server::raise_open_files();
    for threads in [1, 2] {
        let route =
            "[listener.web]\nbind = \"127.0.0.1:0\"\nregistration = true\n[route.app]\npool = \"app\"\n";
        let mut plane = Plane::of(&format!("{route}{SCALED}"), threads, |_| {});
        let mut crowd = JoinSet::new();
        for number in 0..1_000 {
            let proxy = plane.address.clone();
            crowd.spawn(async move {
                let mut client = asking(&proxy, get(&format!("/{number}"))).await;
                assert_eq!(client.response().await.text(), format!("/{number}"));
            });
        }
        plane.until_held(1_000).await;
        assert_eq!(plane.fleet(&[]).asked_total(), 1_000);
        let origin = echoing().await;
        plane.join("1", &origin, &[]);
        crowd.join_all().await;
        plane.until_held(0).await;
        assert_eq!(origin.requests().await.len(), 1_000);
        assert_eq!(plane.pool().shared.hold_timeouts.load(SeqCst), 0);
    }
}

#[tokio::test]
async fn who_came_first_is_served_first() {
    let mut plane = Plane::with("", |pool| pool.in_flight = InFlightPlan::AtMost(1));
    let mut clients = Vec::new();
    for number in 0..30 {
        clients.push(asking(&plane.address, get(&format!("/{number}"))).await);
        plane.until_held(number + 1).await;
    }
    let origin = echoing().await;
    plane.join("1", &origin, &[]);
    for client in &mut clients {
        assert_eq!(client.response().await.status(), 200);
    }
    let came = origin.requests().await;
    let targets: Vec<_> = came.iter().map(|request| request.line()).collect();
    let wanted: Vec<_> = (0..30).map(|number| format!("GET /{number} HTTP/1.1")).collect();
    assert_eq!(targets, wanted);
}

#[tokio::test]
async fn a_crowd_of_which_half_leaves_at_the_moment_of_the_wake_leaves_nothing_behind() {
    let origin = echoing().await;
    for round in 0..10 {
        let mut plane = Plane::scaled();
        let (mut stay, mut leave): (Vec<Client>, Vec<Client>) = (Vec::new(), Vec::new());
        for number in 0..40 {
            let client = asking(&plane.address, get(&format!("/{number}"))).await;
            if number % 2 == 0 { &mut stay } else { &mut leave }.push(client);
        }
        plane.until_held(40).await;
        drop(leave.drain(..round * 2));
        plane.join("1", &origin, &[]);
        drop(leave);
        for client in &mut stay {
            assert_eq!(client.response().await.status(), 200);
        }
        plane.until_held(0).await;
        assert_eq!(plane.pool().shared.hold_bytes.load(SeqCst), 0);
    }
}
