//! Duty: errors are typed, one closed list: status, cause, `Proxy-Status`, and a body in the client's language.

use portreeve_testkit::{Gate, Message, Origin, Proxy, Script, Setup, answer, get, post};
use serde_json::Value;

#[track_caller]
fn assert_problem(response: &Message, status: u16, cause: &str) {
    let problem: Value =
        serde_json::from_slice(&response.body).unwrap_or_else(|error| panic!("{error}: {}", response.text()));
    assert_eq!(
        (response.status(), problem["cause"].as_str()),
        (status, Some(cause)),
        "{problem}"
    );
    assert_eq!(problem["status"], status);
    assert_eq!(
        response.field("content-type").as_deref(),
        Some("application/problem+json")
    );
    for key in ["type", "title", "detail"] {
        assert!(
            problem[key].as_str().is_some_and(|text| !text.is_empty()),
            "{key} in {problem}"
        );
    }
    let proxy_status = response.field("proxy-status").unwrap_or_default();
    assert!(
        proxy_status.starts_with("portreeve; error=") || proxy_status.starts_with("portreeve;error="),
        "{proxy_status}"
    );
    assert!(
        response.field("date").is_some(),
        "RFC 9110 section 6.6.1: who answers dates it"
    );
}

/// What a client gets whose backend plays this script for a POST, which is never sent twice.
async fn of_backend(script: Script, limits: &str) -> Message {
    let origin = Origin::scripted(script).start().await;
    Proxy::before("app.test", &[&origin])
        .backend_limits(limits)
        .start()
        .await
        .answer(post("x"))
        .await
}

/// What a client gets that sends this.
async fn of_client(setup: impl FnOnce(Setup) -> Setup, request: &str) -> Message {
    let origin = Origin::replying(200, "hi").start().await;
    setup(Proxy::before("app.test", &[&origin]))
        .start()
        .await
        .answer(request)
        .await
}

#[tokio::test]
async fn faults_of_the_client_are_told_apart() {
    let same = |setup: Setup| setup;
    assert_problem(
        &of_client(same, "GET / HTTP/1.1\r\nHost : a\r\n\r\n").await,
        400,
        "malformed_request",
    );
    assert_problem(
        &of_client(same, "GET / HTTP/2.0\r\nHost: app.test\r\n\r\n").await,
        505,
        "unsupported_version",
    );
    let coding = "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
    assert_problem(&of_client(same, coding).await, 501, "unsupported_coding");
    let expecting = "GET / HTTP/1.1\r\nHost: app.test\r\nExpect: tea\r\n\r\n";
    assert_problem(&of_client(same, expecting).await, 417, "expectation_failed");
    let long_head = format!(
        "GET / HTTP/1.1\r\nHost: app.test\r\nX: {}\r\n\r\n",
        "a".repeat(40_000)
    );
    assert_problem(&of_client(same, &long_head).await, 431, "head_too_large");
    assert_problem(
        &of_client(same, &get(&format!("/{}", "a".repeat(20_000)))).await,
        414,
        "target_too_long",
    );
    let small = |setup: Setup| setup.client_limits("body_bytes_max = 1");
    assert_problem(&of_client(small, &post("xx")).await, 413, "body_too_large");
    let hurried = |setup: Setup| setup.client_limits("head_timeout = \"50ms\"\nbody_idle_timeout = \"50ms\"");
    assert_problem(&of_client(hurried, "GET / HT").await, 408, "head_timeout");
    let half = "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 9\r\n\r\nhalf";
    assert_problem(&of_client(hurried, half).await, 408, "body_timeout");
}

#[tokio::test]
async fn a_host_that_nobody_serves_is_told_from_a_path_that_nobody_serves() {
    let origin = Origin::replying(200, "hi").start().await;
    let toml = format!(
        "[listener.web]\nbind = \"127.0.0.1:0\"\n[route.api]\nhost = \"app.test\"\npath = \"/api/*\"\nmethod = \"GET\"\n\
         pool = \"app\"\n[pool.app]\nbackends = [\"{}\"]\n",
        origin.address()
    );
    let proxy = Proxy::with(&toml).await;
    assert_problem(&proxy.answer(get("/other")).await, 404, "no_route");
    assert_problem(
        &proxy.answer("PUT /api/ HTTP/1.1\r\nHost: app.test\r\n\r\n").await,
        404,
        "no_route",
    );
    assert_problem(
        &proxy
            .answer("GET /api/ HTTP/1.1\r\nHost: else.test\r\n\r\n")
            .await,
        421,
        "misdirected",
    );
    assert_eq!(proxy.answer(get("/api/x")).await.status(), 200);
}

