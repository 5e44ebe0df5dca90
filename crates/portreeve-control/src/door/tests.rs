//! What the door promises, by the whole control plane. Kept state and whole processes: `tests/restart.rs`.

mod operator;
mod probes;
mod tokens;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use portreeve_model::EventKind;
use portreeve_model::plan::Plan;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::*;
use crate::testing::{Book, announcement, key, local, open_plan, plan_of, start};
use crate::{ControlSettings, Controller};

async fn open() -> Controller {
    start(open_plan(), Arc::default()).await
}

async fn open_with(settings: ControlSettings) -> Controller {
    let book: Arc<Book> = Arc::default();
    Controller::start_with(roomy_plan(), 1, settings, book)
        .await
        .unwrap()
}

/// One where one host may register 20,000 backends.
fn roomy_plan() -> Plan {
    let mut plan = open_plan();
    plan.registration.per_source_max = 20_000;
    plan
}

/// Somebody who listens, and so takes every connection, at each address of 127.0.0.0/8.
async fn server() -> (TcpListener, u16) {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// One of 65,536 loopback addresses.
fn host(number: usize) -> String {
    format!("127.1.{}.{}", number / 256, number % 256)
}

async fn register(door: &Door, id: &str, address: &str) -> Accepted {
    door.register(announcement(id, address), local()).await.unwrap()
}

async fn standing(door: &Door, id: &str) -> Standing {
    door.backend(&key(id)).await.unwrap()[0].standing
}

async fn wait_for(door: &Door, id: &str, wanted: Standing) {
    let wait = async {
        while standing(door, id).await != wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), wait)
        .await
        .unwrap_or_else(|_| panic!("{id} never was {}", wanted.code()));
}

fn labels(controller: &Controller) -> Vec<String> {
    let snapshot = Arc::clone(&controller.snapshots().borrow());
    let pool = snapshot.pool("api").unwrap();
    pool.backends
        .iter()
        .map(|backend| backend.label.to_string())
        .collect()
}

#[tokio::test]
async fn a_registration_is_in_the_snapshot_when_it_is_answered() {
    let controller = open().await;

    let accepted = register(&controller.door(), "a", "127.0.0.1:1").await;

    assert_eq!(labels(&controller), ["a"]);
    assert!(accepted.is_new && accepted.sequence <= controller.snapshots().borrow().sequence);
    assert_eq!(accepted.ttl, Duration::from_secs(10));
    assert!(!accepted.is_stored, "this controller keeps nothing");
}

#[tokio::test]
async fn who_registers_again_is_not_new_and_who_changed_is_another_backend() {
    let controller = open().await;
    let door = controller.door();
    register(&door, "a", "127.0.0.1:1").await;
    let first = Arc::clone(&controller.snapshots().borrow().pool("api").unwrap().backends[0]);

    let again = register(&door, "a", "127.0.0.1:1").await;
    assert!(!again.is_new);
    register(&door, "a", "127.0.0.1:2").await;

    assert_eq!(first.standing(), Standing::Gone);
    assert_eq!(labels(&controller), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn heartbeats_keep_a_registration_and_silence_ends_it() {
    let controller = open().await;
    let door = controller.door();
    register(&door, "a", "127.0.0.1:1").await;

    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(8)).await;
        let ttl = door.renew(&key("a"), Beat::default(), local()).await.unwrap();
        assert_eq!(ttl, Duration::from_secs(10));
    }
    tokio::time::sleep(Duration::from_secs(11)).await;

    assert!(labels(&controller).is_empty());
    let refused = door.renew(&key("a"), Beat::default(), local()).await.unwrap_err();
    assert_eq!((refused.code(), refused.status()), ("not_registered", 404));
}

#[tokio::test]
async fn who_leaves_is_gone_when_it_is_answered() {
    let controller = open().await;
    let door = controller.door();
    register(&door, "a", "127.0.0.1:1").await;

    door.deregister(&key("a"), local()).await.unwrap();

    assert!(labels(&controller).is_empty());
    let again = door.deregister(&key("a"), local()).await.unwrap_err();
    assert_eq!(again.code(), "not_registered");
}

