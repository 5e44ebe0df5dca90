//! What a backend may make us wait for.

use super::*;

/// The answer through a proxy with these limits to a backend that plays this script.
async fn answered(script: Script, limits: &str) -> Message {
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .backend_limits(limits)
        .start()
        .await;
    proxy.answer(get("/")).await
}

#[tokio::test]
async fn a_connection_has_a_time_to_be_made() {
    let deaf = Origin::deaf();
    let limits = "connect_timeout = \"200ms\"\nattempts_max = 1";
    let proxy = Proxy::before("app.test", &[&deaf])
        .backend_limits(limits)
        .start()
        .await;
    let began = Instant::now();
    assert_cause(&proxy.answer(get("/")).await, 504, "connect_timeout");
    assert!(began.elapsed() < SOON);
}

#[tokio::test]
async fn an_answer_has_a_time_to_begin() {
    let response = answered(
        Script::new().read_request().stall(),
        "first_byte_timeout = \"200ms\"",
    )
    .await;
    assert_cause(&response, 504, "first_byte_timeout");
}

#[tokio::test]
async fn a_head_that_comes_drop_by_drop_is_not_waited_for_long() {
    let drops = format!("HTTP/1.1 200 OK\r\n{}", "X: a\r\n".repeat(1_000));
    let script = Script::new()
        .read_request()
        .send_pieces(drops, 6, Duration::from_millis(20));
    assert_cause(
        &answered(script, "first_byte_timeout = \"200ms\"").await,
        504,
        "first_byte_timeout",
    );
}

#[tokio::test]
async fn interim_answers_do_not_prolong_the_wait_for_ever() {
    let hints = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1_000);
    let script = Script::new()
        .read_request()
        .send_pieces(hints, 28, Duration::from_millis(20));
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .backend_limits("first_byte_timeout = \"200ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    let began = Instant::now();
    loop {
        let response = client.response().await;
        if response.status() != 103 {
            assert!(
                matches!(response.status(), 502 | 504),
                "too many, or too late: {}",
                response.text()
            );
            break;
        }
        assert!(began.elapsed() < SOON);
    }
}

#[tokio::test]
async fn a_body_that_stops_is_aborted() {
    let script = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        .until_peer_leaves();
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .backend_limits("idle_timeout = \"200ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    let broken = client.try_response().await.unwrap_err();
    assert!(
        broken.ended.is_some() && broken.got.ends_with(b"half"),
        "{broken}"
    );
    origin.until_peer_left(0).await;
}

#[tokio::test]
async fn a_body_that_goes_on_is_not_hurried() {
    let script = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    let script = script.send_pieces("0123456789", 1, Duration::from_millis(60));
    assert_eq!(
        answered(script, "idle_timeout = \"300ms\"").await.text(),
        "0123456789"
    );
}

#[tokio::test]
async fn a_backend_that_does_not_take_the_body_is_given_up() {
    let origin = Origin::scripted(Script::new().read_head().stall()).start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .backend_limits("idle_timeout = \"300ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client
        .send(format!(
            "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: {}\r\n\r\n",
            1 << 30
        ))
        .await;
    client.flood(1 << 30, Duration::from_secs(1)).await;
    assert_cause(&client.response().await, 504, "backend_idle_timeout");
}

#[tokio::test]
async fn a_whole_exchange_has_a_time() {
    let limits = "total_timeout = \"300ms\"";
    let before_head = Script::new().read_request().stall();
    assert_cause(&answered(before_head, limits).await, 504, "total_timeout");
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    let drops =
        Script::new()
            .read_request()
            .send(head)
            .send_pieces("x".repeat(1_000), 1, Duration::from_millis(20));
    let origin = Origin::scripted(drops).start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .backend_limits(limits)
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    let began = Instant::now();
    assert!(client.try_response().await.unwrap_err().ended.is_some());
    assert!(began.elapsed() < SOON);
}

#[tokio::test]
async fn a_head_has_a_size() {
    let long = format!(
        "HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n",
        "a".repeat(1_000)
    );
    let response = answered(
        Script::new().read_request().send(long),
        "head_bytes_max = \"1KiB\"",
    )
    .await;
    assert_cause(&response, 502, "response_head_too_large");
}

#[tokio::test]
async fn a_head_has_a_number_of_fields() {
    let six = format!(
        "HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n",
        "X: a\r\n".repeat(5)
    );
    let script = || Script::new().read_request().send(&six);
    assert_eq!(answered(script(), "fields_max = 5").await.status(), 502);
    assert_eq!(answered(script(), "fields_max = 6").await.status(), 200);
}

#[tokio::test]
async fn a_request_tries_so_many_backends() {
    for (attempts, status) in [(1, 502), (2, 502), (3, 200)] {
        let (one, two, three) = (Origin::refusing(), Origin::refusing(), good().await);
        let limits = format!("attempts_max = {attempts}");
        let setup = Proxy::before("app.test", &[&one, &two, &three])
            .pool("balance = \"first\"")
            .backend_limits(&limits);
        let proxy = setup.start().await;
        assert_eq!(
            proxy.answer(get("/")).await.status(),
            status,
            "{attempts} attempts"
        );
    }
}

#[tokio::test]
async fn keeping_connections_can_be_switched_off() {
    let origin = good().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .backend_limits("keep_alive = false")
        .start()
        .await;
    let mut client = proxy.connect().await;
    for _ in 0..3 {
        client.send(get("/")).await;
        assert_eq!(client.response().await.status(), 200);
    }
    assert_eq!(origin.connection_count(), 3);
    assert_eq!(
        origin.requests().await[0].field("connection").as_deref(),
        Some("close")
    );
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_a_time() {
    let origin = good().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .backend_limits("keep_alive_timeout = \"100ms\"")
        .start()
        .await;
    assert_eq!(proxy.answer(get("/")).await.status(), 200);
    let began = Instant::now();
    origin.until_peer_left(0).await;
    assert!(began.elapsed() < SOON);
}

#[tokio::test]
async fn so_many_idle_connections_are_kept() {
    let gate = Gate::new();
    let origin = Origin::scripted(
        Script::new()
            .read_request()
            .wait(&gate)
            .send(answer("200 OK", "hi"))
            .forever(),
    );
    let origin = origin.start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .backend_limits("idle_connections_max = 1")
        .start()
        .await;
    let mut clients = Vec::new();
    for count in 1..=3 {
        let mut client = proxy.connect().await;
        client.send(get("/")).await;
        origin.until_requests(count).await;
        clients.push(client);
    }
    gate.open();
    for client in &mut clients {
        assert_eq!(client.response().await.status(), 200);
    }
    origin
        .until(|connections| {
            connections
                .iter()
                .filter(|connection| connection.peer_left)
                .count()
                == 2
        })
        .await;
}
