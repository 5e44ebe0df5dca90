//! What is agreed on with clients, and what backends hear of it.

use portreeve_model::plan::{ClientCertificatePlan, Network};
use portreeve_model::{Cause, EdgeEvent};
use portreeve_testkit::{Client, Origin, get, text};

use super::{Authority, Edge};

const HEADER: &str = "x-client-certificate-san";

async fn origin() -> Origin {
    Origin::replying(200, "hi").start().await
}

fn asks_clients(authority: &Authority, is_required: bool) -> ClientCertificatePlan {
    ClientCertificatePlan {
        authorities: authority.file(),
        revoked: Vec::new(),
        is_required,
        header: Some(HEADER.to_owned()),
    }
}

#[tokio::test]
async fn requests_are_served_within_tls_and_backends_hear_so() {
    let origin = origin().await;
    let edge = Edge::to(&origin);
    let mut client = edge.connect().await;
    for _ in 0..3 {
        client.send(get("/")).await;
        assert_eq!(client.response().await.body, b"hi");
    }
    let request = &origin.requests().await[0];
    assert_eq!(request.field("x-forwarded-proto"), Some("https".to_owned()));
    assert_eq!(edge.count(EdgeEvent::TlsFull), 1);
}

#[tokio::test]
async fn forwarded_says_https_too() {
    let origin = origin().await;
    let edge = Edge::with(&[&origin], |plan, _| plan.listeners[0].forwarded = true);
    edge.answer(&get("/")).await;
    let request = origin.request().await;
    let forwarded = request.field("forwarded").expect("it is written");
    assert!(forwarded.ends_with(";proto=https"), "{forwarded}");
}

#[tokio::test]
async fn a_trusted_proxys_word_about_the_scheme_stands() {
    let origin = origin().await;
    let edge = Edge::with(&[&origin], |plan, _| {
        plan.listeners[0].trusted_proxies = vec![Network {
            address: [127, 0, 0, 1].into(),
            prefix: 32,
        }];
    });
    let request = "GET / HTTP/1.1\r\nHost: app.test\r\nX-Forwarded-Proto: http\r\n\r\n";
    edge.answer(request).await;
    assert_eq!(
        origin.request().await.field("x-forwarded-proto"),
        Some("http".to_owned())
    );
}

#[tokio::test]
async fn a_session_is_resumed() {
    let origin = origin().await;
    let edge = Edge::to(&origin);
    let config = edge.authority.client();
    for _ in 0..2 {
        let mut client = edge.connect_by(&config, "app.test").await;
        client.send(get("/")).await;
        client.response().await;
    }
    assert_eq!(edge.count(EdgeEvent::TlsFull), 1);
    assert_eq!(edge.count(EdgeEvent::TlsResumed), 1);
}

#[tokio::test]
async fn http_without_tls_is_told_where_to_go() {
    let origin = origin().await;
    let edge = Edge::to(&origin);
    let mut client = Client::connect(&edge.address).await;
    client.send("GET / HTTP/1.1\r\nHost: app.test:8443\r\n\r\n").await;
    let answer = client.response().await;
    assert_eq!(answer.status(), 400);
    let body = text(&answer.body);
    assert!(
        body.contains("plain_http") && body.contains("https://app.test:8443/"),
        "{body}"
    );
    client.expect_closed().await;
    assert_eq!(edge.count(EdgeEvent::TlsPlainHttp), 1);
    assert_eq!(origin.connection_count(), 0);
}

#[tokio::test]
async fn an_unknown_name_is_refused_by_its_own_alert() {
    let origin = origin().await;
    let edge = Edge::to(&origin);
    let refused = Client::connect_tls(&edge.address, &edge.authority.client(), "other.test").await;
    let error = refused.expect_err("no certificate is for it").to_string();
    assert!(error.contains("UnrecognisedName"), "{error}");
    edge.until(EdgeEvent::TlsUnknownName, 1).await;
}

#[tokio::test]
async fn bytes_that_are_no_tls_end_in_an_alert() {
    let origin = origin().await;
    let edge = Edge::to(&origin);
    let mut client = Client::connect(&edge.address).await;
    client.send([0x16, 3, 1, 0, 4, 9, 9, 9, 9]).await;
    let (alert, _) = client.read_to_end().await;
    assert_eq!((alert[0], alert.len()), (21, 7), "{alert:?}");
    edge.until(EdgeEvent::TlsMalformed, 1).await;
    assert_eq!(edge.answer(&get("/")).await.status(), 200);
}

