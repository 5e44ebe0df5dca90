//! Who scales, of several proxies that use one engine.

use std::time::Duration;

use portreeve_docker::DockerDriver;
use portreeve_driver::{Driver, Leadership};

use crate::bench::Bench;

async fn ask(driver: &DockerDriver, owner: &str) -> Leadership {
    driver.lead(owner).await.expect("it answers")
}

fn theirs(owner: &str) -> Leadership {
    Leadership::Theirs(owner.to_owned())
}

/// As if so much time went by: nothing else waits for it here.
async fn later(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

pub(crate) async fn one_of_two_leads_until_it_resigns(bench: &Bench) {
    let a = bench.driver_of("a", "lead", bench.plan());
    let b = bench.driver_of("b", "lead", bench.plan());
    assert_eq!(ask(&a, "a").await, Leadership::Ours);
    assert_eq!(ask(&b, "b").await, theirs("a"));
    assert_eq!(ask(&a, "a").await, Leadership::Ours);
    assert_eq!(a.list().await.expect("it answers"), [], "a lease is no instance");
    b.resign("b").await;
    assert_eq!(ask(&b, "b").await, theirs("a"), "only the holder can give it up");
    a.resign("a").await;
    assert_eq!(ask(&b, "b").await, Leadership::Ours);
    assert_eq!(ask(&a, "a").await, theirs("b"));
    b.resign("b").await;
}

pub(crate) async fn who_does_not_renew_is_followed(bench: &Bench) {
    let a = bench.driver_of("a", "follow", bench.plan());
    let b = bench.driver_of("b", "follow", bench.plan());
    assert_eq!(ask(&a, "a").await, Leadership::Ours);
    assert_eq!(ask(&b, "b").await, theirs("a"));
    later(Duration::from_secs(15)).await;
    assert_eq!(ask(&a, "a").await, Leadership::Ours, "it renews in time");
    later(Duration::from_secs(16)).await;
    assert_eq!(ask(&b, "b").await, theirs("a"), "it was renewed meanwhile");
    later(Duration::from_secs(31)).await;
    assert_eq!(ask(&b, "b").await, Leadership::Ours, "nothing for 31 seconds");
    assert_eq!(ask(&a, "a").await, theirs("b"), "what it held is gone");

    later(Duration::from_secs(25)).await;
    assert_eq!(
        ask(&b, "b").await,
        Leadership::Ours,
        "late, but nobody was quicker"
    );
    assert_eq!(ask(&a, "a").await, theirs("b"));
    b.resign("b").await;
}

pub(crate) async fn a_restarted_proxy_leads_at_once(bench: &Bench) {
    let before = bench.driver_of("a", "again", bench.plan());
    assert_eq!(ask(&before, "a, process 1").await, Leadership::Ours);
    let twin = bench.driver_of("a", "again", bench.plan());
    assert_eq!(
        ask(&twin, "a, process 2").await,
        theirs("a, process 1"),
        "while the other lives"
    );
    drop(before);
    assert_eq!(ask(&twin, "a, process 2").await, Leadership::Ours);
    twin.resign("a, process 2").await;
}
