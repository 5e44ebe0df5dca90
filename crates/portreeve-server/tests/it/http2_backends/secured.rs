//! HTTP/2 within TLS, agreed on by ALPN.

use std::sync::Arc;

use portreeve_testkit::{get, post};
use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

use super::backend::{Backend, reply};
use crate::tls::{Authority, Edge};

/// Says in which scheme it was asked.
async fn within(config: Arc<ServerConfig>) -> Backend {
    let acceptor = TlsAcceptor::from(config);
    Backend::accepting(move |wire, _| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(tls) = acceptor.accept(wire).await else {
                return;
            };
            let Ok(mut connection) = h2::server::handshake(tls).await else {
                return;
            };
            while let Some(Ok((request, respond))) = connection.accept().await {
                reply(respond, request.uri().to_string());
            }
        }
    })
    .await
}

fn speaking(authority: &Authority, protocol: &[u8]) -> Arc<ServerConfig> {
    let mut config = (*authority.server("app.test")).clone();
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

#[tokio::test]
async fn one_connection_serves_many_requests_within_tls() {
    let authority = Authority::new();
    let backend = within(speaking(&authority, b"h2")).await;
    let edge = Edge::to_http2(&backend.address().to_string(), &authority);
    for _ in 0..5 {
        assert_eq!(edge.answer(&get("/path")).await.text(), "https://app.test/path");
    }
    assert_eq!(edge.answer(&post("body")).await.status(), 200);
    assert_eq!(backend.connections(), 1);
}

#[tokio::test]
async fn who_agrees_on_http1_alone_is_named() {
    let authority = Authority::new();
    for protocol in [&b"http/1.1"[..], b"h2x"] {
        let backend = within(speaking(&authority, protocol)).await;
        let edge = Edge::to_http2(&backend.address().to_string(), &authority);
        let answer = edge.answer(&get("/")).await;
        assert_eq!(answer.status(), 502);
        let text = answer.text();
        assert!(
            text.contains("backend_protocol") || text.contains("backend_tls"),
            "{text}"
        );
    }
}
