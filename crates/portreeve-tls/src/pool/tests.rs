use std::io;
use std::net::SocketAddr;

use portreeve_model::Cause;
use portreeve_model::Policies;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;
use crate::backend_cause;
use crate::testing::{Authority, Leaf};

fn backend(host: Option<&str>, address: BackendAddress) -> Backend {
    let mut backend = Backend::new("one".into(), address, 1, Policies::none());
    backend.host = host.map(Arc::from);
    backend
}

fn at(address: &str) -> BackendAddress {
    BackendAddress::Tcp(vec![address.parse().unwrap()])
}

fn plain() -> PoolTls {
    PoolTls::new(None, None, None, 1)
}

fn named(name: &str) -> Result<Option<ServerName<'static>>, Wrong> {
    planned_name(&BackendTlsPlan {
        server_name: Some(name.to_owned()),
        ..BackendTlsPlan::default()
    })
}

#[test]
fn a_backend_is_called_as_the_pool_says_or_by_its_host_or_address() {
    let name =
        |tls: &PoolTls, backend: &Backend| tls.server_name(backend).map(|name| name.to_str().into_owned());
    let by_host = backend(Some("App.test."), at("127.0.0.1:1"));
    let bare = backend(None, at("[::1]:1"));
    let socket = backend(None, BackendAddress::Unix("/run/app".into()));
    assert_eq!(name(&plain(), &by_host).unwrap(), "App.test");
    assert_eq!(name(&plain(), &bare).unwrap(), "::1");
    assert!(name(&plain(), &socket).unwrap_err().contains("`server_name`"));
    let fixed = named("fixed.test").unwrap();
    let fixed = PoolTls::new(fixed.as_ref(), None, None, 1);
    for backend in [by_host, bare, socket] {
        assert_eq!(name(&fixed, &backend).unwrap(), "fixed.test");
    }
}

#[test]
fn a_name_that_is_none_is_said_to_be() {
    assert!(named("10.0.0.7").unwrap().is_some());
    assert_eq!(
        named("a b"),
        Err(Wrong::ServerName {
            name: "a b".to_owned()
        })
    );
    let odd = backend(Some("under score"), at("127.0.0.1:1"));
    assert!(plain().server_name(&odd).unwrap_err().contains("`under score`"));
}

/// A backend on a port of its own that greets whoever has shaken hands, and where it is.
async fn greeting(config: rustls::ServerConfig) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((wire, _)) = listener.accept().await {
            if let Ok(mut wire) = acceptor.accept(wire).await {
                let _ = wire.write_all(b"hello").await;
                let _ = wire.shutdown().await;
            }
        }
    });
    address
}

