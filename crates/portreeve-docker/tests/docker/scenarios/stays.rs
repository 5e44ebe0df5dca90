//! What outlives a proxy, or an engine.

use std::sync::Arc;
use std::time::Duration;

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{CreateContainerOptionsBuilder, KillContainerOptions};
use portreeve_driver::{Driver, FoundState, Stop};
use portreeve_model::plan::DockerPlan;
use tokio::time::timeout;

use crate::bench::{Bench, address, end_of, get, order, serving};

pub(crate) async fn a_restarted_proxy_adopts_what_runs(bench: &Bench) {
    let before = bench.driver("adopt", bench.plan());
    let left = serving(&before, "adopt", "adopt-1").await;
    drop(before);

    let other_pool = bench.driver("adopt-not", bench.plan());
    assert_eq!(other_pool.list().await.expect("it answers"), []);
    let after = bench.driver("adopt", bench.plan());
    let listed = after.list().await.expect("it answers");
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].id, &listed[0].handle), (&left.id, &left.handle));
    assert_eq!(listed[0].address, left.address);

    let watching = tokio::spawn({
        let (driver, found) = (Arc::clone(&after), listed[0].clone());
        async move { end_of(&driver, &found).await }
    });
    // What was written before belongs to the log of the proxy before.
    let heard = async {
        loop {
            get(address(&left), "/say/adopted").await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        line = bench.log.line_with(&["portreeve::instance", "adopted"]) => assert!(line.contains("adopt-1"), "{line}"),
        () = heard => {}
    }
    after.stop(&left, Stop::Ask).await.expect("it is told");
    assert_eq!(watching.await.expect("no panic").how, "exited with 7");
}

pub(crate) async fn one_that_never_ran_is_starting_and_can_be_ended(bench: &Bench) {
    let driver = bench.driver("never", bench.plan());
    let labels = [
        ("portreeve.pool", "never"),
        ("portreeve.fleet", "default"),
        ("portreeve.id", "never-1"),
    ];
    let body = ContainerCreateBody {
        image: Some("app:1".to_owned()),
        labels: Some(
            labels
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
        ),
        ..ContainerCreateBody::default()
    };
    let options = CreateContainerOptionsBuilder::new().name("never-1").build();
    bench
        .docker
        .create_container(Some(options), body)
        .await
        .expect("as a proxy that died in between");
    let listed = driver.list().await.expect("it answers");
    assert_eq!((listed[0].state, listed[0].address), (FoundState::Starting, None));
    driver.stop(&listed[0], Stop::Ask).await.expect("it is removed");
    assert_eq!(end_of(&driver, &listed[0]).await.how, "removed by somebody else");
    assert_eq!(bench.containers().await, [] as [String; 0]);
}

pub(crate) async fn what_ended_meanwhile_is_tidied_up_and_told(bench: &Bench) {
    let plan = DockerPlan {
        command: vec!["/app".to_owned(), "die".to_owned(), "4".to_owned()],
        ..bench.plan()
    };
    let driver = bench.driver("tidy", plan);
    let started = driver
        .start(&order("tidy", "tidy-1"))
        .await
        .expect("it was begun");
    let tidied = async {
        while !bench.containers().await.is_empty() {
            assert!(driver.list().await.expect("it answers").len() <= 1);
        }
    };
    timeout(Duration::from_secs(10), tidied)
        .await
        .expect("a list removes what is over");
    let ended = end_of(&driver, &crate::bench::found("tidy-1", &started)).await;
    assert_eq!(
        (ended.how.as_str(), ended.last_words.as_str()),
        ("exited with 4", "cannot go on: 4")
    );
}

pub(crate) async fn instances_outlive_an_engine_that_is_killed(bench: &Bench) {
    let driver = bench.driver("outlive", bench.plan());
    let found = serving(&driver, "outlive", "outlive-1").await;
    let watching = tokio::spawn({
        let (driver, found) = (Arc::clone(&driver), found.clone());
        async move { timeout(Duration::from_secs(30), driver.ended(&found)).await }
    });
    bench.log.line_with(&["portreeve::instance", "outlive-1"]).await; // it is watched
    bench.dockerd.lock().expect("no panic").kill();

    let fault = driver.list().await.expect_err("nobody is there");
    assert_eq!(fault.code(), "unreachable");
    assert!(
        fault.to_string().contains("docker.sock") && fault.to_string().contains("is it running"),
        "{fault}"
    );
    assert_eq!(
        driver.usage(std::slice::from_ref(&found)).await,
        [portreeve_driver::Usage::default()]
    );
    assert_eq!(get(address(&found), "/say/alive").await, "alive");
    assert!(!watching.is_finished(), "an engine's end is not an instance's");

    bench.dockerd.lock().expect("no panic").start_again();
    let listed = driver.list().await.expect("it is back");
    assert_eq!(
        (&listed[0].handle, listed[0].address),
        (&found.handle, found.address)
    );
    get(address(&found), "/say/after-the-engine").await;
    bench
        .log
        .line_with(&["portreeve::instance", "outlive-1", "after-the-engine"])
        .await;
    bench
        .docker
        .kill_container("outlive-1", None::<KillContainerOptions>)
        .await
        .expect("it runs");
    let ended = watching
        .await
        .expect("no panic")
        .expect("it is told though the engine was away");
    assert_eq!(ended.how, "killed by signal 9");
}