#[tokio::test]
async fn faults_of_the_backends_connection_are_told_apart() {
    let once = |origin: &Origin| {
        Proxy::before("app.test", &[origin]).backend_limits("connect_timeout = \"100ms\"\nattempts_max = 1")
    };
    let (refusing, deaf) = (Origin::refusing(), Origin::deaf());
    assert_problem(
        &once(&refusing).start().await.answer(get("/")).await,
        502,
        "connect_refused",
    );
    assert_problem(
        &once(&deaf).start().await.answer(get("/")).await,
        504,
        "connect_timeout",
    );
    let nowhere = once(&deaf).backends(["\"255.255.255.255:9\"".to_owned()]);
    assert_problem(
        &nowhere.start().await.answer(get("/")).await,
        502,
        "connect_failed",
    );
    let unknown = once(&deaf).backends(["\"does-not-exist.invalid:80\"".to_owned()]);
    assert_problem(&unknown.start().await.answer(get("/")).await, 503, "no_backend");
}

#[tokio::test]
async fn faults_of_the_backends_answer_are_told_apart() {
    let read = || Script::new().read_request();
    assert_problem(&of_backend(read(), "").await, 502, "backend_closed");
    assert_problem(&of_backend(read().reset(), "").await, 502, "backend_reset");
    assert_problem(
        &of_backend(read().send("HTTP/1.1 nonsense\r\n\r\n"), "").await,
        502,
        "malformed_response",
    );
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "a".repeat(2_000));
    assert_problem(
        &of_backend(read().send(long), "head_bytes_max = 1024").await,
        502,
        "response_head_too_large",
    );
    assert_problem(
        &of_backend(read().stall(), "first_byte_timeout = \"50ms\"").await,
        504,
        "first_byte_timeout",
    );
    assert_problem(
        &of_backend(read().stall(), "total_timeout = \"50ms\"").await,
        504,
        "total_timeout",
    );
}

#[tokio::test]
async fn proxy_status_names_the_error_of_rfc_9209() {
    let refusing = Origin::refusing();
    let proxy = Proxy::routing("app.test", &[&refusing]).await;
    let status = proxy
        .answer(get("/"))
        .await
        .field("proxy-status")
        .unwrap_or_default();
    assert!(status.contains("error=connection_refused"), "{status}");
    let slow = of_backend(
        Script::new().read_request().stall(),
        "first_byte_timeout = \"50ms\"",
    )
    .await;
    let status = slow.field("proxy-status").unwrap_or_default();
    assert!(status.contains("error=http_response_timeout"), "{status}");
}

#[tokio::test]
async fn an_answer_of_the_backend_has_no_error_in_proxy_status() {
    let origin = Origin::replying(503, "theirs").start().await;
    let response = Proxy::routing("app.test", &[&origin])
        .await
        .answer(get("/"))
        .await;
    assert_eq!((response.status(), response.text().as_str()), (503, "theirs"));
    assert!(!response.values("proxy-status").join(",").contains("error="));
}

#[tokio::test]
async fn a_client_that_prefers_html_gets_html() {
    let resetting = Origin::scripted(Script::new().read_request().reset())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&resetting]).await;
    let accepting = |accept: &str| format!("GET /<script> HTTP/1.1\r\nHost: app.test\r\n{accept}\r\n\r\n");
    for (accept, is_html) in [
        (
            "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            true,
        ),
        ("Accept: text/html", true),
        ("accept: TEXT/HTML", true),
        ("Accept: text/html;q=0.5, application/json;q=0.1", true),
        ("Accept: */*", false),
        ("Accept: application/json", false),
        ("Accept: application/problem+json, text/html;q=0.9", false),
        ("X-None: 1", false),
    ] {
        let response = proxy.answer(accepting(accept)).await;
        let kind = response.field("content-type").unwrap_or_default();
        assert_eq!(kind.starts_with("text/html"), is_html, "{accept}: {kind}");
        assert!(
            !response.text().contains("<script>"),
            "nothing of the request comes back: {}",
            response.text()
        );
        if is_html {
            assert!(
                response.text().contains("502") && response.text().contains("backend_reset"),
                "{}",
                response.text()
            );
        }
    }
}

