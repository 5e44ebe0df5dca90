//! What came in which version is counted apart.

use portreeve_testkit::{Origin, Proxy, get};

use super::peer::Peer;

const REQUESTS: &str = "portreeve_listener_requests_total";

async fn until(proxy: &Proxy, version: &str, count: f64) {
    let labels = ["listener=\"web\"", version];
    proxy
        .until_metric(REQUESTS, &labels, |is| (is - count).abs() < 0.5)
        .await;
}

#[tokio::test]
async fn requests_are_counted_by_version_with_and_without_a_route() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::before("app.test", &[&origin]).counting().start().await;
    let mut peer = Peer::connect(&proxy).await;
    for target in ["/1", "/2", "/3"] {
        assert_eq!(peer.get(target).await.status(), 200);
    }
    for request in [
        get("/"),
        "GET / HTTP/1.1\r\nHost: else.test\r\n\r\n".into(),
        "no request\r\n\r\n".into(),
    ] {
        proxy.answer(request).await;
    }
    let old = "GET / HTTP/1.0\r\nHost: app.test\r\n\r\n";
    assert_eq!(proxy.answer(old).await.status(), 200);
    until(&proxy, "version=\"http1.0\"", 1.0).await;
    until(&proxy, "version=\"http1.1\"", 3.0).await;
    until(&proxy, "version=\"http2\"", 3.0).await;
    let routed = proxy.metric("portreeve_requests_total", &[]).await;
    let unrouted = proxy.metric("portreeve_requests_unrouted_total", &[]).await;
    let all = proxy.metric(REQUESTS, &[]).await;
    assert!(
        (routed + unrouted - all).abs() < 0.5,
        "{routed} + {unrouted} are {all}"
    );
}

#[tokio::test]
async fn a_packet_and_a_connection_carried_as_it_is_count_as_one_each() {
    let origin = Origin::scripted(portreeve_testkit::Script::new().echo())
        .start()
        .await;
    let proxy = Proxy::with(&format!(
        "admin = {{ bind = \"127.0.0.1:0\" }}\n\
         [listener.web]\nbind = \"127.0.0.1:0\"\nregistration = true\npackets = {{ pool = \"servers\" }}\n\
         [listener.raw]\nbind = \"127.0.0.1:0\"\ncarries = \"tcp\"\n\
         [route.raw]\nlistener = \"raw\"\npool = \"raw\"\n\
         [pool.raw]\nbackends = \"tcp://{}\"\n[pool.servers]\n",
        origin.address()
    ))
    .await;
    let mut raw = portreeve_testkit::Client::connect(&proxy.address_of("raw")).await;
    raw.send("hello").await;
    assert_eq!(raw.read_exactly(5).await, b"hello");
    raw.shut().await;
    raw.read_to_end().await;
    // Nobody serves it, and it is a packet all the same.
    proxy
        .ask(r#"{"type": 0, "srcid": 7, "privPoliId": "1", "payloadsize": 1, "payload": "a"}"#)
        .await;
    until(&proxy, "version=\"packet\"", 1.0).await;
    let is_one = |is: f64| (is - 1.0).abs() < 0.5;
    let labels = ["listener=\"raw\"", "version=\"tcp\""];
    proxy.until_metric(REQUESTS, &labels, is_one).await;
    assert!((proxy.metric(REQUESTS, &[]).await - 2.0).abs() < 0.5);
}
