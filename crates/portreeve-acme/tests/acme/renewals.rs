//! The next certificate.

use std::time::SystemTime;

use serde_json::json;

use crate::pebble::is_installed;
use crate::stage::{Stage, until, until_certified};

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_before_it_ends_and_the_new_one_is_shown() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let more = json!({ "certificateValidityPeriod": 60 });
    let pebble = stage.pebble_with(|wanted| wanted.more = more).await;
    let mut plan = stage.plan(pebble.directory(), &["shop.test"]);
    plan.acme.as_mut().unwrap().renew_at = 90;
    let root = pebble.root().await;
    let acme = stage.start(&plan);
    until_certified(&acme, &["shop.test"]).await;
    let first = stage.shown("shop.test", &root).await.expect("it is in use");

    let figures = until(&acme, |figures| figures.received >= 2).await;

    let second = stage.shown("shop.test", &root).await.expect("it is in use");
    assert_ne!(first, second);
    let name = &figures.names["shop.test"];
    assert!(
        name.next > SystemTime::now() && name.next < name.not_after.unwrap(),
        "{name:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_fails_leaves_the_certificate_in_use() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let more = json!({ "certificateValidityPeriod": 60 });
    let pebble = stage.pebble_with(|wanted| wanted.more = more).await;
    let mut plan = stage.plan(pebble.directory(), &["shop.test"]);
    plan.acme.as_mut().unwrap().renew_at = 90;
    let root = pebble.root().await;
    let acme = stage.start(&plan);
    until_certified(&acme, &["shop.test"]).await;
    let first = stage.shown("shop.test", &root).await;

    drop(pebble);
    let figures = until(&acme, |figures| figures.failed.iter().sum::<u64>() >= 2).await;

    assert_eq!(stage.shown("shop.test", &root).await, first);
    assert!(figures.names["shop.test"].not_after.is_some());
    assert!(figures.names["shop.test"].fault.is_some());
}
