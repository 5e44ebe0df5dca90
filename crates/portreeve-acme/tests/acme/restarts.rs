//! What a restart keeps, and what it takes up again.

use std::fs;
use std::time::Duration;

use crate::pebble::{directory, is_installed};
use crate::stage::{PATIENCE, Stage, until_certified};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_certificates_and_needs_no_authority_for_them() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let pebble = stage.pebble().await;
    let root = pebble.root().await;
    let acme = stage.start(&stage.plan(pebble.directory(), &["shop.test"]));
    until_certified(&acme, &["shop.test"]).await;
    let before = stage.shown("shop.test", &root).await;
    drop(acme);
    let port = pebble.end();

    let again = Stage {
        store: std::sync::Arc::default(),
        ..stage
    };
    let edge = crate::edge::Edge::of(&again.store).await;
    let again = Stage { edge, ..again };
    let acme = again.start(&again.plan(directory(port), &["shop.test"]));

    assert_eq!(again.shown("shop.test", &root).await, before);
    assert_eq!(acme.figures().borrow().received, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_account() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let pebble = stage.pebble().await;
    let acme = stage.start(&stage.plan(pebble.directory(), &["a.test"]));
    until_certified(&acme, &["a.test"]).await;
    let account = || fs::read(stage.folder.kept_as("account.json").unwrap()).unwrap();
    let before = account();
    drop(acme);

    let acme = stage.start(&stage.plan(pebble.directory(), &["a.test", "b.test"]));
    let figures = until_certified(&acme, &["a.test", "b.test"]).await;

    assert_eq!(account(), before);
    assert_eq!(figures.received, 1, "only the new name was ordered");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_cut_off_is_taken_up_again() {
    if !is_installed() {
        return;
    }
    for _ in 0..ATTEMPTS {
        if was_taken_up().await {
            return;
        }
    }
    panic!("no order was taken up again");
}

/// Whether it was. Pebble looks at proofs only after a while, at a moment that it throws dice for, so that there is a middle to
/// be cut off in; if nobody was there just then, the order is void, and a new one is right.
async fn was_taken_up() -> bool {
    let stage = Stage::new().await;
    let env = vec![("PEBBLE_VA_NOSLEEP", "0"), ("PEBBLE_VA_SLEEPTIME", "3")];
    let pebble = stage.pebble_with(|wanted| wanted.env = env).await;
    let plan = stage.plan(pebble.directory(), &["shop.test"]);
    let acme = stage.start(&plan);
    let order = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(path) = stage.folder.kept_as("orders/shop.test.json") {
                return path;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("an order is kept before it is proved");
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(&order).unwrap()).unwrap();
    drop(acme);

    let acme = stage.start(&plan);
    let figures = until_certified(&acme, &["shop.test"]).await;
    assert_eq!(figures.failed.iter().sum::<u64>(), 0, "{figures:?}");

    let certificate = fs::read_to_string(stage.folder.kept_as("shop.test.pem").unwrap()).unwrap();
    assert!(!order.exists());
    certificate.starts_with(kept["key"].as_str().unwrap())
}

const ATTEMPTS: usize = 5;
