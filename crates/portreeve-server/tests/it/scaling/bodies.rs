//! Bodies of requests that are held.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use portreeve_testkit::{Origin, Script, answer};

use crate::scaling::asking;
use crate::scaling::plane::Plane;

/// Far more than sockets hold.
const LARGE: u64 = 64 << 20;

#[tokio::test]
async fn a_large_upload_is_not_read_while_it_is_held_and_arrives_whole() {
    let mut plane = Plane::scaled();
    let head = format!("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: {LARGE}\r\n\r\n");
    let mut client = asking(&plane.address, &head).await;
    plane.until_held(1).await;
    let sent = client.flood(LARGE, Duration::from_millis(500)).await;
    assert!(sent < LARGE / 2, "{sent} bytes went somewhere");
    let held = plane.pool().shared.hold_bytes.load(SeqCst);
    assert!(held < 1_000, "{held}");
    let origin = Origin::scripted(
        Script::new()
            .read_head()
            .sink(LARGE)
            .send(answer("200 OK", "all of it"))
            .forever(),
    );
    let origin = origin.start().await;
    plane.join("1", &origin, &[]);
    let rest = client.flood(LARGE - sent, Duration::from_secs(5)).await;
    assert_eq!(sent + rest, LARGE);
    assert_eq!(client.response().await.text(), "all of it");
}

#[tokio::test]
async fn what_came_with_the_head_is_not_lost() {
    let mut plane = Plane::scaled();
    let mut client = asking(&plane.address, portreeve_testkit::post("all of it")).await;
    plane.until_held(1).await;
    let origin = Origin::replying(200, "thanks").start().await;
    plane.join("1", &origin, &[]);
    assert_eq!(client.response().await.text(), "thanks");
    assert_eq!(origin.request().await.text(), "all of it");
}

#[tokio::test]
async fn who_leaves_in_the_middle_of_a_body_waits_no_more() {
    let plane = Plane::scaled();
    let half = "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 20\r\n\r\nhalf of it";
    let client = asking(&plane.address, half).await;
    plane.until_held(1).await;
    drop(client);
    plane.until_held(0).await;
}

#[tokio::test]
async fn requests_behind_one_that_is_held_are_answered_in_their_order() {
    let mut plane = Plane::scaled();
    let requests: String = (0..20)
        .map(|number| portreeve_testkit::get(&format!("/{number}")))
        .collect();
    let mut client = asking(&plane.address, requests).await;
    plane.until_held(1).await;
    let origin = crate::scaling::echoing().await;
    plane.join("1", &origin, &[]);
    for number in 0..20 {
        assert_eq!(client.response().await.text(), format!("/{number}"));
    }
}
