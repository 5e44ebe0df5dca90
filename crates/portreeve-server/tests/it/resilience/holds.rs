//! Limits of requests in flight, and what becomes of those that find no room.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use portreeve_testkit::{Client, Gate, Origin, Proxy, Script, answer, get, volley};

use crate::resilience::{assert_all, assert_told, count, named, playing, retry_after, targets};

/// Answers the first request of each connection once the gate is open, and then all at once.
fn behind(gate: &Gate) -> Script {
    Script::new()
        .read_request()
        .wait(gate)
        .send(answer("200 OK", "served"))
        .forever()
}

/// A proxy before one backend that takes one request at a time.
async fn one_at_a_time(origin: &Origin, hold: &str) -> Proxy {
    Proxy::before("app.test", &[origin])
        .counting()
        .recording("json")
        .route("priority = \"header:Priority\"")
        .pool(&format!("in_flight = 1\nhold = {{ {hold} }}"))
        .start()
        .await
}

/// A client whose request the proxy has, and that has no answer yet.
async fn waiting(proxy: &Proxy, request: impl AsRef<[u8]>) -> Client {
    let mut client = proxy.connect().await;
    client.send(request).await;
    proxy.come_round().await;
    client
}

fn urgent(target: &str, priority: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: app.test\r\nPriority: {priority}\r\n\r\n")
}

const LONG: &str = "timeout = \"10s\"";

#[tokio::test]
async fn a_backend_never_has_more_at_once_than_its_limit() {
    for threads in [1, 2] {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (begins, ends) = ((Arc::clone(&now), Arc::clone(&most)), now);
        let script = Script::new()
            .read_request()
            .send_made(move |_| {
                begins.1.fetch_max(begins.0.fetch_add(1, SeqCst) + 1, SeqCst);
                Vec::new()
            })
            .pause(Duration::from_millis(2))
            .send_made(move |_| {
                ends.fetch_sub(1, SeqCst);
                answer("200 OK", "served").into_bytes()
            })
            .forever();
        let origin = playing(script).await;
        let proxy = Proxy::before("app.test", &[&origin])
            .counting()
            .top(&format!("threads = {threads}"))
            .pool("in_flight = 3\nhold = { timeout = \"10s\" }")
            .start()
            .await;
        assert_all(&volley(&proxy.address(), 20, 200, &get("/")).await, 200);
        assert_eq!(most.load(SeqCst), 3, "{threads} threads");
        proxy.until_idle().await;
    }
}

#[tokio::test]
async fn who_finds_a_backend_full_goes_to_another_at_once() {
    let gate = Gate::new();
    let (busy, free) = (playing(behind(&gate)).await, named("free").await);
    let proxy = Proxy::before("app.test", &[&busy, &free])
        .pool("balance = \"first\"\nin_flight = 1")
        .start()
        .await;
    let mut first = waiting(&proxy, get("/")).await;
    busy.until_requests(1).await;
    for _ in 0..10 {
        assert_eq!(proxy.answer(get("/")).await.text(), "free");
    }
    gate.open();
    assert_eq!(first.response().await.text(), "served");
}

#[tokio::test]
async fn who_waits_is_served_in_the_order_of_coming() {
    let gate = Gate::new();
    let origin = playing(behind(&gate)).await;
    let proxy = one_at_a_time(&origin, LONG).await;
    let mut clients = Vec::new();
    for place in 0..8 {
        clients.push(waiting(&proxy, get(&format!("/{place}"))).await);
    }
    assert_eq!(count(&origin).await, 1);
    gate.open();
    for client in &mut clients {
        assert_eq!(client.response().await.text(), "served");
    }
    let came: Vec<String> = (0..8).map(|place| format!("/{place}")).collect();
    assert_eq!(targets(&origin).await, came);
    proxy.until_idle().await;
}

