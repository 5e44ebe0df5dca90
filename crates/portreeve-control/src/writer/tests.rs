//! Names and plans; what the door does is tested there.

use std::sync::Arc;
use std::time::Duration;

use portreeve_model::Snapshot;
use tokio::time::Instant;

use crate::naming::FIRST_ANSWERS_WAIT;
use crate::testing::{Book, plan_of, start};

fn labels(snapshot: &Snapshot) -> Vec<String> {
    let backends = snapshot.pools.iter().flat_map(|pool| &pool.backends);
    backends.map(|backend| backend.label.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_first_snapshot_knows_the_names() {
    let book = Book::with("a.test", &["10.0.0.1", "10.0.0.2"]);

    let controller = start(plan_of(&["a.test"]), book).await;

    let snapshot = Arc::clone(&controller.snapshots().borrow());
    assert_eq!(snapshot.sequence, 1);
    assert_eq!(labels(&snapshot), ["10.0.0.1:80", "10.0.0.2:80"]);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_does_not_answer_delays_the_start_but_not_for_ever() {
    let book = Book::with("a.test", &["10.0.0.1"]);
    let before = Instant::now();

    let controller = start(plan_of(&["silent.test", "a.test"]), book).await;

    assert_eq!(before.elapsed(), FIRST_ANSWERS_WAIT);
    assert_eq!(labels(&controller.snapshots().borrow()), ["a.test:80"]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_answer_is_published_and_an_equal_one_is_not() {
    let book = Book::with("a.test", &["10.0.0.1"]);
    let controller = start(plan_of(&["a.test"]), book.clone()).await;
    let mut view = controller.snapshots();
    let first = Arc::clone(&view.borrow_and_update());

    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!view.has_changed().unwrap());
    book.write("a.test", &["10.0.0.1", "10.0.0.7"]);
    view.changed().await.unwrap();

    let second = Arc::clone(&view.borrow_and_update());
    assert_eq!(second.sequence, first.sequence + 1);
    assert_eq!(labels(&second), ["10.0.0.1:80", "10.0.0.7:80"]);
}

#[tokio::test(start_paused = true)]
async fn an_applied_plan_is_published_when_apply_returns() {
    let book = Book::with("a.test", &["10.0.0.1"]);
    book.write("b.test", &["10.0.0.2"]);
    let controller = start(plan_of(&["a.test"]), book).await;

    controller.apply(plan_of(&["b.test"])).await;

    assert_eq!(labels(&controller.snapshots().borrow()), ["b.test:80"]);
}

#[tokio::test(start_paused = true)]
async fn known_names_keep_their_meaning_over_a_reload() {
    let book = Book::with("a.test", &["10.0.0.1"]);
    let controller = start(plan_of(&["a.test"]), book.clone()).await;
    book.clear();
    let before = Instant::now();

    controller.apply(plan_of(&["a.test"])).await;

    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(labels(&controller.snapshots().borrow()), ["a.test:80"]);
}

#[tokio::test]
async fn stop_ends_the_task() {
    let controller = start(plan_of(&[]), Arc::new(Book::default())).await;
    let mut view = controller.snapshots();

    controller.stop().await;

    assert!(view.changed().await.is_err());
}
