//! What goes wrong, and that nothing is lost by it.

use portreeve_model::plan::AcmeChallenge;

use crate::pebble::{directory, free_ports, is_installed};
use crate::stage::{Stage, until, until_certified};

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_comes_late_is_found() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let [port] = free_ports();
    let acme = stage.start(&stage.plan(directory(port), &["shop.test"]));
    let figures = until(&acme, |figures| figures.failed.iter().sum::<u64>() >= 2).await;
    let fault = figures.names["shop.test"].fault.clone().expect("it is told why");
    assert!(
        fault.contains("cannot be asked") && fault.contains(&port.to_string()),
        "{fault}"
    );

    let pebble = stage.pebble_with(|wanted| wanted.port = Some(port)).await;
    until_certified(&acme, &["shop.test"]).await;

    assert!(stage.shown("shop.test", &pebble.root().await).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_nobody_vouches_for_gets_no_account() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let pebble = stage.pebble().await;
    let mut plan = stage.plan(pebble.directory(), &["shop.test"]);
    plan.acme.as_mut().unwrap().authorities = None;

    let acme = stage.start(&plan);
    let figures = until(&acme, |figures| figures.failed.iter().sum::<u64>() >= 1).await;

    let fault = figures.names["shop.test"].fault.clone().expect("it is told why");
    assert!(fault.contains("UnknownIssuer; name those who vouch"), "{fault}");
    assert_eq!(stage.folder.kept_as("account.json"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_no_authority_is_told_as_such() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let pebble = stage.pebble().await;
    let elsewhere = pebble.directory().replace("/dir", "/nowhere");

    let acme = stage.start(&stage.plan(elsewhere, &["shop.test"]));
    let figures = until(&acme, |figures| figures.failed.iter().sum::<u64>() >= 1).await;

    let fault = figures.names["shop.test"].fault.clone().expect("it is told why");
    assert!(
        fault.ends_with("is this the URL of an ACME directory?"),
        "{fault}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_could_not_be_kept_is_not_opened() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let pebble = stage.pebble().await;
    // As a full disk does, even to root.
    std::fs::write(stage.folder.state(), "a file where a folder should be").unwrap();

    let acme = stage.start(&stage.plan(pebble.directory(), &["shop.test"]));
    let figures = until(&acme, |figures| figures.failed.iter().sum::<u64>() >= 3).await;

    let fault = figures.names["shop.test"].fault.clone().expect("it is told why");
    assert!(
        fault.contains("nothing is ordered that could not be kept"),
        "{fault}"
    );
    let log = std::fs::read_to_string(stage.folder.path("pebble.log")).unwrap();
    assert!(!log.contains("accounts in memory"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_elsewhere_is_told_with_what_the_authority_saw() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let [nobody] = free_ports();
    let pebble = stage.pebble_with(|wanted| wanted.http = nobody).await;
    let mut plan = stage.plan(pebble.directory(), &["shop.test"]);
    plan.acme.as_mut().unwrap().challenge = AcmeChallenge::Http01;

    let acme = stage.start(&plan);
    let figures = until(&acme, |figures| figures.names["shop.test"].failures >= 2).await;

    let fault = figures.names["shop.test"].fault.clone().expect("it is told why");
    assert!(fault.contains("http-01") && fault.contains("refused"), "{fault}");
    assert!(figures.failed[2] >= 2, "unproved: {figures:?}");
    assert_eq!(stage.folder.kept().len(), 1, "the account; no order that failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_forgot_the_account_gives_a_new_one() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let pebble = stage.pebble().await;
    let acme = stage.start(&stage.plan(pebble.directory(), &["a.test"]));
    until_certified(&acme, &["a.test"]).await;
    let before = std::fs::read(stage.folder.kept_as("account.json").unwrap()).unwrap();

    let port = pebble.end();
    let pebble = stage.pebble_with(|wanted| wanted.port = Some(port)).await;
    let next = stage.plan(pebble.directory(), &["a.test", "b.test"]);
    stage.listen(&next);
    acme.follow(&next);
    until_certified(&acme, &["b.test"]).await;

    let after = std::fs::read(stage.folder.kept_as("account.json").unwrap()).unwrap();
    assert_ne!(before, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_rejects_every_third_nonce_is_borne_with() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let env = vec![("PEBBLE_WFE_NONCEREJECT", "33")];
    let pebble = stage.pebble_with(|wanted| wanted.env = env).await;

    let acme = stage.start(&stage.plan(pebble.directory(), &["a.test", "b.test"]));

    until_certified(&acme, &["a.test", "b.test"]).await;
}
