//! What a client may use up.

use super::*;

#[tokio::test]
async fn a_head_has_a_size() {
    let long = format!(
        "GET / HTTP/1.1\r\nHost: app.test\r\nX: {}\r\n\r\n",
        "a".repeat(1_000)
    );
    refused(
        |setup| setup.client_limits("head_bytes_max = \"1KiB\""),
        &long,
        431,
        "head_too_large",
    )
    .await;
}

#[tokio::test]
async fn a_head_without_end_has_a_size() {
    let endless = format!("GET / HTTP/1.1\r\nHost: app.test\r\nX: {}", "a".repeat(1_000));
    refused(
        |setup| setup.client_limits("head_bytes_max = \"1KiB\""),
        &endless,
        431,
        "head_too_large",
    )
    .await;
}

#[tokio::test]
async fn a_head_has_a_number_of_fields() {
    let six = format!("GET / HTTP/1.1\r\nHost: app.test\r\n{}\r\n", "X: a\r\n".repeat(5));
    refused(
        |setup| setup.client_limits("fields_max = 5"),
        &six,
        431,
        "head_too_large",
    )
    .await;
    let origin = good().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("fields_max = 6")
        .start()
        .await;
    assert_eq!(proxy.answer(&six).await.status(), 200);
}

#[tokio::test]
async fn a_target_has_a_length() {
    let limited = |setup: Setup| setup.client_limits("target_bytes_max = 64");
    refused(
        limited,
        &get(&format!("/{}", "a".repeat(64))),
        414,
        "target_too_long",
    )
    .await;
    let origin = good().await;
    let proxy = limited(Proxy::before("app.test", &[&origin])).start().await;
    assert_eq!(
        proxy.answer(get(&format!("/{}", "a".repeat(63)))).await.status(),
        200
    );
}

