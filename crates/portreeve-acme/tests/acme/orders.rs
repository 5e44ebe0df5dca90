//! First orders.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use portreeve_model::plan::AcmeChallenge;
use serde_json::json;

use crate::pebble::is_installed;
use crate::stage::{Stage, until, until_certified};

async fn a_first_order_by(challenge: AcmeChallenge) {
    let stage = Stage::new().await;
    let pebble = stage.pebble().await;
    let mut plan = stage.plan(pebble.directory(), &["shop.test"]);
    plan.acme.as_mut().unwrap().challenge = challenge;
    assert!(stage.shown("shop.test", &pebble.root().await).await.is_none());

    let acme = stage.start(&plan);
    let figures = until_certified(&acme, &["shop.test"]).await;

    let certificate = stage.shown("shop.test", &pebble.root().await).await;
    let names = portreeve_tls::shown_by(&certificate.expect("the certificate is in use")).names;
    assert_eq!(
        names.iter().map(|name| &**name).collect::<Vec<_>>(),
        ["DNS:shop.test"]
    );
    assert_eq!((figures.received, figures.failed.iter().sum::<u64>()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_certified_by_a_request() {
    if is_installed() {
        a_first_order_by(AcmeChallenge::Http01).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_certified_by_a_handshake() {
    if is_installed() {
        a_first_order_by(AcmeChallenge::TlsAlpn01).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_handshake_comes_through_a_request_proves() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let [nobody] = crate::pebble::free_ports();
    let pebble = stage.pebble_with(|wanted| wanted.tls = nobody).await;

    let acme = stage.start(&stage.plan(pebble.directory(), &["shop.test"]));
    let figures = until_certified(&acme, &["shop.test"]).await;

    assert_eq!((figures.received, figures.failed.iter().sum::<u64>()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_names_has_a_certificate_of_its_own_and_one_that_is_refused_harms_no_other() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let more = json!({ "domainBlocklist": ["refused.test"] });
    let pebble = stage.pebble_with(|wanted| wanted.more = more).await;
    let good = ["a.test", "b.test", "c.test", "d.test", "e.test", "f.test"];
    let all = [&good[..], &["refused.test"]].concat();

    let acme = stage.start(&stage.plan(pebble.directory(), &all));
    until_certified(&acme, &good).await;
    let figures = until(&acme, |figures| figures.names["refused.test"].failures >= 2).await;

    let root = pebble.root().await;
    for name in good {
        let certificate = stage.shown(name, &root).await.expect("it is in use");
        let names = portreeve_tls::shown_by(&certificate).names;
        assert_eq!(
            names.iter().map(|one| one.to_string()).collect::<Vec<_>>(),
            [format!("DNS:{name}")]
        );
    }
    let refused = &figures.names["refused.test"];
    assert!(refused.fault.as_ref().unwrap().contains("refused"), "{refused:?}");
    assert!(stage.shown("refused.test", &root).await.is_none());
    assert_eq!(figures.received, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_may_read_what_is_kept() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let pebble = stage.pebble().await;

    let acme = stage.start(&stage.plan(pebble.directory(), &["shop.test"]));
    until_certified(&acme, &["shop.test"]).await;

    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let kept = stage.folder.kept();
    let names: Vec<_> = kept
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(names, ["account.json", "shop.test.pem"], "no order is left");
    for path in &kept {
        assert_eq!(mode(path), 0o600, "{}", path.display());
        assert_eq!(mode(path.parent().unwrap()), 0o700, "{}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_a_reload_brings_is_certified_and_one_that_it_takes_is_forgotten() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let pebble = stage.pebble().await;
    let acme = stage.start(&stage.plan(pebble.directory(), &["a.test"]));
    until_certified(&acme, &["a.test"]).await;

    let next = stage.plan(pebble.directory(), &["b.test"]);
    stage.listen(&next);
    acme.follow(&next);
    let figures = until_certified(&acme, &["b.test"]).await;

    let root = pebble.root().await;
    assert!(stage.shown("b.test", &root).await.is_some());
    assert!(stage.shown("a.test", &root).await.is_none());
    assert!(!figures.names.contains_key("a.test"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_bound_to_another_where_the_authority_asks_for_it() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let more = json!({ "externalAccountBindingRequired": true, "externalAccountMACKeys": { "kid-1": key } });
    let pebble = stage.pebble_with(|wanted| wanted.more = more).await;
    let file = stage.folder.path("eab.key");
    fs::write(&file, format!("{key}\n")).unwrap();
    let mut plan = stage.plan(pebble.directory(), &["shop.test"]);
    plan.acme.as_mut().unwrap().external_account = Some(("kid-1".to_owned(), file));

    let acme = stage.start(&plan);

    until_certified(&acme, &["shop.test"]).await;
}
