//! Faults that were found by these tests and by an attack, and mended since.

mod bodies;
mod closing;
mod crowds;
mod figures;
mod framing;
mod heads;
mod words;

use std::time::{Duration, Instant};

use portreeve_testkit::{Ended, Gate, Origin, Proxy, Script, answer, get, text};

#[tokio::test]
async fn an_absolute_target_with_an_empty_path_and_a_query_gets_its_slash() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    proxy
        .answer("GET http://app.test?q HTTP/1.1\r\nHost: app.test\r\n\r\n")
        .await;
    assert_eq!(origin.request().await.line(), "GET /?q HTTP/1.1");
}

#[tokio::test]
async fn trailer_lines_keep_their_space() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let body = "1\r\na\r\n0\r\nX-a:1\r\nx-B: \t 2  \r\n\r\n";
    proxy
        .answer(format!(
            "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n{body}"
        ))
        .await;
    assert_eq!(text(origin.request().await.raw_body()), text(body.as_bytes()));
}

#[tokio::test]
async fn the_weights_in_accept_decide_between_html_and_json() {
    let refusing = Origin::refusing();
    let proxy = Proxy::routing("app.test", &[&refusing]).await;
    for accept in [
        "text/html;q=0.1, application/json",
        "text/html;q=0",
        "text/html;q=0.5, application/problem+json;q=0.9",
    ] {
        let response = proxy
            .answer(format!(
                "GET / HTTP/1.1\r\nHost: app.test\r\nAccept: {accept}\r\n\r\n"
            ))
            .await;
        assert_eq!(
            response.field("content-type").as_deref(),
            Some("application/problem+json"),
            "{accept}"
        );
    }
}

#[tokio::test]
async fn a_response_with_too_many_fields_is_too_large_and_not_malformed() {
    let six = format!(
        "HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n",
        "X: a\r\n".repeat(5)
    );
    let origin = Origin::scripted(Script::new().read_request().send(six))
        .start()
        .await;
    let proxy = Proxy::before("app.test", &[&origin])
        .backend_limits("fields_max = 5")
        .start()
        .await;
    let response = proxy.answer(get("/")).await;
    assert!(
        response.text().contains("\"response_head_too_large\""),
        "{}",
        response.text()
    );
}

#[tokio::test]
async fn a_connection_that_has_its_last_answer_is_not_cut_by_a_drain() {
    let gate = Gate::new();
    let origin = Origin::scripted(
        Script::new()
            .read_request()
            .wait(&gate)
            .send(answer("200 OK", "late")),
    )
    .start()
    .await;
    let proxy = Proxy::before("app.test", &[&origin])
        .top("drain_timeout = \"1s\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    origin.until_requests(1).await;
    let finish = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        gate.open();
        assert_eq!(client.response().await.text(), "late");
        assert_eq!(client.expect_closed().await, Ended::Closed);
    };
    let (cut, ()) = tokio::join!(proxy.drain(), finish);
    assert_eq!(
        cut, 0,
        "the answer was whole and the connection ended; only the client's own end is missing"
    );
}

#[tokio::test]
async fn a_client_that_leaves_behind_a_pipeline_ends_the_backends_request() {
    let origin = Origin::scripted(Script::new().read_head().until_peer_leaves())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/1") + &get("/2")).await;
    origin.until_requests(1).await;
    drop(client);
    origin.until_peer_left(0).await;
}

#[tokio::test]
async fn a_client_that_leaves_behind_a_large_pipeline_ends_the_backends_request() {
    let origin = Origin::scripted(Script::new().read_head().until_peer_leaves())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/1").repeat(4_000)).await;
    origin.until_requests(1).await;
    client.reset();
    origin.until_peer_left(0).await;
}

#[tokio::test]
async fn a_client_that_leaves_while_we_connect_is_not_waited_for() {
    let deaf = Origin::deaf();
    let proxy = Proxy::before("app.test", &[&deaf])
        .recording("json")
        .start()
        .await;
    let mut client = proxy.connect().await;
    let began = Instant::now();
    client.send(get("/")).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(client);
    let record = proxy.records(1).await.remove(0);
    assert!(record.contains("\"client_left\""), "{record}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}