fn server(leaf: &Leaf, alpn: &[&str], clients: Option<&Authority>) -> rustls::ServerConfig {
    use rustls::server::WebPkiClientVerifier;
    let verifier = clients.map_or_else(WebPkiClientVerifier::no_client_auth, |authority| {
        let trusted = Arc::new(trusting(authority));
        WebPkiClientVerifier::builder_with_provider(trusted, provider())
            .build()
            .unwrap()
    });
    let key = rustls::pki_types::PrivateKeyDer::try_from(leaf.key.serialize_der()).unwrap();
    let builder = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = builder.with_client_cert_verifier(verifier);
    let mut config = builder.with_single_cert(vec![leaf.der.clone()], key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

fn trusting(authority: &Authority) -> RootCertStore {
    let mut trusted = RootCertStore::empty();
    trusted.add(authority.0.der().clone()).unwrap();
    trusted
}

/// What the backend says to a client of the pool, once they have shaken hands.
async fn greeted(tls: &PoolTls, scheme: Scheme, host: &str, address: SocketAddr) -> io::Result<String> {
    let name = tls
        .server_name(&backend(Some(host), at(&address.to_string())))
        .unwrap();
    let wire = TcpStream::connect(address).await?;
    let mut wire = TlsConnector::from(tls.config(scheme)).connect(name, wire).await?;
    let mut said = String::new();
    wire.read_to_string(&mut said).await?;
    Ok(said)
}

async fn refused(tls: &PoolTls, host: &str, address: SocketAddr) -> (Cause, String) {
    backend_cause(&greeted(tls, Scheme::Https, host, address).await.unwrap_err())
}

#[tokio::test]
async fn whom_the_authorities_vouch_for_is_trusted_and_nobody_else() {
    let (authority, other) = (Authority::new(), Authority::new());
    let address = greeting(server(&authority.leaf(&["a.test"]), &[], None)).await;
    let tls = PoolTls::new(None, Some(&Arc::new(trusting(&authority))), None, 1);
    assert_eq!(
        greeted(&tls, Scheme::Https, "a.test", address).await.unwrap(),
        "hello"
    );
    let (cause, why) = refused(&tls, "b.test", address).await;
    assert_eq!(cause, Cause::BackendCertificate);
    assert!(why.contains("for a.test, not for b.test"), "{why}");
    let foreign = PoolTls::new(None, Some(&Arc::new(trusting(&other))), None, 1);
    let (cause, why) = refused(&foreign, "a.test", address).await;
    assert_eq!(cause, Cause::BackendCertificate);
    assert!(why.contains("`authorities`"), "{why}");
}

#[tokio::test]
async fn an_expired_certificate_is_said_to_be() {
    let authority = Authority::new();
    let leaf = authority.leaf_of(&["a.test"], (-30, -1), rcgen::KeyPair::generate().unwrap());
    let address = greeting(server(&leaf, &[], None)).await;
    let tls = PoolTls::new(None, Some(&Arc::new(trusting(&authority))), None, 1);
    let (cause, why) = refused(&tls, "a.test", address).await;
    assert_eq!(
        (cause, &*why),
        (Cause::BackendCertificate, "the backend's certificate has expired")
    );
}

#[tokio::test]
async fn who_is_insecure_takes_any_certificate() {
    let address = greeting(server(&Authority::new().leaf(&["a.test"]), &[], None)).await;
    assert_eq!(
        greeted(&plain(), Scheme::Tls, "b.test", address).await.unwrap(),
        "hello"
    );
}

#[tokio::test]
async fn a_backend_that_wants_a_certificate_is_shown_ours() {
    let authority = Authority::new();
    let address = greeting(server(&authority.leaf(&["a.test"]), &[], Some(&authority))).await;
    let (cause, why) = refused(&plain(), "a.test", address).await;
    assert_eq!(cause, Cause::BackendTls);
    assert!(why.contains("wants a certificate from us"), "{why}");
    let own = authority.client(Vec::new());
    let key = rustls::pki_types::PrivateKeyDer::try_from(own.key.serialize_der()).unwrap();
    let own = Arc::new(CertifiedKey::from_der(vec![own.der], key, &provider()).unwrap());
    let showing = PoolTls::new(None, None, Some(&own), 1);
    assert_eq!(
        greeted(&showing, Scheme::Https, "a.test", address).await.unwrap(),
        "hello"
    );
}

#[tokio::test]
async fn the_protocol_is_agreed_on_or_said_not_to_be() {
    let address = greeting(server(&Authority::new().leaf(&["a.test"]), &["h2"], None)).await;
    assert_eq!(
        greeted(&plain(), Scheme::H2, "a.test", address).await.unwrap(),
        "hello"
    );
    assert_eq!(
        greeted(&plain(), Scheme::Tls, "a.test", address).await.unwrap(),
        "hello"
    );
    assert_eq!(
        refused(&plain(), "a.test", address).await.0,
        Cause::BackendProtocol
    );
}

#[tokio::test]
async fn what_is_not_tls_is_said_to_be_no_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut answers = [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b""].into_iter();
        while let (Ok((mut wire, _)), Some(answer)) = (listener.accept().await, answers.next()) {
            let mut hello = [0; 1];
            let _ = wire.read(&mut hello).await;
            let _ = wire.write_all(answer).await;
            let _ = wire.shutdown().await;
            let _ = tokio::io::copy(&mut wire, &mut tokio::io::sink()).await;
        }
    });
    let (cause, why) = refused(&plain(), "a.test", address).await;
    assert_eq!(cause, Cause::BackendTls);
    assert!(why.contains("does the backend speak TLS"), "{why}");
    let (cause, why) = refused(&plain(), "a.test", address).await;
    assert_eq!(
        (cause, &*why),
        (
            Cause::BackendTls,
            "the backend closed the connection within the handshake"
        )
    );
}