#[tokio::test]
async fn a_host_other_than_the_named_one_is_misdirected() {
    let origin = origin().await;
    let edge = Edge::to(&origin);
    let mut client = edge.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n").await;
    let answer = client.response().await;
    assert_eq!(answer.status(), 421);
    assert!(text(&answer.body).contains("sni_mismatch"));
    client.send("GET / HTTP/1.1\r\nHost: APP.test.:443\r\n\r\n").await;
    assert_eq!(client.response().await.status(), 200);
    assert_eq!(origin.requests().await.len(), 1);
}

#[tokio::test]
async fn a_client_that_names_no_host_may_ask_for_any() {
    let origin = origin().await;
    let edge = Edge::with(&[&origin], |plan, authority| {
        let tls = plan.listeners[0].tls.as_mut().expect("it has TLS");
        tls.certificates = vec![authority.issue_files("ip", &["DNS:app.test", "IP:127.0.0.1"])];
    });
    let mut client = edge.connect_by(&edge.authority.client(), "127.0.0.1").await;
    client.send(get("/")).await;
    assert_eq!(client.response().await.status(), 200);
}

#[tokio::test]
async fn a_clients_certificate_is_told_and_nobody_else_may_tell_it() {
    let origin = origin().await;
    let edge = Edge::with(&[&origin], |plan, authority| {
        let tls = plan.listeners[0].tls.as_mut().expect("it has TLS");
        tls.clients = Some(asks_clients(authority, false));
    });
    let names = ["URI:spiffe://test/api", "DNS:client.test"];
    let showing = edge.authority.client_showing(&names);
    let request = "GET / HTTP/1.1\r\nHost: app.test\r\nX-Client-Certificate-San: DNS:forged.test\r\n\
                   X_Client_Certificate_SAN: DNS:forged.test\r\n\r\n";
    for config in [showing.clone(), edge.authority.client(), showing] {
        let mut client = edge.connect_by(&config, "app.test").await;
        client.send(request).await;
        assert_eq!(client.response().await.status(), 200);
    }
    let requests = origin.requests().await;
    let told = Some("URI:spiffe://test/api, DNS:client.test".to_owned());
    assert_eq!(requests[0].field(HEADER), told);
    assert_eq!(requests[1].field(HEADER), None);
    assert_eq!(requests[2].field(HEADER), told, "a resumed session knows it too");
    assert_eq!(edge.count(EdgeEvent::TlsResumed), 1);
    assert!(
        requests
            .iter()
            .all(|request| !text(&request.raw).contains("forged"))
    );
}

#[tokio::test]
async fn where_no_certificate_is_asked_for_nobody_speaks_of_one_to_a_shared_backend() {
    let origin = origin().await;
    let edge = Edge::with(&[&origin], |plan, authority| {
        let mut asking = plan.listeners[0].clone();
        asking.name = "asking".into();
        asking.tls.as_mut().expect("it has TLS").clients = Some(asks_clients(authority, true));
        plan.listeners.push(asking);
    });
    let lies = format!("{HEADER}: DNS:boss.test\r\nX_Client-Certificate_SAN: DNS:boss.test");
    edge.answer(&format!("GET / HTTP/1.1\r\nHost: app.test\r\n{lies}\r\n\r\n"))
        .await;
    let request = origin.request().await;
    assert_eq!(request.field(HEADER), None);
    assert_eq!(request.field("x_client-certificate_san"), None);
}

#[tokio::test]
async fn a_client_without_the_certificate_that_is_required_is_refused() {
    let origin = origin().await;
    let edge = Edge::with(&[&origin], |plan, authority| {
        let tls = plan.listeners[0].tls.as_mut().expect("it has TLS");
        tls.clients = Some(asks_clients(authority, true));
    });
    let mut client = edge.connect().await;
    let _ = client.try_send(get("/")).await;
    assert!(client.try_response().await.is_err());
    edge.until(EdgeEvent::TlsCertificateMissing, 1).await;
    let stranger = edge
        .authority
        .client_vouched_by(&Authority::new(), &["DNS:client.test"]);
    let mut client = edge.connect_by(&stranger, "app.test").await;
    let _ = client.try_send(get("/")).await;
    assert!(client.try_response().await.is_err());
    edge.until(EdgeEvent::TlsCertificateRefused, 1).await;
    assert_eq!(edge.ended_in(Cause::SniMismatch), 0);
    assert_eq!(origin.connection_count(), 0);
}