#[tokio::test]
async fn the_urgent_go_first_and_among_equals_who_came_first() {
    let gate = Gate::new();
    let origin = playing(behind(&gate)).await;
    let proxy = one_at_a_time(&origin, LONG).await;
    let mut clients = vec![waiting(&proxy, get("/served-already")).await];
    let wishes = [
        ("/last", "u=7"),
        ("/middle", ""),
        ("/middle-too", "nonsense"),
        ("/sixth", "6"),
        ("/first", "u=0, i"),
        ("/also-first", "u=0"),
    ];
    for (target, priority) in wishes {
        clients.push(waiting(&proxy, urgent(target, priority)).await);
    }
    gate.open();
    for client in &mut clients {
        assert_eq!(client.response().await.status(), 200);
    }
    let order = [
        "/served-already",
        "/first",
        "/also-first",
        "/middle",
        "/middle-too",
        "/sixth",
        "/last",
    ];
    assert_eq!(targets(&origin).await, order);
}

#[tokio::test]
async fn no_more_wait_than_may() {
    let gate = Gate::new();
    let origin = playing(behind(&gate)).await;
    let proxy = one_at_a_time(&origin, "timeout = \"10s\", requests_max = 2").await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(waiting(&proxy, get("/")).await);
    }
    let refused = proxy.answer(get("/")).await;
    assert_told(&refused, 503, "overloaded");
    assert!((1..=60).contains(&retry_after(&refused)));
    gate.open();
    for client in &mut clients {
        assert_eq!(client.response().await.status(), 200);
    }
    assert_eq!(count(&origin).await, 3);
    assert_eq!(proxy.answer(get("/")).await.status(), 200);
}

#[tokio::test]
async fn with_no_room_to_wait_nobody_does() {
    let gate = Gate::new();
    let origin = playing(behind(&gate)).await;
    let proxy = Proxy::before("app.test", &[&origin])
        .pool("in_flight = 1\nhold = { requests_max = 0 }")
        .start()
        .await;
    let mut first = waiting(&proxy, get("/")).await;
    assert_told(&proxy.answer(get("/")).await, 503, "overloaded");
    gate.open();
    assert_eq!(first.response().await.status(), 200);
}

#[tokio::test]
async fn who_waited_too_long_is_told_so_and_the_backend_never_hears_of_it() {
    let gate = Gate::new();
    let origin = playing(behind(&gate)).await;
    let proxy = one_at_a_time(&origin, "timeout = \"150ms\"").await;
    let mut first = waiting(&proxy, get("/first")).await;
    let began = Instant::now();
    let told = proxy.answer(get("/second")).await;
    assert_told(&told, 503, "hold_timeout");
    assert!(
        began.elapsed() >= Duration::from_millis(150),
        "{:?}",
        began.elapsed()
    );
    assert!(retry_after(&told) >= 1);
    gate.open();
    assert_eq!(first.response().await.status(), 200);
    assert_eq!(proxy.answer(get("/third")).await.status(), 200);
    assert_eq!(targets(&origin).await, ["/first", "/third"]);
    proxy.until_idle().await;
}

#[tokio::test]
async fn who_leaves_while_held_gives_up_the_place() {
    let gate = Gate::new();
    let origin = playing(behind(&gate)).await;
    let proxy = one_at_a_time(&origin, "timeout = \"10s\", requests_max = 2").await;
    let mut first = waiting(&proxy, get("/first")).await;
    let (closes, resets) = (
        waiting(&proxy, get("/closes")).await,
        waiting(&proxy, get("/resets")).await,
    );
    assert_told(&proxy.answer(get("/no-place")).await, 503, "overloaded");
    drop(closes);
    resets.reset();
    let records = proxy.records(3 + 3).await;
    let left = records.iter().filter(|record| record.contains("\"client_left\""));
    assert_eq!(left.count(), 2, "{records:?}");
    let (mut second, mut third) = (
        waiting(&proxy, get("/second")).await,
        waiting(&proxy, get("/third")).await,
    );
    gate.open();
    for client in [&mut first, &mut second, &mut third] {
        assert_eq!(client.response().await.status(), 200);
    }
    assert_eq!(targets(&origin).await, ["/first", "/second", "/third"]);
    proxy.until_idle().await;
}

