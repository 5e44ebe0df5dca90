//! Duty: `Forwarded`, `X-Forwarded-For/-Proto/-Host` and `Via` are set, and believed only from trusted proxies.

use portreeve_testkit::{Message, Origin, Proxy, Scratch, Script, Setup, answer, get};

const SPOOF: &str = "GET / HTTP/1.1\r\nHost: app.test\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n\
                     X-Forwarded-Host: evil.test\r\nForwarded: for=6.6.6.6;proto=https\r\n\
                     x-forwarded-for: 7.7.7.7\r\n\r\n";

/// What the origin gets of `request` through a proxy that `setup` has changed.
async fn through(setup: impl FnOnce(Setup) -> Setup, request: &str) -> Message {
    let origin = Origin::replying(200, "").start().await;
    let proxy = setup(Proxy::before("app.test", &[&origin])).start().await;
    assert_eq!(proxy.answer(request).await.status(), 200);
    origin.request().await
}

fn trusting(setup: Setup) -> Setup {
    setup.listener("trusted_proxies = [\"10.0.0.0/8\", \"127.0.0.0/8\"]")
}

fn with_forwarded(setup: Setup) -> Setup {
    setup.listener("forwarded = true")
}

fn listed(message: &Message, name: &str) -> String {
    message.values(name).join(", ")
}

#[tokio::test]
async fn the_backend_learns_client_protocol_and_host() {
    let seen = through(|setup| setup, &get("/")).await;
    assert_eq!(seen.field("x-forwarded-for").as_deref(), Some("127.0.0.1"));
    assert_eq!(seen.field("x-forwarded-proto").as_deref(), Some("http"));
    assert_eq!(seen.field("x-forwarded-host").as_deref(), Some("app.test"));
}

#[tokio::test]
async fn an_untrusted_client_is_not_believed() {
    let seen = through(|setup| setup, SPOOF).await;
    assert_eq!(listed(&seen, "x-forwarded-for"), "127.0.0.1");
    assert_eq!(listed(&seen, "x-forwarded-proto"), "http");
    assert_eq!(listed(&seen, "x-forwarded-host"), "app.test");
    assert_eq!(listed(&seen, "forwarded"), "");
}

#[tokio::test]
async fn an_untrusted_clients_forwarded_is_replaced() {
    let seen = through(with_forwarded, SPOOF).await;
    assert!(
        !listed(&seen, "forwarded").contains("6.6.6.6"),
        "{}",
        listed(&seen, "forwarded")
    );
    assert!(listed(&seen, "forwarded").contains("127.0.0.1"));
}

#[tokio::test]
async fn a_trusted_proxys_word_is_kept_and_its_own_address_added() {
    let seen = through(trusting, SPOOF).await;
    assert_eq!(listed(&seen, "x-forwarded-for"), "6.6.6.6, 7.7.7.7, 127.0.0.1");
    assert_eq!(listed(&seen, "x-forwarded-proto"), "https");
    assert_eq!(listed(&seen, "x-forwarded-host"), "evil.test");
}

#[tokio::test]
async fn a_trusted_proxy_that_says_nothing_is_itself_the_client() {
    let seen = through(trusting, &get("/")).await;
    assert_eq!(listed(&seen, "x-forwarded-for"), "127.0.0.1");
    assert_eq!(listed(&seen, "x-forwarded-proto"), "http");
    assert_eq!(listed(&seen, "x-forwarded-host"), "app.test");
}

#[tokio::test]
async fn another_network_is_not_trusted() {
    let seen = through(
        |setup| setup.listener("trusted_proxies = [\"10.0.0.0/8\", \"::1\"]"),
        SPOOF,
    )
    .await;
    assert_eq!(listed(&seen, "x-forwarded-for"), "127.0.0.1");
}

#[tokio::test]
async fn forwarded_says_the_same_in_the_words_of_rfc_7239() {
    let seen = through(with_forwarded, &get("/")).await;
    let forwarded = seen.field("forwarded").expect("it was asked for");
    let mut pairs: Vec<String> = forwarded
        .replace('"', "")
        .split(';')
        .map(str::to_ascii_lowercase)
        .collect();
    pairs.retain(|pair| !pair.starts_with("by="));
    pairs.sort();
    assert_eq!(pairs, ["for=127.0.0.1", "host=app.test", "proto=http"]);
}

