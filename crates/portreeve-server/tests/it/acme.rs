//! The whole proxy, started with no certificate at all, and a real authority: pebble. Where that is not installed these
//! tests say so and pass, unless `PORTREEVE_MUST_HAVE_PEBBLE=1`.

#[path = "../../../portreeve-acme/tests/acme/authority.rs"]
mod authority;
#[path = "../../../portreeve-acme/tests/acme/pebble.rs"]
mod pebble;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use authority::{Authority, trusting};
use pebble::{Pebble, Wanted, free_ports, is_installed};
use portreeve_testkit::{Client, Origin, PATIENCE, Proxy, Scratch, get};
use tokio::time::timeout;

/// A proxy that redirects from one listener to another, which has `app.test` certified by this challenge.
async fn certified_by(challenge: &str) {
    let origin = Origin::replying(200, "hi").start().await;
    let (folder, authority) = (Scratch::new(), Authority::new());
    let root = folder.write("root.pem", &authority.root);
    let [http, tls] = free_ports();
    let pebble = Pebble::start(folder.path(), &authority, &Wanted::asking(http, tls)).await;
    let toml = format!(
        "[listener.plain]\nbind = \"127.0.0.1:{http}\"\nredirect_to_https = \"web\"\n\
         [listener.web]\nbind = \"127.0.0.1:{tls}\"\n[listener.web.tls]\ndomains = [\"app.test\"]\n\
         [acme]\ndirectory = \"{}\"\nauthorities = \"{}\"\nchallenge = \"{challenge}\"\n\
         [route.app]\npool = \"app\"\n[pool.app]\nbackends = [\"{}\"]\n",
        pebble.directory(),
        root.display(),
        origin.address(),
    );

    let proxy = Proxy::with(&toml).await;

    let trusted = trusting(&pebble.root().await);
    let web = SocketAddr::from((Ipv4Addr::LOCALHOST, tls)).into();
    let mut client = timeout(3 * PATIENCE, async {
        loop {
            match Client::connect_tls(&web, &trusted, "app.test").await {
                Ok(client) => return client,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await
    .expect("the name is certified");
    client.send(get("/")).await;
    assert_eq!(client.response().await.status(), 200);
    let plain = SocketAddr::from((Ipv4Addr::LOCALHOST, http)).into();
    let mut client = Client::connect(&plain).await;
    client.send(get("/a?b=c")).await;
    let answer = client.response().await;
    assert_eq!(answer.status(), 308);
    let place = format!("https://app.test:{tls}/a?b=c");
    assert_eq!(answer.field("location"), Some(place));
    proxy.kill();
    pebble.end();
}

#[tokio::test]
async fn a_listener_that_redirects_proves_by_a_request_that_a_name_is_ours() {
    if is_installed() {
        certified_by("http-01").await;
    }
}

#[tokio::test]
async fn a_listener_without_any_certificate_proves_by_a_handshake_that_a_name_is_ours() {
    if is_installed() {
        certified_by("tls-alpn-01").await;
    }
}
