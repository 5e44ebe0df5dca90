//! What peers are told about each other.

use portreeve_testkit::{Origin, Proxy, Scratch, Script, get};

fn from(client: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: app.test\r\nX-Forwarded-For: {client}\r\n\r\n")
}

#[tokio::test]
async fn a_head_for_a_client_of_http_1_0_has_no_transfer_encoding() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let origin = Origin::scripted(Script::new().read_request().send(head).forever())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    for (version, expected) in [("1.0", vec![]), ("1.1", vec!["chunked".to_owned()])] {
        let mut client = proxy.connect().await;
        client
            .send(format!("HEAD / HTTP/{version}\r\nHost: app.test\r\n\r\n"))
            .await;
        let response = client.response_to_head().await;
        assert_eq!(response.values("transfer-encoding"), expected, "HTTP/{version}");
    }
}

#[tokio::test]
async fn a_request_without_a_host_calls_a_unix_backend_localhost() {
    let scratch = Scratch::new();
    let origin = Origin::replying(200, "unix")
        .on_unix(scratch.file("o.sock"))
        .start()
        .await;
    let toml = format!(
        "[listener.web]\nbind = \"127.0.0.1:0\"\n[route.all]\npool = \"app\"\n[pool.app]\nbackends = [\"{}\"]\n",
        origin.address()
    );
    let proxy = Proxy::with(&toml).await;
    assert_eq!(proxy.answer("GET / HTTP/1.0\r\n\r\n").await.status(), 200);
    assert_eq!(origin.request().await.field("host").as_deref(), Some("localhost"));
}

#[tokio::test]
async fn a_hash_by_address_sees_through_trusted_proxies() {
    let origins = [
        Origin::replying(200, "a").start().await,
        Origin::replying(200, "b").start().await,
    ];
    let proxy = Proxy::before("app.test", &[&origins[0], &origins[1]])
        .listener("trusted_proxies = [\"127.0.0.1\", \"192.0.2.0/24\"]")
        .pool("balance = \"hash:address\"")
        .start()
        .await;
    for last in 0..32 {
        let direct = proxy.answer(from(&format!("10.0.0.{last}"))).await.text();
        let relayed = from(&format!("198.51.100.1, 10.0.0.{last}, 192.0.2.{last}"));
        assert_eq!(
            proxy.answer(relayed).await.text(),
            direct,
            "the last address that is no trusted proxy decides"
        );
    }
    for origin in &origins {
        assert!(origin.requests().await.len() > 8, "one backend has nearly all");
    }
}

#[tokio::test]
async fn a_record_names_the_client_behind_a_trusted_proxy() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .listener("trusted_proxies = [\"127.0.0.1\"]")
        .recording("json")
        .start()
        .await;
    proxy.answer(from("203.0.113.9, 198.51.100.7")).await;
    let record = proxy.records(1).await.remove(0);
    assert!(record.contains("\"client\":\"198.51.100.7\""), "{record}");
}

#[tokio::test]
async fn a_record_believes_nobody_else() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .listener("trusted_proxies = [\"192.0.2.1\"]")
        .recording("json")
        .start()
        .await;
    proxy.answer(from("203.0.113.9")).await;
    proxy.answer(get("/")).await;
    for record in proxy.records(2).await {
        assert!(record.contains("\"client\":\"127.0.0.1\""), "{record}");
    }
}