#[tokio::test]
async fn trailers_have_a_size() {
    let origin = good().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("head_bytes_max = \"1KiB\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    let head = "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n";
    client
        .send(format!("{head}X: {}\r\n\r\n", "a".repeat(2_000)))
        .await;
    assert_eq!(client.response().await.status(), 431);
    client.expect_closed().await;
}

#[tokio::test]
async fn half_a_head_is_not_waited_for_long() {
    let limited = |setup: Setup| setup.client_limits("head_timeout = \"200ms\"");
    refused(limited, "GET / HTTP/1.1\r\nHost: app", 408, "head_timeout").await;
}

#[tokio::test]
async fn a_silent_connection_is_not_waited_for_long() {
    let origin = good().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("head_timeout = \"100ms\"")
        .start()
        .await;
    let began = Instant::now();
    let (_, ended) = proxy.connect().await.read_to_end().await;
    assert_eq!(ended, Ended::Closed);
    assert!(
        began.elapsed() >= Duration::from_millis(90) && began.elapsed() < SOON,
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_head_that_comes_drop_by_drop_is_not_waited_for_long() {
    let origin = good().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("head_timeout = \"200ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    let began = Instant::now();
    client.send("GET / HTTP/1.1\r\nHost: app.test\r\n").await;
    for _ in 0..20 {
        // Once the time is over, what still comes is thrown away, or the connection is gone.
        let _ = client.try_send("X: a\r\n").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_cause(&client.response().await, 408, "head_timeout");
    assert!(began.elapsed() < SOON);
    while client.try_send("X: a\r\n").await.is_ok() {
        assert!(
            began.elapsed() < Duration::from_secs(6),
            "it is thrown away for ever"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(origin.connection_count(), 0);
}

#[tokio::test]
async fn the_time_for_a_head_begins_anew_with_each_request() {
    let origin = good().await;
    let limits = "head_timeout = \"200ms\"\nkeep_alive_timeout = \"5s\"";
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits(limits)
        .start()
        .await;
    let mut client = proxy.connect().await;
    for _ in 0..2 {
        client.send(get("/")).await;
        assert_eq!(client.response().await.status(), 200);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    client.send("GET / HT").await;
    assert_eq!(client.response().await.status(), 408);
    client.expect_closed().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_without_a_word() {
    let origin = good().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("keep_alive_timeout = \"100ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    assert_eq!(client.response().await.status(), 200);
    let began = Instant::now();
    assert_eq!(client.expect_closed().await, Ended::Closed);
    assert!(began.elapsed() < SOON);
}

#[tokio::test]
async fn a_body_that_stops_is_not_waited_for_long() {
    let origin = Origin::scripted(Script::new().read_head().until_peer_leaves())
        .start()
        .await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("body_idle_timeout = \"200ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\n\r\nhalf")
        .await;
    assert_cause(&client.response().await, 408, "body_timeout");
    client.expect_closed().await;
    origin.until_peer_left(0).await;
}

#[tokio::test]
async fn a_body_that_goes_on_is_not_hurried() {
    let origin = good().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("body_idle_timeout = \"300ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\n\r\n")
        .await;
    client
        .send_pieces("0123456789", 1, Duration::from_millis(60))
        .await;
    assert_eq!(client.response().await.status(), 200);
    assert_eq!(origin.request().await.text(), "0123456789");
}

#[tokio::test]
async fn a_body_under_the_least_rate_is_refused_after_the_grace() {
    let origin = Origin::scripted(Script::new().read_head().until_peer_leaves())
        .start()
        .await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("rate_min = 1000")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 100000\r\n\r\n")
        .await;
    let began = Instant::now();
    while client.try_send("drop").await.is_ok() && began.elapsed() < Duration::from_secs(8) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(
        began.elapsed() > Duration::from_secs(4) && began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
    origin.until_peer_left(0).await;
}

#[tokio::test]
async fn a_reader_that_stops_is_not_waited_for_long() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1 << 30);
    let origin = Origin::scripted(Script::new().read_request().send(head).flood(1 << 30))
        .start()
        .await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("body_idle_timeout = \"200ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.head().await;
    origin.until_peer_left(0).await;
    assert!(origin.sent() < 1 << 29);
}

#[tokio::test]
async fn a_body_has_a_size() {
    let limited = |setup: Setup| setup.client_limits("body_bytes_max = 10");
    let long = post("01234567890");
    refused(limited, &long, 413, "body_too_large").await;
    let origin = good().await;
    let proxy = limited(Proxy::before("app.test", &[&origin])).start().await;
    assert_eq!(proxy.answer(post("0123456789")).await.status(), 200);
}

#[tokio::test]
async fn a_body_that_must_not_come_is_not_waited_for() {
    let limited = |setup: Setup| setup.client_limits("body_bytes_max = 10");
    let head = "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n";
    refused(limited, head, 413, "body_too_large").await;
}

#[tokio::test]
async fn a_chunked_body_has_a_size() {
    let origin = Origin::scripted(
        Script::new()
            .read_request()
            .send(answer("200 OK", "hi"))
            .forever(),
    )
    .start()
    .await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("body_bytes_max = 10")
        .start()
        .await;
    let head = "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(
        proxy
            .answer(format!("{head}5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"))
            .await
            .status(),
        200
    );
    let mut client = proxy.connect().await;
    client
        .send(format!("{head}5\r\n01234\r\n6\r\n567890\r\n0\r\n\r\n"))
        .await;
    assert_cause(&client.response().await, 413, "body_too_large");
    client.expect_closed().await;
    assert!(
        !origin
            .requests()
            .await
            .iter()
            .any(|request| request.text() == "01234567890")
    );
}

#[tokio::test]
async fn a_full_listener_refuses_after_a_while() {
    let origin = good().await;
    let limits = "connections_max = 2\nconnections_per_client_max = \"off\"\nfull_wait = \"200ms\"";
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits(limits)
        .start()
        .await;
    let (mut one, mut two) = (proxy.connect().await, proxy.connect().await);
    for client in [&mut one, &mut two] {
        client.send(get("/")).await;
        assert_eq!(client.response().await.status(), 200);
    }
    let began = Instant::now();
    let mut three = proxy.connect().await;
    three.send(get("/")).await;
    assert_cause(&three.response().await, 503, "listener_full");
    three.expect_closed().await;
    assert!(
        began.elapsed() >= Duration::from_millis(150) && began.elapsed() < SOON,
        "{:?}",
        began.elapsed()
    );
    one.send(get("/")).await;
    assert_eq!(
        one.response().await.status(),
        200,
        "those who are in are not disturbed"
    );
}

#[tokio::test]
async fn a_full_listener_serves_who_waits_when_another_leaves() {
    let origin = good().await;
    let limits = "connections_max = 1\nconnections_per_client_max = \"off\"\nfull_wait = \"5s\"";
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits(limits)
        .start()
        .await;
    let mut one = proxy.connect().await;
    one.send(get("/")).await;
    assert_eq!(one.response().await.status(), 200);
    let mut two = proxy.connect().await;
    two.send(get("/")).await;
    two.expect_silence(Duration::from_millis(100)).await;
    drop(one);
    assert_eq!(two.response().await.status(), 200);
}

async fn answers_of_three(setup: Setup) -> Vec<u16> {
    let proxy = setup.start().await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = proxy.connect().await;
        client.send(get("/")).await;
        clients.push((client.response().await.status(), client));
    }
    let mut other = Client::connect_from([127, 0, 0, 2], &proxy.address()).await;
    other.send(get("/")).await;
    let other = other.response().await.status();
    clients.iter().map(|(status, _)| *status).chain([other]).collect()
}

#[tokio::test]
async fn one_client_may_not_take_all_connections() {
    let origin = good().await;
    let setup = Proxy::before("app.test", &[&origin]).client_limits("connections_per_client_max = 2");
    assert_eq!(answers_of_three(setup).await, [200, 200, 503, 200]);
}

#[tokio::test]
async fn a_trusted_proxy_may_take_as_many_connections_as_it_needs() {
    let origin = good().await;
    let setup = Proxy::before("app.test", &[&origin]).client_limits("connections_per_client_max = 2");
    let setup = setup.listener("trusted_proxies = [\"127.0.0.1\"]");
    assert_eq!(answers_of_three(setup).await, [200, 200, 200, 200]);
}

#[tokio::test]
async fn the_refusal_of_a_clients_next_connection_is_told() {
    let origin = good().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("connections_per_client_max = 1")
        .start()
        .await;
    let mut one = proxy.connect().await;
    one.send(get("/")).await;
    one.response().await;
    assert_cause(&proxy.answer(get("/")).await, 503, "too_many_from_client");
}

#[tokio::test]
async fn a_connection_serves_so_many_requests() {
    let origin = good().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("requests_per_connection_max = 2")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/") + &get("/") + &get("/")).await;
    assert_eq!(client.response().await.field("connection"), None);
    assert_eq!(
        client.response().await.field("connection").as_deref(),
        Some("close")
    );
    client.expect_closed().await;
    assert_eq!(origin.requests().await.len(), 2);
}

#[tokio::test]
async fn a_silent_tunnel_is_closed() {
    let origin = Origin::scripted(Script::new().read_head().send(SWITCHED).echo())
        .start()
        .await;
    let limits = "tunnel_idle_timeout = \"300ms\"";
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits(limits)
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(UPGRADE).await;
    assert_eq!(client.response().await.status(), 101);
    for _ in 0..8 {
        client.send("x").await;
        assert_eq!(client.read_exactly(1).await, b"x");
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    let began = Instant::now();
    client.expect_closed().await;
    assert!(began.elapsed() < SOON);
    origin.until_peer_left(0).await;
}
