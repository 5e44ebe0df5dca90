use std::time::Duration;

use portreeve_model::{Ask, EventKind, Lease, Policies, Tried};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;
use crate::testing::{Book, announcement, key, local, open_plan, plan_of, start, wish};
use crate::{Controller, TokenFault};

async fn open() -> Controller {
    start(open_plan(), Arc::default()).await
}

/// Somebody who listens and takes every connection.
async fn server() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

async fn wait_for(door: &Door, id: &str, standing: Standing) {
    let wait = async {
        while door.backend(&key(id)).await.unwrap()[0].standing != standing {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(5), wait)
        .await
        .unwrap_or_else(|_| panic!("{id} never was {}", standing.code()));
}

fn member_labels(snapshot: &Snapshot) -> Vec<String> {
    let pool = snapshot.pool("api").unwrap();
    pool.backends
        .iter()
        .map(|backend| backend.label.to_string())
        .collect()
}

#[tokio::test]
async fn a_registration_is_in_the_snapshot_when_it_is_answered() {
    let controller = open().await;
    let door = controller.door();

    let accepted = door
        .register(announcement("a", "127.0.0.1:1"), local())
        .await
        .unwrap();

    let snapshot = Arc::clone(&controller.snapshots().borrow());
    assert_eq!(member_labels(&snapshot), ["a"]);
    assert!(accepted.is_new && accepted.sequence <= snapshot.sequence);
    assert_eq!(accepted.ttl, Duration::from_secs(10));
    assert!(!accepted.is_stored, "this controller keeps nothing");
}

#[tokio::test]
async fn a_backend_serves_once_it_was_reached() {
    let controller = open().await;
    let (_listener, address) = server().await;
    let door = controller.door();
    let mut events = door.events();

    let accepted = door.register(announcement("a", &address), local()).await.unwrap();
    assert_eq!(accepted.standing, Standing::Unproved);
    wait_for(&door, "a", Standing::Serving).await;

    let kinds = [
        events.recv().await.unwrap().kind,
        events.recv().await.unwrap().kind,
    ];
    assert_eq!(kinds, [EventKind::Registered, EventKind::Up]);
}

#[tokio::test(start_paused = true)]
async fn heartbeats_keep_a_registration_and_silence_ends_it() {
    let controller = open().await;
    let door = controller.door();
    door.register(announcement("a", "127.0.0.1:1"), local())
        .await
        .unwrap();

    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(8)).await;
        let ttl = door.renew(&key("a"), Beat::default(), local()).await.unwrap();
        assert_eq!(ttl, Duration::from_secs(10));
    }
    tokio::time::sleep(Duration::from_secs(11)).await;

    assert!(member_labels(&controller.snapshots().borrow()).is_empty());
    let refused = door.renew(&key("a"), Beat::default(), local()).await.unwrap_err();
    assert_eq!((refused.code(), refused.status()), ("not_registered", 404));
}
