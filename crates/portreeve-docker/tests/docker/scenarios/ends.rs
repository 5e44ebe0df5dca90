//! From SIGTERM, or less, to nothing.

use std::sync::Arc;

use portreeve_driver::{Driver, FoundState, Stop};
use portreeve_model::plan::DockerPlan;

use crate::bench::{Bench, address, end_of, found, get, order, serving};

fn command(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(crate) async fn who_is_asked_ends_in_its_own_way_and_leaves_nothing(bench: &Bench) {
    let driver = bench.driver("ask", bench.plan());
    let found = serving(&driver, "ask", "ask-1").await;
    let watching = tokio::spawn({
        let (driver, found) = (Arc::clone(&driver), found.clone());
        async move { end_of(&driver, &found).await }
    });
    get(address(&found), "/say/goodbye").await;
    let line = bench.log.line_with(&["portreeve::instance", "goodbye"]).await;
    assert!(line.contains("ask-1") && line.contains("stdout"), "{line}");
    bench
        .log
        .line_with(&["portreeve::instance", "ask-1", "serving at 8000"])
        .await;

    driver.stop(&found, Stop::Ask).await.expect("it is told");
    let ended = watching.await.expect("no panic");
    assert_eq!(ended.how, "exited with 7");
    assert_eq!(ended.last_words, "serving at 8000\nhello\ngoodbye");
    assert_eq!(bench.containers().await, [] as [String; 0]);
    driver
        .stop(&found, Stop::Ask)
        .await
        .expect("that it is over is no fault");
    assert_eq!(driver.ended(&found).await.how, "removed by somebody else");
}

pub(crate) async fn who_does_not_listen_is_killed(bench: &Bench) {
    let plan = DockerPlan {
        command: command(&["/app", "deaf"]),
        ..bench.plan()
    };
    let driver = bench.driver("deaf", plan);
    let found = serving(&driver, "deaf", "deaf-1").await;
    driver.stop(&found, Stop::Ask).await.expect("it is told");
    assert_eq!(get(address(&found), "/say/still-here").await, "still-here");
    let listed = driver.list().await.expect("it answers");
    assert_eq!(listed[0].state, FoundState::Ending);
    driver.stop(&found, Stop::Kill).await.expect("it is told");
    assert_eq!(end_of(&driver, &found).await.how, "killed by signal 9");
    assert_eq!(driver.list().await.expect("it answers"), []);
}

pub(crate) async fn who_dies_at_once_leaves_its_last_words(bench: &Bench) {
    let plan = DockerPlan {
        command: command(&["/app", "die", "3"]),
        ..bench.plan()
    };
    let driver = bench.driver("die", plan);
    let started = driver.start(&order("die", "die-1")).await.expect("it was begun");
    let ended = end_of(&driver, &found("die-1", &started)).await;
    assert_eq!(
        (ended.how.as_str(), ended.last_words.as_str()),
        ("exited with 3", "cannot go on: 3")
    );
    assert_eq!(bench.containers().await, [] as [String; 0]);
}

pub(crate) async fn who_uses_too_much_memory_is_told_so(bench: &Bench) {
    let plan = DockerPlan {
        memory_bytes: Some(16 << 20),
        ..bench.plan()
    };
    let driver = bench.driver("eat", plan);
    let found = serving(&driver, "eat", "eat-1").await;
    get(address(&found), "/eat").await;
    assert_eq!(end_of(&driver, &found).await.how, "out of memory");
}

pub(crate) async fn who_is_paused_can_be_ended(bench: &Bench) {
    let driver = bench.driver("pause", bench.plan());
    let found = serving(&driver, "pause", "pause-1").await;
    bench.docker.pause_container("pause-1").await.expect("it runs");
    assert_eq!(
        driver.list().await.expect("it answers")[0].state,
        FoundState::Running
    );
    driver.stop(&found, Stop::Ask).await.expect("it is told");
    assert_eq!(end_of(&driver, &found).await.how, "exited with 7");
}
