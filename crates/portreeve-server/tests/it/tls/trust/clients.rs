//! Connections of clients end when what they have shown does not count any more.

use portreeve_testkit::{Client, Gate, Origin, Script, get};

use super::{Asking, asking, until};
use crate::http2::peer::{Peer, request, whole};

async fn origin() -> Origin {
    Origin::replying(200, "hi").start().await
}

async fn asked(client: &mut Client) -> u16 {
    client.send(get("/")).await;
    client.response().await.status()
}

#[tokio::test]
async fn a_new_list_of_revoked_ends_what_is_open_and_refuses_whom_it_names() {
    let origin = origin().await;
    let world = Asking::before(&origin).await;
    let (good, bad) = (
        world.clients.client(&["good.test"]),
        world.clients.client(&["bad.test"]),
    );
    let (good_config, bad_config) = (world.showing(&good), world.showing(&bad));
    let address = world.proxy.address();
    let mut kept = Client::connect_tls(&address, &good_config, "app.test")
        .await
        .unwrap();
    let mut revoked = Client::connect_tls(&address, &bad_config, "app.test")
        .await
        .unwrap();
    let by_http2 = world.servers.client_config(&["h2"], Some(&bad));
    let mut peer = Peer::within_tls(&world.proxy, &by_http2).await;
    assert_eq!((asked(&mut kept).await, asked(&mut revoked).await), (200, 200));
    assert_eq!(peer.get("/").await.status(), 200);
    world.revoke(&[&bad]);
    kept.expect_closed().await;
    revoked.expect_closed().await;
    peer.ended().await.expect("it is told to go, and nothing else");
    assert!((world.count("tls_trust_changed").await - 3.0).abs() < 0.5);
    let resumed = world.count("tls_resumed").await;
    let mut again = Client::connect_tls(&address, &good_config, "app.test")
        .await
        .unwrap();
    assert_eq!(asked(&mut again).await, 200);
    assert!(
        (world.count("tls_resumed").await - resumed).abs() < 0.5,
        "its ticket is void"
    );
    if let Ok(mut refused) = Client::connect_tls(&address, &bad_config, "app.test").await {
        let _ = refused.try_send(get("/")).await;
        refused.try_response().await.expect_err("it is revoked");
    }
    until("the refusal is counted", async || {
        world.count("tls_certificate_refused").await > 0.5
    })
    .await;
    assert_eq!(origin.requests().await.len(), 4);
}

#[tokio::test]
async fn running_requests_are_answered_and_the_last_on_their_connections() {
    let gate = Gate::new();
    let script = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        .wait(&gate)
        .send("3\r\ntwo\r\n0\r\n\r\n")
        .until_peer_leaves();
    let origin = Origin::scripted(script).start().await;
    let world = Asking::before(&origin).await;
    let leaf = world.clients.client(&["client.test"]);
    let address = world.proxy.address();
    let mut client = Client::connect_tls(&address, &world.showing(&leaf), "app.test")
        .await
        .unwrap();
    let mut idle = Client::connect_tls(&address, &world.showing(&leaf), "app.test")
        .await
        .unwrap();
    let mut peer = Peer::within_tls(&world.proxy, &world.servers.client_config(&["h2"], Some(&leaf))).await;
    client.send(get("/")).await;
    client.read_through(b"one\r\n").await;
    let (response, _) = peer.begin(request("GET", "/"), true).await;
    origin.until_requests(2).await;
    world.revoke(&[&leaf]);
    idle.expect_closed().await;
    gate.open();
    client.read_through(b"two\r\n0\r\n\r\n").await;
    client.expect_closed().await;
    assert_eq!(whole(response).await.unwrap().body, "onetwo");
    peer.ended().await.expect("it is told to go, and nothing else");
}

#[tokio::test]
async fn an_answer_that_begins_later_says_that_the_connection_ends() {
    let gate = Gate::new();
    let script = Script::new()
        .read_request()
        .wait(&gate)
        .send(portreeve_testkit::answer("200 OK", "late"))
        .until_peer_leaves();
    let origin = Origin::scripted(script).start().await;
    let world = Asking::before(&origin).await;
    let leaf = world.clients.client(&["client.test"]);
    let address = world.proxy.address();
    let mut client = Client::connect_tls(&address, &world.showing(&leaf), "app.test")
        .await
        .unwrap();
    let mut idle = Client::connect_tls(&address, &world.showing(&leaf), "app.test")
        .await
        .unwrap();
    client.send(get("/")).await;
    origin.until_requests(1).await;
    world.revoke(&[&leaf]);
    idle.expect_closed().await;
    gate.open();
    let answer = client.response().await;
    assert_eq!(
        (answer.status(), answer.field("connection")),
        (200, Some("close".to_owned()))
    );
}

#[tokio::test]
async fn a_renewed_certificate_of_our_own_ends_nothing() {
    let origin = origin().await;
    let world = Asking::before(&origin).await;
    let leaf = world.clients.client(&["client.test"]);
    let config = world.showing(&leaf);
    let address = world.proxy.address();
    let mut kept = Client::connect_tls(&address, &config, "app.test").await.unwrap();
    let mut peer = Peer::within_tls(&world.proxy, &world.servers.client_config(&["h2"], Some(&leaf))).await;
    assert_eq!(asked(&mut kept).await, 200);
    assert_eq!(peer.get("/").await.status(), 200);
    let fresh = world.servers.server(&["app.test"]);
    fresh.write(&world.files, "app");
    until("the new one is shown", async || {
        let whole = world.showing(&leaf);
        let Ok(client) = Client::connect_tls(&address, &whole, "app.test").await else {
            return false;
        };
        let shown = client.session().peer_certificates().unwrap()[0].clone();
        shown == fresh.certificate()
    })
    .await;
    assert_eq!(asked(&mut kept).await, 200);
    assert_eq!(peer.get("/").await.status(), 200);
    assert!(world.count("tls_trust_changed").await < 0.5);
}

#[tokio::test]
async fn a_reload_ends_them_where_it_changes_what_clients_have_to_show_and_only_there() {
    let origin = origin().await;
    let mut world = Asking::requiring(&origin, false).await;
    let address = world.proxy.address();
    let nothing = world.servers.client_config(&[], None);
    let mut client = Client::connect_tls(&address, &nothing, "app.test").await.unwrap();
    assert_eq!(asked(&mut client).await, 200);
    let another_field = format!("{}header = \"x-whose\"\n", asking(&world.files, false));
    world.reload(&another_field).await;
    assert_eq!(
        asked(&mut client).await,
        200,
        "how backends are told changes nothing"
    );
    let required = asking(&world.files, true);
    world.reload(&required).await;
    client.expect_closed().await;
}

#[tokio::test]
async fn a_connection_without_tls_does_not_outlive_the_listener_that_was_so() {
    let origin = origin().await;
    let mut world = Asking::before(&origin).await;
    let backend = world.backend.clone();
    let plain = format!(
        "[listener.web]\nbind = \"127.0.0.1:0\"\n[route.app]\npool = \"app\"\n[pool.app]\nbackends = [\"{backend}\"]\n"
    );
    world.proxy.reload(&plain).await.unwrap();
    let mut client = world.proxy.connect().await;
    assert_eq!(asked(&mut client).await, 200);
    let required = asking(&world.files, true);
    world.reload(&required).await;
    client.expect_closed().await;
    assert_eq!(origin.requests().await.len(), 1);
}
