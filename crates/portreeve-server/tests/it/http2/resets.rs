//! A stream that ends before its time: whoever is at the other side notices, the connection goes on.

use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use portreeve_testkit::{Ended, Gate, Origin, Proxy, Script, answer};

use super::peer::{Peer, request, whole};

#[tokio::test]
async fn a_client_that_resets_its_request_frees_the_backend() {
    let origin = Origin::scripted(Script::new().read_request().until_peer_leaves())
        .start()
        .await;
    let proxy = Proxy::before("app.test", &[&origin])
        .recording("json")
        .start()
        .await;
    let mut peer = Peer::connect(&proxy).await;
    let (response, mut stream) = peer.begin(request("GET", "/"), true).await;
    origin.until_requests(1).await;
    stream.send_reset(Reason::CANCEL);
    assert!(whole(response).await.is_err());
    let record = &proxy.records(1).await[0];
    assert!(record.contains("\"cause\":\"client_left\""), "{record}");
}

#[tokio::test]
async fn a_client_that_resets_its_answer_frees_the_backend() {
    let origin = Origin::scripted(
        Script::new()
            .read_request()
            .send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            .until_peer_leaves(),
    );
    let origin = origin.start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .recording("json")
        .start()
        .await;
    let mut peer = Peer::connect(&proxy).await;
    let (response, mut stream) = peer.begin(request("GET", "/"), true).await;
    let mut body = response.await.unwrap().into_body();
    assert_eq!(body.data().await.unwrap().unwrap(), "half");
    stream.send_reset(Reason::CANCEL);
    let record = &proxy.records(1).await[0];
    assert!(record.contains("\"cause\":\"client_left\""), "{record}");
}

#[tokio::test]
async fn a_client_that_closes_its_connection_ends_all_its_streams() {
    let origin = Origin::scripted(Script::new().read_request().until_peer_leaves())
        .start()
        .await;
    let proxy = Proxy::before("app.test", &[&origin])
        .recording("json")
        .start()
        .await;
    let mut peer = Peer::connect(&proxy).await;
    let begun = [
        peer.begin(request("GET", "/1"), true).await,
        peer.begin(request("GET", "/2"), true).await,
    ];
    origin.until_requests(2).await;
    drop((begun, peer));
    for record in proxy.records(2).await {
        assert!(record.contains("\"cause\":\"client_left\""), "{record}");
    }
}

#[tokio::test]
async fn an_answer_before_the_whole_request_is_whole_and_then_ends_the_stream_without_an_error() {
    let origin = Origin::replying(200, "never").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("body_bytes_max = \"1KiB\"")
        .start()
        .await;
    let mut peer = Peer::connect(&proxy).await;
    let large = request("POST", "/").header("content-length", "100000");
    let (response, mut stream) = peer.begin(large, false).await;
    let got = whole(response).await.unwrap();
    assert_eq!(got.status(), 413);
    let reason = std::future::poll_fn(|context| stream.poll_reset(context))
        .await
        .unwrap();
    assert_eq!(reason, Reason::NO_ERROR);
    assert_eq!(peer.get("/").await.status(), 200);
}

#[tokio::test]
async fn a_slow_reader_holds_back_its_own_stream_and_no_other() {
    let large = "x".repeat(3_000_000);
    let body = large.clone();
    let origin = Origin::answering(move |message| match message.line().as_str() {
        "GET /large HTTP/1.1" => answer("200 OK", &body).into_bytes(),
        _ => answer("200 OK", "small").into_bytes(),
    });
    let origin = origin.start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("body_idle_timeout = \"500ms\"")
        .recording("json")
        .start()
        .await;
    let mut builder = h2::client::Builder::new();
    builder
        .initial_window_size(65_535)
        .initial_connection_window_size(16 << 20);
    let mut peer = Peer::with(&proxy, &builder).await;
    let (response, _) = peer.begin(request("GET", "/large"), true).await;
    let mut body = response.await.unwrap().into_body();
    for _ in 0..5 {
        assert_eq!(peer.get("/").await.body, "small");
    }
    let end = async {
        loop {
            match body.data().await {
                // Nothing is released: the window stays shut.
                Some(Ok(_)) => {}
                Some(Err(error)) => return error,
                None => panic!("the body cannot be whole"),
            }
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(8), end).await.unwrap();
    assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR));
    assert_eq!(peer.get("/").await.body, "small");
    let records = proxy.records(7).await;
    assert!(
        records
            .iter()
            .any(|record| record.contains("\"cause\":\"slow_reader\"")),
        "{records:?}"
    );
}

#[tokio::test]
async fn a_slow_sender_is_told_so() {
    let origin = Origin::replying(200, "never").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("body_idle_timeout = \"300ms\"")
        .start()
        .await;
    let mut peer = Peer::connect(&proxy).await;
    let (response, mut stream) = peer.begin(request("POST", "/"), false).await;
    stream.send_data(Bytes::from_static(b"some"), false).unwrap();
    assert_eq!(whole(response).await.unwrap().status(), 408);
}

#[tokio::test]
async fn a_request_waits_for_nobody_else_on_its_connection() {
    let gate = Gate::new();
    let slow = Script::new()
        .read_request()
        .wait(&gate)
        .send(answer("200 OK", "slow"));
    let fast = Script::new()
        .read_request()
        .send(answer("200 OK", "fast"))
        .forever();
    let origin = Origin::scripted_each([slow, fast]).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut peer = Peer::connect(&proxy).await;
    let (first, _) = peer.begin(request("GET", "/"), true).await;
    origin.until_requests(1).await;
    assert_eq!(peer.get("/").await.body, "fast");
    gate.open();
    assert_eq!(whole(first).await.unwrap().body, "slow");
    drop(peer);
    assert_ne!(
        proxy
            .connect()
            .await
            .try_send(b"GET")
            .await
            .err()
            .map(|_| Ended::Closed),
        Some(Ended::Closed)
    );
}
