//! How many, how much and how long, and what those are told for whom that is too little.

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use portreeve_testkit::get;

use crate::scaling::plane::Plane;
use crate::scaling::{asking, assert_told, echoing, retry_after};

#[tokio::test]
async fn no_more_are_held_than_may_and_the_rest_are_told_when_to_come_again() {
    let mut plane = Plane::with("", |pool| pool.hold.requests_max = 2);
    let mut held = [
        asking(&plane.address, get("/1")).await,
        asking(&plane.address, get("/2")).await,
    ];
    plane.until_held(2).await;
    let told = plane.answer(get("/3")).await;
    assert_told(&told, 503, "overloaded");
    assert_eq!(retry_after(&told), 5, "nobody was started yet");
    assert_eq!(plane.fleet(&[]).asked_total(), 3);
    let origin = echoing().await;
    plane.join("1", &origin, &[]);
    for client in &mut held {
        assert_eq!(client.response().await.status(), 200);
    }
}

#[tokio::test]
async fn what_starts_take_decides_when_to_come_again() {
    let plane = Plane::with("", |pool| pool.hold.requests_max = 0);
    for (took, told) in [(100, 1), (2_001, 3), (600_000, 60)] {
        let fleet = plane.fleet(&[]);
        // Each weighs as much as all before it.
        for _ in 0..64 {
            fleet.note_start(Duration::from_millis(took));
        }
        let answer = plane.answer(get("/")).await;
        assert_told(&answer, 503, "overloaded");
        assert_eq!(retry_after(&answer), told, "{took} ms");
    }
}

#[tokio::test]
async fn who_waits_too_long_is_told_when_to_come_again() {
    let plane = Plane::with("", |pool| pool.hold.timeout = Duration::from_millis(150));
    let began = Instant::now();
    let told = plane.answer(get("/")).await;
    assert_told(&told, 503, "no_backend");
    assert_eq!(retry_after(&told), 5);
    assert!(
        began.elapsed() >= Duration::from_millis(150),
        "{:?}",
        began.elapsed()
    );
    plane.until_held(0).await;
}

#[tokio::test]
async fn no_more_bytes_are_held_than_may() {
    let large = get(&format!("/{}", "x".repeat(3_000)));
    let mut plane = Plane::with("", |pool| pool.hold.bytes_max = 7_000);
    let mut held = [
        asking(&plane.address, &large).await,
        asking(&plane.address, &large).await,
    ];
    plane.until_held(2).await;
    let bytes = plane.pool().shared.hold_bytes.load(SeqCst);
    assert!((6_000..=7_000).contains(&bytes), "{bytes}");
    assert_told(&plane.answer(&large).await, 503, "overloaded");
    let mut small = asking(&plane.address, get("/small")).await;
    plane.until_held(3).await;
    let origin = echoing().await;
    plane.join("1", &origin, &[]);
    for client in &mut held {
        assert_eq!(client.response().await.status(), 200);
    }
    assert_eq!(small.response().await.text(), "/small");
    assert_eq!(plane.pool().shared.hold_bytes.load(SeqCst), 0);
    assert_eq!(plane.answer(&large).await.status(), 200);
}

#[tokio::test]
async fn what_came_of_a_body_counts_too() {
    let plane = Plane::with("", |pool| pool.hold.bytes_max = 4_000);
    let body = "x".repeat(8_000);
    let told = plane.answer(portreeve_testkit::post(&body)).await;
    assert_told(&told, 503, "overloaded");
}
