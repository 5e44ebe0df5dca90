//! TLS with backends.

use portreeve_model::Cause;
use portreeve_model::plan::{Plan, Scheme};
use portreeve_testkit::{Message, Origin, Script, get, post};

use super::{Authority, Edge};

/// The pool's backends are spoken with over TLS, as `backend.test`.
fn secured(plan: &mut Plan, authorities: &Authority) {
    let pool = &mut plan.pools[0];
    for target in &mut pool.targets {
        target.scheme = Scheme::Https;
    }
    pool.tls.authorities = Some(authorities.file());
    pool.tls.server_name = Some("backend.test".to_owned());
}

fn edge(origin: &Origin, backends: &Authority) -> Edge {
    Edge::with(&[origin], |plan, _| secured(plan, backends))
}

fn cause_of(answer: &Message) -> String {
    String::from_utf8(answer.body.clone()).expect("our own answers are text")
}

#[tokio::test]
async fn a_verified_backend_is_asked_and_its_connection_kept() {
    let authority = Authority::new();
    let origin = Origin::replying(200, "within")
        .within_tls(&authority.server("backend.test"))
        .start()
        .await;
    let edge = edge(&origin, &authority);
    for _ in 0..3 {
        assert_eq!(edge.answer(&get("/")).await.body, b"within");
        // What comes once it is idle, as tickets for later sessions may, does not spoil it.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(edge.answer(&post("what a body")).await.body, b"within");
    assert_eq!(origin.connection_count(), 1);
}

#[tokio::test]
async fn a_backend_whose_certificate_is_not_to_be_trusted_gets_nothing() {
    let origin = Origin::replying(200, "within")
        .within_tls(&Authority::new().server("backend.test"))
        .start()
        .await;
    let edge = edge(&origin, &Authority::new());
    let answer = edge.answer(&get("/")).await;
    assert_eq!(answer.status(), 502);
    let told = cause_of(&answer);
    assert!(told.contains("\"backend_certificate\""), "{told}");
    assert!(!told.contains("UnknownIssuer"), "{told}");
    assert!(origin.requests().await.is_empty());
    edge.until_ended_in(Cause::BackendCertificate, 1).await;
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_to_be_trusted() {
    let authority = Authority::new();
    let origin = Origin::replying(200, "within")
        .within_tls(&authority.server("other.test"))
        .start()
        .await;
    let answer = edge(&origin, &authority).answer(&get("/")).await;
    assert!(cause_of(&answer).contains("\"backend_certificate\""));
}

#[tokio::test]
async fn a_backend_that_speaks_no_tls_is_a_fault_of_tls() {
    let authority = Authority::new();
    let script = Script::new()
        .send("HTTP/1.1 400 Bad Request\r\n\r\n")
        .until_peer_leaves();
    let origin = Origin::scripted(script).start().await;
    let answer = edge(&origin, &authority).answer(&get("/")).await;
    assert_eq!(answer.status(), 502);
    assert!(cause_of(&answer).contains("\"backend_tls\""));
}

#[tokio::test]
async fn a_backend_that_is_silent_in_its_handshake_is_not_reached_in_time() {
    let authority = Authority::new();
    let origin = Origin::scripted(Script::new().stall()).start().await;
    let edge = Edge::with(&[&origin], |plan, _| {
        secured(plan, &authority);
        plan.pools[0].limits.connect_timeout = std::time::Duration::from_millis(200);
    });
    let answer = edge.answer(&get("/")).await;
    assert_eq!(answer.status(), 504);
    assert!(cause_of(&answer).contains("\"connect_timeout\""));
}

#[tokio::test]
async fn another_backend_is_asked_in_place_of_one_that_is_not_to_be_trusted() {
    let authority = Authority::new();
    let bad = Origin::replying(200, "bad")
        .within_tls(&Authority::new().server("backend.test"))
        .start()
        .await;
    let good = Origin::replying(200, "good")
        .within_tls(&authority.server("backend.test"))
        .start()
        .await;
    let edge = Edge::with(&[&bad, &good], |plan, _| secured(plan, &authority));
    for _ in 0..4 {
        assert_eq!(edge.answer(&post("what a body")).await.body, b"good");
    }
}

#[tokio::test]
async fn large_bodies_pass_both_ways_as_they_are() {
    let authority = Authority::new();
    let echo = |request: &Message| {
        let length = request.body.len();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        [head.as_bytes(), &request.body].concat()
    };
    let origin = Origin::answering(echo)
        .within_tls(&authority.server("backend.test"))
        .start()
        .await;
    let edge = edge(&origin, &authority);
    let body: String = (0..600_000).map(|number| format!("{number:09}\n")).collect();
    let mut client = edge.connect().await;
    let request = post(&body);
    client.send(&request).await;
    let answer = client.response().await;
    assert!(
        answer.body == body.as_bytes(),
        "{} of {} bytes",
        answer.body.len(),
        body.len()
    );
}