#[tokio::test]
async fn our_own_addresses_are_refused() {
    let settings = ControlSettings {
        own: vec!["0.0.0.0:8080".parse().unwrap(), "127.0.0.1:9091".parse().unwrap()],
        ..ControlSettings::default()
    };
    let controller = open_with(settings).await;
    let door = controller.door();
    let try_it = async |address| door.register(announcement("a", address), local()).await;

    for address in [
        "127.0.0.1:8080",
        "127.0.0.2:8080",
        "127.0.0.1:9091",
        "[::ffff:127.0.0.1]:9091",
    ] {
        let refused = try_it(address).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.field()),
            ("address_is_ours", Some("address"))
        );
    }
    try_it("127.0.0.2:9091").await.unwrap();

    door.own(vec!["127.0.0.3:1".parse().unwrap()]);
    assert_eq!(try_it("127.0.0.3:1").await.unwrap_err().code(), "address_is_ours");
    try_it("127.0.0.1:8080").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_answered_in_full_by_few_snapshots() {
    const FLOOD: usize = 10_000;
    let controller = open_with(ControlSettings::default()).await;
    let (_listener, port) = server().await;
    let mut calls = JoinSet::new();
    for number in 0..FLOOD {
        let door = controller.door();
        let announcement = announcement(&number.to_string(), &format!("{}:{port}", host(number)));
        calls.spawn(async move { door.register(announcement, local()).await });
    }

    let answers = calls.join_all().await;

    let sequence = controller.snapshots().borrow().sequence;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().is_new));
    assert_eq!(labels(&controller).iter().collect::<BTreeSet<_>>().len(), FLOOD);
    assert!(sequence < 500, "{sequence} snapshots");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_numbered_in_one_order_for_everybody() {
    let heard: Arc<Mutex<Vec<(u64, EventKind)>>> = Arc::default();
    let listener = {
        let heard = Arc::clone(&heard);
        move |event: &Event| heard.lock().unwrap().push((event.sequence, event.kind))
    };
    let settings = ControlSettings {
        events: Some(Box::new(listener)),
        ..ControlSettings::default()
    };
    let controller = open_with(settings).await;
    let mut followed = controller.door().events();
    let mut calls = JoinSet::new();
    for number in 0..200 {
        let door = controller.door();
        calls.spawn(async move {
            let id = number.to_string();
            register(&door, &id, &format!("{}:1", host(number))).await;
            door.deregister(&key(&id), local()).await.unwrap();
        });
    }
    calls.join_all().await;
    controller.stop().await;

    let mut received = Vec::new();
    while let Ok(event) = followed.recv().await {
        received.push((event.sequence, event.kind));
    }
    assert_eq!(received, *heard.lock().unwrap());
    assert!(received.iter().map(|(sequence, _)| *sequence).eq(1..=400));
}

#[tokio::test]
async fn after_the_end_the_door_says_so_and_events_end() {
    let controller = open().await;
    let door = controller.door();
    let mut events = door.events();

    controller.stop().await;

    assert_eq!(door.backends().await.unwrap_err(), Refused::Stopping);
    assert!(events.recv().await.is_err());
    assert!(door.events().recv().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_does_not_keep_up_is_no_reason_to_wait_for_ever() {
    let (calls, _never_read) = Calls::new();
    let mut waiting = JoinSet::new();
    for _ in 0..10_000 {
        let calls = calls.clone();
        waiting.spawn(async move { calls.ask(|_, _| ()).await.err() });
    }
    let before = Instant::now();

    let refused = waiting.join_next().await.unwrap().unwrap();

    assert_eq!(refused, Some(Refused::Overloaded));
    assert_eq!(before.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_waits_for_names_keeps_nobody_else_waiting() {
    let controller = open().await;
    let mut plan = open_plan();
    plan.pools.extend(plan_of(&["silent.test"]).pools);
    let before = Instant::now();

    let reload = controller.apply(plan);
    let others = async {
        register(&controller.door(), "a", "127.0.0.1:1").await;
        before.elapsed()
    };
    let ((), others_took) = tokio::join!(reload, others);

    assert!(others_took < Duration::from_millis(100), "{others_took:?}");
    assert_eq!(before.elapsed(), Duration::from_secs(5));
    assert!(controller.snapshots().borrow().pool("pool").is_some());
    assert_eq!(labels(&controller), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_reload_is_superseded_by_the_next_one() {
    let controller = open().await;
    let mut slow = open_plan();
    slow.pools.extend(plan_of(&["silent.test"]).pools);

    let first = async {
        controller.apply(slow).await;
        controller.snapshots().borrow().pools.len()
    };
    let second = async {
        tokio::task::yield_now().await;
        controller.apply(open_plan()).await;
    };
    let (pools, ()) = tokio::join!(first, second);

    assert_eq!(pools, 1);
}

#[tokio::test]
async fn a_pool_that_may_not_be_joined_any_more_has_no_members() {
    let controller = open().await;
    register(&controller.door(), "a", "127.0.0.1:1").await;
    let mut closed = open_plan();
    closed.pools[0].members = None;

    controller.apply(closed).await;

    assert!(labels(&controller).is_empty());
}
