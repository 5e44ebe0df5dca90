use std::time::Duration;

use portreeve_model::plan::{BackendTlsPlan, Check, HttpCheck, Plan, PoolPlan, ProbePlan};
use portreeve_tls::{TlsStore, provider};
use rcgen::{CertifiedKey, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::prober::testing::{order, probed_by};
use crate::testing::Folder;

/// A backend with a certificate of its own for `a.test`, at a port of its own.
struct Backend {
    address: String,
    certificate: String,
}

/// It answers in what is agreed on: a request of HTTP/2 with 204, any other with 200.
async fn backend(protocols: &[&str]) -> Backend {
    backend_wanting(protocols, 0).await
}

/// The same, which wants so many bytes of a PROXY header before the handshake.
async fn backend_wanting(protocols: &[&str], header: usize) -> Backend {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["a.test".to_owned()]).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let acceptor = TlsAcceptor::from(Arc::new(config(cert.der().clone(), &signing_key, protocols)));
    tokio::spawn(async move {
        while let Ok((mut wire, _)) = listener.accept().await {
            let mut begun = vec![0; header];
            let is_introduced = wire.read_exact(&mut begun).await.is_ok()
                && portreeve_preamble::parse(&begun).is_ok_and(|parsed| header == 0 || parsed.is_some());
            if !is_introduced {
                continue;
            }
            if let Ok(wire) = acceptor.accept(wire).await {
                tokio::spawn(answer(wire));
            }
        }
    });
    Backend {
        address,
        certificate: cert.pem(),
    }
}

fn config(
    certificate: rustls::pki_types::CertificateDer<'static>,
    key: &KeyPair,
    protocols: &[&str],
) -> ServerConfig {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.unwrap().with_no_client_auth();
    let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

async fn answer(mut wire: tokio_rustls::server::TlsStream<tokio::net::TcpStream>) {
    if wire.get_ref().1.alpn_protocol() == Some(b"h2") {
        let mut connection = h2::server::handshake(wire).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            let head = http::Response::builder().status(204).body(()).unwrap();
            respond.send_response(head, true).unwrap();
        }
        return;
    }
    let mut asked = [0; 1_024];
    let _ = wire.read(&mut asked).await;
    let _ = wire
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .await;
    let _ = wire.shutdown().await;
}

/// A table in which the pool `api` speaks TLS so.
fn securing(tls: BackendTlsPlan) -> Securing {
    let pool = PoolPlan {
        scheme: Scheme::Https,
        tls,
        ..PoolPlan::empty("api".into())
    };
    let plan = Plan {
        pools: vec![pool],
        ..Plan::default()
    };
    let store = TlsStore::new();
    let _ = store.publish(store.load(&plan).unwrap());
    Securing(Some(store.subscribe()))
}

fn trusting(backend: &Backend, name: &str) -> (Folder, Securing) {
    let folder = Folder::new();
    let file = folder.0.join("ca.pem");
    std::fs::write(&file, &backend.certificate).unwrap();
    let securing = securing(BackendTlsPlan {
        authorities: Some(file),
        server_name: Some(name.to_owned()),
        ..BackendTlsPlan::default()
    });
    (folder, securing)
}

fn asking(scheme: Scheme, statuses: (u16, u16), backend: &Backend) -> ProbeOrder {
    let check = HttpCheck {
        statuses: vec![statuses],
        ..HttpCheck::default()
    };
    ProbeOrder {
        scheme,
        ..order(ProbePlan::new(Check::Http(check)), &backend.address)
    }
}

#[tokio::test]
async fn a_backend_of_https_is_asked_within_tls() {
    let backend = backend(&["http/1.1"]).await;
    let (_folder, securing) = trusting(&backend, "a.test");
    assert_eq!(
        probed_by(asking(Scheme::Https, (200, 200), &backend), securing).await,
        Ok(())
    );
}

#[tokio::test]
async fn a_header_of_ours_comes_before_the_handshake() {
    for (version, length) in [(1, 15), (2, 16)] {
        for (scheme, protocol, status) in [(Scheme::Https, "http/1.1", 200), (Scheme::H2, "h2", 204)] {
            let backend = backend_wanting(&[protocol], length).await;
            let (_folder, securing) = trusting(&backend, "a.test");
            let mut asking = asking(scheme, (status, status), &backend);
            asking.proxy_protocol = Some(version);
            assert_eq!(
                probed_by(asking, securing).await,
                Ok(()),
                "{scheme:?} by version {version}"
            );
        }
    }
}

#[tokio::test]
async fn a_backend_of_h2_is_asked_in_http2_within_tls() {
    let backend = backend(&["h2", "http/1.1"]).await;
    let (_folder, securing) = trusting(&backend, "a.test");
    assert_eq!(
        probed_by(asking(Scheme::H2, (204, 204), &backend), securing).await,
        Ok(())
    );
}

#[tokio::test]
async fn one_whose_certificate_is_not_to_be_trusted_fails_with_a_reason() {
    let backend = backend(&[]).await;
    let (_folder, other) = trusting(&backend, "b.test");
    let reason = probed_by(asking(Scheme::Https, (200, 200), &backend), other)
        .await
        .unwrap_err();
    assert_eq!(
        reason,
        "the backend's certificate is for a.test, not for b.test: `server_name` in the pool's `tls`"
    );
    let insecure = securing(BackendTlsPlan {
        is_insecure: true,
        ..BackendTlsPlan::default()
    });
    assert_eq!(
        probed_by(asking(Scheme::Https, (200, 200), &backend), insecure).await,
        Ok(())
    );
}

#[tokio::test]
async fn one_that_does_not_agree_on_http2_fails() {
    let backend = backend(&[]).await;
    let (_folder, securing) = trusting(&backend, "a.test");
    let reason = probed_by(asking(Scheme::H2, (200, 299), &backend), securing)
        .await
        .unwrap_err();
    assert_eq!(reason, "the backend does not agree on HTTP/2 (ALPN)");
}

#[tokio::test]
async fn one_that_shakes_no_hands_is_cut_at_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = Backend {
        address: listener.local_addr().unwrap().to_string(),
        certificate: String::new(),
    };
    let insecure = securing(BackendTlsPlan {
        is_insecure: true,
        ..BackendTlsPlan::default()
    });
    let mut asked = asking(Scheme::Https, (200, 200), &silent);
    asked.plan = Arc::new(ProbePlan {
        timeout: Duration::from_millis(150),
        ..(*asked.plan).clone()
    });
    let reason = probed_by(asked, insecure).await.unwrap_err();
    assert_eq!(reason, "the TLS handshake was not done within 150 ms");
}

#[tokio::test]
async fn without_a_word_on_tls_one_that_speaks_it_fails() {
    let backend = backend(&[]).await;
    let reason = probed_by(asking(Scheme::Https, (200, 200), &backend), Securing::default()).await;
    assert_eq!(reason.unwrap_err(), "TLS is not configured yet");
}
