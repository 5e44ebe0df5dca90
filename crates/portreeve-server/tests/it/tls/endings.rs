//! How connections within TLS end: an end that nobody has said may be somebody's doing on the way.

use portreeve_model::Cause;
use portreeve_model::plan::Scheme;
use portreeve_testkit::{Origin, Script, get};

use super::{Authority, Edge};

const UNTIL_CLOSE: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it";

async fn edge_to(script: Script, authority: &Authority) -> (Edge, Origin) {
    let origin = Origin::scripted(script)
        .within_tls(&authority.server("backend.test"))
        .start()
        .await;
    let edge = Edge::with(&[&origin], |plan, _| {
        let pool = &mut plan.pools[0];
        pool.targets[0].scheme = Scheme::Https;
        pool.tls.authorities = Some(authority.file());
        pool.tls.server_name = Some("backend.test".to_owned());
    });
    (edge, origin)
}

#[tokio::test]
async fn a_body_that_ends_with_the_session_is_whole() {
    let authority = Authority::new();
    let script = Script::new().read_request().send(UNTIL_CLOSE).shut();
    let (edge, _origin) = edge_to(script, &authority).await;
    assert_eq!(edge.answer(&get("/")).await.body, b"all of it");
}

#[tokio::test]
async fn a_body_that_ends_without_the_sessions_end_is_cut() {
    let authority = Authority::new();
    // Dropped without a word within TLS: only the connection under it ends.
    let script = Script::new().read_request().send(UNTIL_CLOSE);
    let (edge, _origin) = edge_to(script, &authority).await;
    let mut client = edge.connect().await;
    client.send(get("/")).await;
    let broken = client.try_response().await.expect_err("it is not whole");
    assert!(broken.ended.is_some(), "{broken}");
    edge.until_ended_in(Cause::TruncatedResponse, 1).await;
}

#[tokio::test]
async fn a_connection_that_is_done_ends_by_a_word_within_tls() {
    let origin = Origin::replying(200, "hi").start().await;
    let edge = Edge::to(&origin);
    let mut client = edge.connect().await;
    client
        .send("GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(client.response().await.body, b"hi");
    // The client's own TLS takes an end without a word for an error, which would show as a reset.
    assert_eq!(client.expect_closed().await, portreeve_testkit::Ended::Closed);
}

#[tokio::test]
async fn an_idle_connection_ends_by_a_word_within_tls() {
    let origin = Origin::replying(200, "hi").start().await;
    let edge = Edge::with(&[&origin], |plan, _| {
        plan.listeners[0].limits.keep_alive_timeout = std::time::Duration::from_millis(50);
    });
    let mut client = edge.connect().await;
    client.send(get("/")).await;
    client.response().await;
    assert_eq!(client.expect_closed().await, portreeve_testkit::Ended::Closed);
}

#[tokio::test]
async fn a_body_that_only_the_end_ends_is_told_from_one_that_was_cut() {
    let script = Script::new().read_request().send(UNTIL_CLOSE).reset();
    let origin = Origin::scripted(script).start().await;
    let edge = Edge::to(&origin);
    let mut client = edge.connect().await;
    client.send("GET / HTTP/1.0\r\nHost: app.test\r\n\r\n").await;
    let (_, ended) = client.read_to_end().await;
    assert_eq!(ended, portreeve_testkit::Ended::Reset);
}

#[tokio::test]
async fn a_client_that_says_its_end_while_it_waits_has_left() {
    let origin = Origin::scripted(Script::new().read_request().stall())
        .start()
        .await;
    let edge = Edge::to(&origin);
    let mut client = edge.connect().await;
    client.send(get("/")).await;
    origin.until_requests(1).await;
    client.shut().await;
    edge.until_ended_in(Cause::ClientLeft, 1).await;
}