#[tokio::test]
async fn an_error_for_head_has_no_body() {
    let resetting = Origin::scripted(Script::new().read_request().reset())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&resetting]).await;
    let mut client = proxy.connect().await;
    for _ in 0..2 {
        client.send("HEAD / HTTP/1.1\r\nHost: app.test\r\n\r\n").await;
        assert_eq!(client.response_to_head().await.status(), 502);
    }
}

#[tokio::test]
async fn an_error_that_leaves_the_connection_in_step_keeps_it() {
    let resetting = Origin::scripted(Script::new().read_request().reset())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&resetting]).await;
    let mut client = proxy.connect().await;
    for _ in 0..3 {
        client.send(get("/")).await;
        assert_eq!(client.response().await.status(), 502);
    }
    client.send("GET / HTTP/1.1\r\nHost: else.test\r\n\r\n").await;
    assert_eq!(client.response().await.status(), 421);
}

#[tokio::test]
async fn an_error_never_lets_a_body_become_a_request() {
    let refusing = Origin::refusing();
    let proxy = Proxy::routing("app.test", &[&refusing]).await;
    let mut client = proxy.connect().await;
    client.send(post(&get("/hidden"))).await;
    assert_eq!(client.response().await.status(), 502);
    // Either the body was taken and the connection waits, or it is closed; a second answer never comes.
    let broken = client
        .patience(std::time::Duration::from_millis(200))
        .try_response()
        .await
        .unwrap_err();
    assert!(broken.got.is_empty(), "{broken}");
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_errors_too() {
    let refusing = Origin::refusing();
    let proxy = Proxy::routing("app.test", &[&refusing]).await;
    let mut client = proxy.connect().await;
    client.send("GET / HTTP/1.0\r\nHost: app.test\r\n\r\n").await;
    assert_problem(&client.response().await, 502, "connect_refused");
    client.expect_closed().await;
}

#[tokio::test]
async fn an_error_is_read_by_a_client_that_is_still_sending() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("body_bytes_max = 10")
        .start()
        .await;
    for _ in 0..5 {
        let mut client = proxy.connect().await;
        client
            .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 1000000\r\n\r\n")
            .await;
        let _ = client.try_send(vec![b'x'; 1_000_000]).await;
        assert_problem(&client.response().await, 413, "body_too_large");
    }
}

#[tokio::test]
async fn another_backend_takes_over_where_nothing_was_done() {
    let (refusing, good) = (Origin::refusing(), Origin::replying(200, "hi").start().await);
    let proxy = Proxy::before("app.test", &[&refusing, &good])
        .pool("balance = \"first\"")
        .start()
        .await;
    assert_eq!(proxy.answer(post("x")).await.status(), 200);
    assert_eq!(good.request().await.text(), "x");
}

#[tokio::test]
async fn another_backend_takes_over_an_idempotent_request() {
    let dying = Origin::scripted(Script::new().read_request().reset())
        .start()
        .await;
    let good = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::before("app.test", &[&dying, &good])
        .pool("balance = \"first\"")
        .start()
        .await;
    assert_eq!(proxy.answer(get("/")).await.status(), 200);
    assert_problem(&proxy.answer(post("pay")).await, 502, "backend_reset");
    assert_eq!(good.requests().await.len(), 1);
}

#[tokio::test]
async fn an_answer_that_has_begun_is_never_replaced_by_an_error() {
    let gate = Gate::new();
    let script = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        .wait(&gate);
    let origin = Origin::scripted(script).start().await;
    let other = Origin::scripted(Script::new().read_request().send(answer("200 OK", "hi")))
        .start()
        .await;
    let proxy = Proxy::before("app.test", &[&origin, &other])
        .pool("balance = \"first\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.read_through(b"half").await;
    gate.open();
    let (rest, _) = client.read_to_end().await;
    assert_eq!(rest, b"");
    assert_eq!(other.connection_count(), 0);
}
