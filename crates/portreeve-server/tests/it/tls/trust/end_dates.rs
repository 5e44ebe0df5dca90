//! A certificate of a client counts until its end date, whatever stands on it.

use std::sync::Arc;
use std::time::Duration;

use portreeve_testkit::{Client, Leaf, Order, Origin, get};
use rustls::client::Resumption;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, SupportedProtocolVersion};

use super::{Asking, until};
use crate::http2::peer::Peer;

const LIFE: Duration = Duration::from_secs(3);

fn order() -> Order {
    Order::client(&["brief.test"]).lasting(LIFE)
}

/// Speaks this version alone, and remembers sessions.
fn speaking(world: &Asking, leaf: &Leaf, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    let like = world.servers.client_config(&[], None);
    let mut trusted = rustls::RootCertStore::empty();
    let pem = world.servers.pem();
    let own = rustls::pki_types::pem::PemObject::from_pem_slice(pem.as_bytes());
    trusted.add(own.unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::clone(like.crypto_provider()));
    let builder = builder.with_protocol_versions(&[version]).unwrap();
    let mut config = builder
        .with_root_certificates(trusted)
        .with_client_auth_cert(vec![leaf.certificate()], leaf.key())
        .unwrap();
    config.resumption = Resumption::in_memory_sessions(8);
    Arc::new(config)
}

#[tokio::test]
async fn connections_end_with_the_certificate_that_they_stand_on() {
    let origin = Origin::replying(200, "hi").start().await;
    let world = Asking::before(&origin).await;
    let (brief, lasting) = (
        world.clients.issue(&order()),
        world.clients.client(&["lasting.test"]),
    );
    let address = world.proxy.address();
    let mut ending = Client::connect_tls(&address, &world.showing(&brief), "app.test")
        .await
        .unwrap();
    let mut staying = Client::connect_tls(&address, &world.showing(&lasting), "app.test")
        .await
        .unwrap();
    let mut peer = Peer::within_tls(&world.proxy, &world.servers.client_config(&["h2"], Some(&brief))).await;
    for client in [&mut ending, &mut staying] {
        client.send(get("/")).await;
        assert_eq!(client.response().await.status(), 200);
    }
    assert_eq!(peer.get("/").await.status(), 200);
    ending.expect_closed().await;
    peer.ended().await.expect("it is told to go, and nothing else");
    staying.send(get("/")).await;
    assert_eq!(staying.response().await.status(), 200);
    assert!((world.count("tls_trust_changed").await - 2.0).abs() < 0.5);
}

#[tokio::test]
async fn a_session_is_not_resumed_beyond_the_certificate_that_it_stands_on() {
    let origin = Origin::replying(200, "hi").start().await;
    let world = Asking::before(&origin).await;
    let address = world.proxy.address();
    let brief = world.clients.issue(&order());
    let configs = [&TLS12, &TLS13].map(|version| speaking(&world, &brief, version));
    let mut last = Vec::new();
    for config in &configs {
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut client = Client::connect_tls(&address, config, "app.test").await.unwrap();
            client.send(get("/")).await;
            assert_eq!(client.response().await.status(), 200);
            assert_eq!(client.session().handshake_kind(), Some(kind));
            last.push(client);
        }
    }
    for client in &mut last {
        client.expect_closed().await;
    }
    let resumed = world.count("tls_resumed").await;
    for config in &configs {
        if let Ok(mut client) = Client::connect_tls(&address, config, "app.test").await {
            assert_eq!(client.session().handshake_kind(), Some(HandshakeKind::Full));
            let _ = client.try_send(get("/")).await;
            client.try_response().await.expect_err("its certificate is over");
        }
    }
    until("both are refused for their certificates", async || {
        world.count("tls_certificate_refused").await > 1.5
    })
    .await;
    assert!((world.count("tls_resumed").await - resumed).abs() < 0.5);
    assert_eq!(origin.requests().await.len(), 4);
}
