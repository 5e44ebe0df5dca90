use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::{TcpListener, TcpSocket};

use super::*;
use crate::testing::announcement;

fn backend(address: SocketAddr) -> Backend {
    Backend::registered(&announcement("a", &address.to_string()))
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A port at which nobody listens, and where nobody else will while it is held.
fn closed_port() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// A listener whose queue is full: the kernel drops what else would connect.
pub(crate) async fn silent() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(connected) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        queued.push(connected.unwrap());
    }
    (listener, queued, address)
}

async fn probe(address: SocketAddr) -> Result<(), String> {
    let (mut prober, mut outcomes) = Prober::new();
    let backend = backend(address);
    prober.probe(&backend);
    let outcome = outcomes.recv().await.unwrap();
    assert_eq!(outcome.backend, backend.id);
    outcome.result
}

#[tokio::test]
async fn who_listens_passes() {
    let (_listener, address) = listener().await;
    assert_eq!(probe(address).await, Ok(()));
}

#[tokio::test]
async fn who_refuses_fails_with_a_reason() {
    let (_socket, address) = closed_port();
    let reason = probe(address).await.unwrap_err();
    assert_eq!(reason, format!("cannot connect to {address}: Connection refused"));
}

#[tokio::test]
async fn who_says_nothing_fails_after_two_seconds() {
    let (_listener, _queued, address) = silent().await;
    let before = Instant::now();

    let reason = probe(address).await.unwrap_err();

    assert_eq!(reason, format!("{address} did not answer within 2 s"));
    assert!(before.elapsed() >= CONNECT_TIMEOUT);
}

#[tokio::test]
async fn the_probed_sees_an_end_and_no_byte() {
    let (listener, address) = listener().await;
    let (mut prober, mut outcomes) = Prober::new();
    prober.probe(&backend(address));

    let (mut connection, _) = listener.accept().await.unwrap();
    let mut got = Vec::new();
    connection.read_to_end(&mut got).await.unwrap();

    assert_eq!(got, b"");
    outcomes.recv().await.unwrap().result.unwrap();
    drop(connection);
    timeout(Duration::from_secs(1), prober.ended()).await.unwrap();
}

#[tokio::test]
async fn who_accepts_and_never_closes_has_passed_and_is_left() {
    let (listener, address) = listener().await;
    let (mut prober, mut outcomes) = Prober::new();
    prober.probe(&backend(address));
    let (_connection, _) = listener.accept().await.unwrap();

    outcomes.recv().await.unwrap().result.unwrap();

    timeout(Duration::from_secs(1), prober.ended()).await.unwrap();
    assert_eq!(prober.room(), PROBES_MAX);
}

#[tokio::test]
async fn who_talks_without_end_is_left_too() {
    let (listener, address) = listener().await;
    let (mut prober, mut outcomes) = Prober::new();
    prober.probe(&backend(address));
    let talk = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        while connection.write_all(&[b'x'; 4_096]).await.is_ok() {}
    });

    outcomes.recv().await.unwrap().result.unwrap();

    timeout(Duration::from_secs(1), prober.ended()).await.unwrap();
    timeout(Duration::from_secs(1), talk).await.unwrap().unwrap();
}

#[tokio::test]
async fn outcomes_that_nobody_reads_do_not_lose_any() {
    let (_listener, address) = listener().await;
    let (mut prober, mut outcomes) = Prober::new();
    let backends: Vec<Arc<Backend>> = (0..PROBES_MAX).map(|_| Arc::new(backend(address))).collect();
    backends.iter().for_each(|backend| prober.probe(backend));
    assert_eq!(prober.room(), 0);

    for _ in &backends {
        outcomes.recv().await.unwrap();
    }
}