#[tokio::test]
async fn a_trusted_proxys_forwarded_is_continued() {
    let seen = through(|setup| with_forwarded(trusting(setup)), SPOOF).await;
    let forwarded = listed(&seen, "forwarded");
    assert!(forwarded.starts_with("for=6.6.6.6;proto=https, "), "{forwarded}");
    assert!(
        forwarded.to_ascii_lowercase().contains("for=127.0.0.1"),
        "{forwarded}"
    );
}

#[tokio::test]
async fn a_host_that_needs_quotes_in_forwarded_gets_them() {
    let request = "GET / HTTP/1.1\r\nHost: app.test:8080\r\n\r\n";
    let seen = through(with_forwarded, request).await;
    assert!(
        listed(&seen, "forwarded").contains("host=\"app.test:8080\""),
        "{}",
        listed(&seen, "forwarded")
    );
}

#[tokio::test]
async fn an_ipv6_client_is_written_as_each_field_wants_it() {
    let seen = through(|setup| with_forwarded(setup.on("[::1]:0")), &get("/")).await;
    assert_eq!(listed(&seen, "x-forwarded-for"), "::1");
    assert!(
        listed(&seen, "forwarded")
            .to_ascii_lowercase()
            .contains("for=\"[::1]\""),
        "{}",
        listed(&seen, "forwarded")
    );
}

#[tokio::test]
async fn an_ipv4_client_of_an_ipv6_listener_is_written_as_ipv4() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = Proxy::before("app.test", &[&origin]).on("[::]:0").start().await;
    let portreeve_testkit::Address::Tcp(address) = proxy.address() else {
        panic!("a TCP listener")
    };
    let four = std::net::SocketAddr::from(([127, 0, 0, 1], address.port()));
    let mut client = portreeve_testkit::Client::connect(&four.into()).await;
    client.send(get("/")).await;
    assert_eq!(client.response().await.status(), 200);
    assert_eq!(listed(&origin.request().await, "x-forwarded-for"), "127.0.0.1");
}

#[tokio::test]
async fn a_unix_client_has_no_address_to_forward() {
    let scratch = Scratch::new();
    let bind = format!("unix:{}", scratch.file("l.sock").display());
    let seen = through(|setup| with_forwarded(setup.on(&bind)), SPOOF).await;
    assert!(!listed(&seen, "x-forwarded-for").contains("6.6.6.6"));
    assert!(!listed(&seen, "forwarded").contains("6.6.6.6"));
    assert_eq!(listed(&seen, "x-forwarded-proto"), "http");
}

#[tokio::test]
async fn via_is_added_to_requests_and_responses() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let response = proxy.answer(get("/")).await;
    assert_eq!(response.field("via").as_deref(), Some("1.1 portreeve"));
    assert_eq!(
        origin.request().await.field("via").as_deref(),
        Some("1.1 portreeve")
    );
}

#[tokio::test]
async fn via_of_others_comes_first() {
    let head = answer("200 OK", "").replacen("\r\n", "\r\nVia: 1.0 fred\r\n", 1);
    let origin = Origin::scripted(Script::new().read_request().send(head))
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let response = proxy
        .answer("GET / HTTP/1.1\r\nHost: app.test\r\nVia: 1.1 a, 1.1 b\r\n\r\n")
        .await;
    assert_eq!(listed(&response, "via"), "1.0 fred, 1.1 portreeve");
    assert_eq!(
        listed(&origin.request().await, "via"),
        "1.1 a, 1.1 b, 1.1 portreeve"
    );
}

#[tokio::test]
async fn via_names_the_version_that_was_received() {
    let head = "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n";
    let origin = Origin::scripted(Script::new().read_request().send(head))
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let response = proxy.answer("GET / HTTP/1.0\r\nHost: app.test\r\n\r\n").await;
    assert_eq!(response.field("via").as_deref(), Some("1.0 portreeve"));
    assert_eq!(
        origin.request().await.field("via").as_deref(),
        Some("1.0 portreeve")
    );
}
