//! Duty: hop-by-hop fields, and those that `Connection` names, go in both directions.

use portreeve_testkit::{Message, Origin, Proxy, Script, get};

async fn seen_by_origin(fields: &str) -> Message {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let request = format!("GET / HTTP/1.1\r\nHost: app.test\r\n{fields}\r\n\r\n");
    assert_eq!(proxy.answer(request).await.status(), 200);
    origin.request().await
}

async fn seen_by_client(fields: &str) -> Message {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{fields}\r\n\r\nhi");
    let origin = Origin::scripted(Script::new().read_request().send(head).forever())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    proxy.answer(get("/")).await
}

#[track_caller]
fn assert_without(message: &Message, names: &[&str]) {
    for name in names {
        assert!(
            message.values(name).is_empty(),
            "{name} is still in {:?}",
            message.field_lines()
        );
    }
}

#[tokio::test]
async fn hop_by_hop_fields_of_a_request_go() {
    let fields =
        "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nConnection: keep-alive, TE";
    assert_without(
        &seen_by_origin(fields).await,
        &["keep-alive", "proxy-connection", "te", "connection"],
    );
}

#[tokio::test]
async fn that_trailers_are_taken_is_told_anew() {
    let seen = seen_by_origin("TE: gzip, trailers\r\nConnection: keep-alive, TE").await;
    assert_eq!(seen.values("te"), ["trailers"]);
    assert_eq!(seen.values("connection"), ["TE"]);
}

#[tokio::test]
async fn hop_by_hop_fields_of_a_response_go() {
    let fields = "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nConnection: keep-alive";
    assert_without(
        &seen_by_client(fields).await,
        &["keep-alive", "proxy-connection", "connection"],
    );
}

#[tokio::test]
async fn an_upgrade_that_connection_does_not_name_is_no_upgrade_and_goes() {
    assert_without(
        &seen_by_origin("Upgrade: websocket").await,
        &["upgrade", "connection"],
    );
}

#[tokio::test]
async fn fields_that_connection_names_go() {
    let named = "Connection: X-Hop,x-OTHER\r\nX-Hop: 1\r\nX-Stay: 2\r\nConnection:\t close-not , X-Third\r\n\
                 X-Other: 3\r\nx-hop: 4\r\nX-Third: 5";
    for message in [seen_by_origin(named).await, seen_by_client(named).await] {
        assert_without(&message, &["x-hop", "x-other", "x-third", "connection"]);
        assert_eq!(message.values("x-stay"), ["2"]);
    }
}

#[tokio::test]
async fn empty_members_of_connection_are_nothing() {
    let seen = seen_by_origin("Connection: ,, X-Hop ,\r\nX-Hop: 1\r\nConnection:\r\nX-Stay: 2").await;
    assert_without(&seen, &["x-hop", "connection"]);
    assert_eq!(seen.values("x-stay"), ["2"]);
}

#[tokio::test]
async fn a_name_that_begins_alike_stays() {
    let seen = seen_by_origin("Connection: X-Hop\r\nX-Hop: 1\r\nX-Hope: 2\r\nX-Ho: 3").await;
    assert_eq!(
        (seen.values("x-hope"), seen.values("x-ho")),
        (vec!["2".into()], vec!["3".into()])
    );
}

/// CVE-2022-31813 and its kin: whoever may name fields for removal must not take away what routing and framing rest on.
#[tokio::test]
async fn connection_cannot_take_away_host_framing_or_the_clients_address() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let request = "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 3\r\n\
                   Connection: host, content-length, x-forwarded-for, via\r\n\r\nabc";
    let response = proxy.answer(request).await;
    if response.status() == 400 {
        assert_eq!(origin.connection_count(), 0);
        return;
    }
    let seen = origin.request().await;
    assert_eq!(
        (seen.field("host").as_deref(), seen.text().as_str()),
        (Some("app.test"), "abc")
    );
    assert!(
        seen.field("x-forwarded-for").is_some() && seen.field("via").is_some(),
        "{:?}",
        seen.field_lines()
    );
}

#[tokio::test]
async fn a_client_that_closes_does_not_close_the_backends_connection() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    for _ in 0..3 {
        let mut client = proxy.connect().await;
        client
            .send("GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
            .await;
        let response = client.response().await;
        assert_eq!(response.field("connection").as_deref(), Some("close"));
        client.expect_closed().await;
    }
    assert_eq!(origin.connection_count(), 1);
}

#[tokio::test]
async fn a_backend_that_closes_does_not_close_the_clients_connection() {
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi";
    let origin = Origin::scripted(Script::new().read_request().send(head))
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    for _ in 0..3 {
        client.send(get("/")).await;
        assert_without(&client.response().await, &["connection"]);
    }
    assert_eq!(origin.connection_count(), 3);
}