#[tokio::test]
async fn a_crowd_of_which_half_leaves_at_any_moment_leaves_nothing_behind() {
    let origin = Origin::scripted(
        Script::new()
            .read_request()
            .pause(Duration::from_millis(1))
            .send(answer("200 OK", "served"))
            .forever(),
    )
    .start()
    .await;
    let proxy = Proxy::before("app.test", &[&origin])
        .counting()
        .top("threads = 2")
        // Of each client one that waits, and one whose leaving was not yet seen.
        .pool("in_flight = 2\nhold = { timeout = \"10s\", requests_max = 60 }")
        .start()
        .await;
    let mut crowd = tokio::task::JoinSet::new();
    for number in 0..30_u64 {
        let address = proxy.address();
        crowd.spawn(async move {
            for round in 0..12 {
                let mut client = Client::connect(&address).await;
                client.send(get("/")).await;
                if (number + round) % 2 == 0 {
                    assert_eq!(client.response().await.status(), 200);
                } else {
                    // Chance is wanted here: at any step of the other's way through the proxy.
                    tokio::time::sleep(Duration::from_micros(number * 700 + round * 90)).await;
                    client.reset();
                }
            }
        });
    }
    crowd.join_all().await;
    proxy.until_idle().await;
    // All places are free: as many as may wait do, and all are served.
    assert_all(&volley(&proxy.address(), 62, 124, &get("/")).await, 200);
    proxy.until_idle().await;
}

#[tokio::test]
async fn the_record_says_how_long_a_request_was_held() {
    let gate = Gate::new();
    let origin = playing(behind(&gate)).await;
    let proxy = one_at_a_time(&origin, LONG).await;
    let mut first = waiting(&proxy, get("/first")).await;
    let mut second = waiting(&proxy, get("/second")).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    gate.open();
    assert_eq!(first.response().await.status(), 200);
    assert_eq!(second.response().await.status(), 200);
    // Two are those of `waiting`.
    let records = proxy.records(4).await;
    let held = |target: &str| {
        let record = records.iter().find(|record| record.contains(target));
        let record: serde_json::Value = serde_json::from_str(record.expect("it is recorded")).unwrap();
        record["held_ms"].as_f64()
    };
    assert_eq!(held("/first"), None);
    assert!(
        held("/second").is_some_and(|millis| millis >= 30.0),
        "{records:?}"
    );
}

#[tokio::test]
async fn who_is_held_when_the_proxy_drains_is_served() {
    let gate = Gate::new();
    let origin = playing(behind(&gate)).await;
    let proxy = one_at_a_time(&origin, LONG).await;
    let mut first = waiting(&proxy, get("/first")).await;
    let mut second = waiting(&proxy, get("/second")).await;
    let finish = async {
        gate.open();
        assert_eq!(first.response().await.status(), 200);
        assert_eq!(second.response().await.status(), 200);
    };
    let (cut, ()) = tokio::join!(proxy.drain(), finish);
    assert_eq!(cut, 0);
}

#[tokio::test]
async fn a_body_waits_with_its_request_and_arrives_whole() {
    let gate = Gate::new();
    let origin = playing(behind(&gate)).await;
    let proxy = one_at_a_time(&origin, LONG).await;
    let mut first = waiting(&proxy, get("/first")).await;
    let mut second = waiting(&proxy, crate::resilience::with_body("POST", "", "all of it")).await;
    gate.open();
    assert_eq!(first.response().await.status(), 200);
    assert_eq!(second.response().await.status(), 200);
    assert_eq!(origin.requests().await[1].text(), "all of it");
}

#[tokio::test]
async fn without_a_limit_of_its_own_a_pool_refuses_no_crowd() {
    let gate = Gate::new();
    let origin = playing(behind(&gate)).await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut clients = Vec::new();
    for _ in 0..200 {
        let mut client = proxy.connect().await;
        client.send(get("/")).await;
        clients.push(client);
    }
    origin.until_requests(200).await;
    gate.open();
    for client in &mut clients {
        assert_eq!(client.response().await.status(), 200);
    }
}
