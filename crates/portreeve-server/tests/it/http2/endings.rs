//! How a connection ends: with GOAWAY, and nothing that was begun is lost.

use portreeve_testkit::{Gate, Origin, Proxy, Script, answer};

use super::peer::{Peer, request, whole};
use super::raw::Raw;

#[tokio::test]
async fn a_drain_lets_running_streams_finish() {
    let gate = Gate::new();
    let origin = Origin::scripted(
        Script::new()
            .read_request()
            .wait(&gate)
            .send(answer("200 OK", "late")),
    );
    let origin = origin.start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .top("drain_timeout = \"8s\"")
        .start()
        .await;
    let mut peer = Peer::connect(&proxy).await;
    let (response, _) = peer.begin(request("GET", "/"), true).await;
    origin.until_requests(1).await;
    let finish = async move {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        gate.open();
        assert_eq!(whole(response).await.unwrap().body, "late");
        peer.ended().await.unwrap();
    };
    let (cut, ()) = tokio::join!(proxy.drain(), finish);
    assert_eq!(cut, 0);
}

#[tokio::test]
async fn a_drain_ends_idle_connections_with_goaway() {
    let origin = Origin::replying(200, "hello").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .top("drain_timeout = \"20s\"")
        .start()
        .await;
    let mut raw = Raw::connect(&proxy).await;
    raw.still_serves(1).await;
    let began = std::time::Instant::now();
    let goaway = async { assert_eq!(raw.goaway().await, 0) };
    let (cut, ()) = tokio::join!(proxy.drain(), goaway);
    assert_eq!(cut, 0);
    assert!(began.elapsed() < std::time::Duration::from_secs(5));
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_time() {
    let origin = Origin::replying(200, "hello").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .listener("http2 = { idle_timeout = \"200ms\" }")
        .start()
        .await;
    let mut raw = Raw::connect(&proxy).await;
    raw.still_serves(1).await;
    assert_eq!(raw.goaway_and_close().await, 0);
}

#[tokio::test]
async fn a_preface_that_does_not_come_is_not_waited_for() {
    let origin = Origin::replying(200, "hello").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("head_timeout = \"200ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(&super::raw::PREFACE[..20]).await;
    client.read_to_end().await;
}

#[tokio::test]
async fn after_so_many_requests_the_client_is_sent_away_and_loses_none() {
    let origin = Origin::replying(200, "hello").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("requests_per_connection_max = 3")
        .start()
        .await;
    let mut peer = Peer::connect(&proxy).await;
    for _ in 0..3 {
        assert_eq!(peer.get("/").await.status(), 200);
    }
    peer.ended().await.unwrap();
}
