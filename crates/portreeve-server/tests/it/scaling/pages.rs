//! What a browser is shown while the pool wakes.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use portreeve_model::plan::{InFlightPlan, WaitingPage};
use portreeve_testkit::{Gate, Message, Origin, Script, answer, get};

use crate::scaling::plane::Plane;
use crate::scaling::{asking, echoing, retry_after, with_fields};

/// As browsers send it with a navigation.
const BROWSER: &str = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";

fn with_page() -> Plane {
    Plane::with("", |pool| pool.hold.page = Some(WaitingPage::Ours))
}

#[track_caller]
fn assert_page(told: &Message) {
    assert_eq!(told.status(), 503, "{}", told.text());
    assert_eq!(
        told.field("content-type").as_deref(),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(told.field("cache-control").as_deref(), Some("no-store"));
    assert!((1..=60).contains(&retry_after(told)));
}

#[tokio::test]
async fn a_browser_is_shown_a_page_at_once_and_the_pool_wakes_all_the_same() {
    let mut plane = with_page();
    let told = plane.answer(with_fields("/", BROWSER)).await;
    assert_page(&told);
    assert!(told.text().contains("http-equiv=\"refresh\""), "{}", told.text());
    let woken = tokio::time::timeout(Duration::from_secs(5), plane.wakes.notified()).await;
    woken.expect("somebody is told");
    let (fleet, pool) = (plane.fleet(&[]), plane.pool());
    assert_eq!((fleet.asked_total(), fleet.waiting()), (1, 0));
    assert_eq!(pool.shared.waiting_pages.load(SeqCst), 1);
    let origin = echoing().await;
    plane.join("1", &origin, &[]);
    assert_eq!(
        plane.answer(with_fields("/again", BROWSER)).await.text(),
        "/again"
    );
}

#[tokio::test]
async fn head_gets_the_head_of_the_page() {
    let plane = with_page();
    let request = with_fields("/", BROWSER).replacen("GET", "HEAD", 1);
    let told = asking(&plane.address, request).await.response_to_head().await;
    assert_page(&told);
}

#[tokio::test]
async fn the_operators_own_page_is_shown_as_it_is() {
    let plane = Plane::with("", |pool| {
        pool.hold.page = Some(WaitingPage::Of("<p>soon</p>".into()));
    });
    let told = plane.answer(with_fields("/", BROWSER)).await;
    assert_page(&told);
    assert_eq!(told.text(), "<p>soon</p>");
}

#[tokio::test]
async fn whoever_is_no_browser_on_its_way_to_a_page_is_held() {
    let mut plane = with_page();
    let others = [
        get("/curl"),
        with_fields("/any", "Accept: */*\r\n"),
        with_fields("/api", "Accept: application/json, text/html;q=0.5\r\n"),
        with_fields("/script", "Accept: text/html\r\nSec-Fetch-Mode: cors\r\n"),
        with_fields("/post", BROWSER).replacen("GET", "POST", 1),
    ];
    let mut held = Vec::new();
    for request in &others {
        held.push(asking(&plane.address, request).await);
    }
    plane.until_held(5).await;
    let origin = echoing().await;
    plane.join("1", &origin, &[]);
    for client in &mut held {
        assert_eq!(client.response().await.status(), 200);
    }
}

#[tokio::test]
async fn who_only_waits_for_room_is_shown_no_page() {
    let gate = Gate::new();
    let script = Script::new()
        .read_request()
        .wait(&gate)
        .send(answer("200 OK", "served"));
    let mut plane = Plane::with("", |pool| {
        pool.hold.page = Some(WaitingPage::Ours);
        pool.in_flight = InFlightPlan::AtMost(1);
    });
    let origin = Origin::scripted(script.forever()).start().await;
    plane.join("1", &origin, &[]);
    let mut first = asking(&plane.address, get("/")).await;
    origin.until_requests(1).await;
    let mut second = asking(&plane.address, with_fields("/", BROWSER)).await;
    plane.until_held(1).await;
    gate.open();
    assert_eq!(first.response().await.text(), "served");
    assert_eq!(second.response().await.text(), "served");
}

#[tokio::test]
async fn a_browser_whose_backend_is_gone_is_shown_the_page_too() {
    let mut plane = with_page();
    let gone = Origin::refusing();
    plane.join("1", &gone, &[]);
    assert_page(&plane.answer(with_fields("/", BROWSER)).await);
    assert_eq!(plane.fleet(&[]).asked_total(), 1);
}
