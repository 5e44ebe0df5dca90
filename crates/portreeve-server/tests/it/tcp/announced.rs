//! PROXY headers that come in.

use std::time::{Duration, Instant};

use portreeve_testkit::{Client, Ended, Origin, Proxy, Script, Setup, get};

use super::peers::{HAPROXY, listening_socket};
use super::{before, start};

const FROM_HERE: &str = "proxy_protocol = [\"127.0.0.1/32\"]";
const LINE: &str = "PROXY TCP4 192.0.2.1 192.0.2.7 56324 443\r\n";
const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x07\xdc\x04\x01\xbb";

fn web(origin: &Origin) -> Setup {
    Proxy::before("app.test", &[origin])
        .counting()
        .recording("json")
        .listener(FROM_HERE)
}

async fn hi() -> Origin {
    Origin::replying(200, "hi").start().await
}

async fn asked(proxy: &Proxy, header: &[u8]) -> u16 {
    let request = [header, get("/").as_bytes()].concat();
    proxy.answer(request).await.status()
}

#[tokio::test]
async fn the_client_is_the_one_that_the_header_names() {
    let origin = hi().await;
    let proxy = web(&origin).start().await;
    for header in [LINE.as_bytes(), BINARY] {
        assert_eq!(asked(&proxy, header).await, 200);
    }
    for record in proxy.records(2).await {
        assert!(record.contains(r#""client":"192.0.2.1""#), "{record}");
    }
    for request in origin.requests().await {
        assert_eq!(request.field("x-forwarded-for").as_deref(), Some("192.0.2.1"));
    }
}

#[tokio::test]
async fn a_header_that_names_nobody_leaves_the_peer() {
    let origin = hi().await;
    let proxy = web(&origin).start().await;
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    for header in [&b"PROXY UNKNOWN\r\n"[..], local] {
        assert_eq!(asked(&proxy, header).await, 200);
    }
    for record in proxy.records(2).await {
        assert!(record.contains(r#""client":"127.0.0.1""#), "{record}");
    }
}

#[tokio::test]
async fn a_header_may_come_in_crumbs() {
    let origin = hi().await;
    let proxy = web(&origin).start().await;
    for header in [LINE.as_bytes(), BINARY] {
        let mut client = proxy.connect().await;
        client.send_pieces(header, 1, Duration::from_millis(1)).await;
        client.send(get("/")).await;
        assert_eq!(client.response().await.status(), 200);
        client.send(get("/")).await;
        assert_eq!(
            client.response().await.status(),
            200,
            "the connection is one as any other"
        );
    }
}

#[tokio::test]
async fn whoever_has_to_say_it_and_does_not_is_turned_away() {
    let origin = hi().await;
    let proxy = web(&origin)
        .client_limits("head_timeout = \"300ms\"")
        .start()
        .await;
    let malformed = ["event=\"proxy_header_malformed\""];
    for (count, bytes) in [
        get("/"),
        LINE.replace("TCP4", "TCP5"),
        LINE.replace("192.0.2.1", "192.0.2.256"),
        format!("PROXY UNKNOWN {}", "x".repeat(100)),
    ]
    .into_iter()
    .enumerate()
    {
        let mut client = proxy.connect().await;
        client.send(bytes).await;
        assert_eq!(client.read_to_end().await.0, b"");
        let wanted = count as f64 + 1.0;
        proxy
            .until_metric("portreeve_edge_events_total", &malformed, |seen| seen == wanted)
            .await;
    }
    let mut late = proxy.connect().await;
    late.send("PROXY TCP4 192.0").await;
    let begun = Instant::now();
    assert_eq!(late.read_to_end().await.0, b"");
    assert!(begun.elapsed() < Duration::from_secs(3));
    let timeout = ["event=\"proxy_header_timeout\""];
    proxy
        .until_metric("portreeve_edge_events_total", &timeout, |seen| seen == 1.0)
        .await;
    assert_eq!(origin.connection_count(), 0);
}

#[tokio::test]
async fn others_are_not_believed() {
    let origin = hi().await;
    let proxy = web(&origin).start().await;
    let mut client = Client::connect_from([127, 0, 0, 2], &proxy.address()).await;
    client.send(get("/")).await;
    assert_eq!(
        client.response().await.status(),
        200,
        "nothing is awaited of them"
    );
    client.send([LINE, &get("/")].concat()).await;
    assert_eq!(
        client.response().await.status(),
        400,
        "their header is no request"
    );
}

#[tokio::test]
async fn each_client_has_its_own_bound_behind_one_proxy() {
    let origin = hi().await;
    let proxy = web(&origin)
        .client_limits("connections_per_client_max = 1")
        .start()
        .await;
    let mut clients = Vec::new();
    for last in 1..=3 {
        let mut client = proxy.connect().await;
        client
            .send(LINE.replace("192.0.2.1", &format!("192.0.2.{last}")))
            .await;
        client.send(get("/")).await;
        assert_eq!(client.response().await.status(), 200);
        clients.push(client);
    }
    let mut again = proxy.connect().await;
    again.send(LINE).await;
    assert_eq!(again.read_to_end().await, (Vec::new(), Ended::Reset));
}

#[tokio::test]
async fn carried_connections_are_announced_too() {
    let origin = Origin::scripted(Script::new().echo()).start().await;
    let setup = before(&[&origin]).recording("json").listener(FROM_HERE);
    let proxy = start(setup).await;
    let mut client = proxy.connect().await;
    client.send([BINARY, b"hello"].concat()).await;
    assert_eq!(client.read_exactly(5).await, b"hello");
    drop(client);
    let record = proxy.records(1).await.remove(0);
    assert!(record.contains(r#""client":"192.0.2.1""#), "{record}");
}

/// HAProxy before us, which is asked over TCP, says whose connection it is in both versions.
#[tokio::test]
async fn haproxy_is_understood() {
    for said in [
        "send-proxy",
        "send-proxy-v2",
        "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority",
    ] {
        let origin = hi().await;
        let proxy = web(&origin).start().await;
        let (socket, address) = listening_socket();
        let config = format!(
            "defaults\n mode tcp\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
             frontend in\n bind fd@0\n unique-id-format %[uuid]\n default_backend out\n\
             backend out\n server us {} {said}\n",
            proxy.address(),
        );
        let Some(_haproxy) = HAPROXY.on(socket, &config).await else {
            return;
        };
        let mut client = Client::connect_from([127, 0, 0, 3], &address).await;
        client.send(get("/")).await;
        assert_eq!(client.response().await.status(), 200, "{said}");
        let record = proxy.records(1).await.remove(0);
        assert!(record.contains(r#""client":"127.0.0.3""#), "{said}: {record}");
    }
}
