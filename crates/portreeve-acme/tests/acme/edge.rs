//! As little of a data plane as the authority looks at: a port without TLS that shows proofs, and one with TLS that shows
//! what the store has.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use portreeve_tls::{Chosen, TlsStore, TlsTable};
use rustls::server::Acceptor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::LazyConfigAcceptor;

/// Two listeners; closed on drop.
pub(crate) struct Edge {
    pub(crate) http: u16,
    pub(crate) tls: u16,
    _tasks: JoinSet<()>,
}

impl Edge {
    pub(crate) async fn of(store: &TlsStore) -> Self {
        let mut tasks = JoinSet::new();
        let (http, tls) = (bound().await, bound().await);
        let ports = [&http, &tls].map(|listener| listener.local_addr().expect("it is bound").port());
        tasks.spawn(serve(http, store.subscribe(), show_proof));
        tasks.spawn(serve(tls, store.subscribe(), shake_hands));
        Self {
            http: ports[0],
            tls: ports[1],
            _tasks: tasks,
        }
    }
}

async fn bound() -> TcpListener {
    let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
    TcpListener::bind(any).await.expect("there are free ports")
}

async fn serve<F: Future<Output = Option<()>> + Send + 'static>(
    listener: TcpListener,
    table: watch::Receiver<Arc<TlsTable>>,
    answer: fn(TcpStream, Arc<TlsTable>) -> F,
) {
    let mut answers = JoinSet::new();
    loop {
        let (wire, _) = listener.accept().await.expect("there are descriptors");
        let now = Arc::clone(&table.borrow());
        answers.spawn(answer(wire, now));
        while answers.try_join_next().is_some() {}
    }
}

async fn show_proof(mut wire: TcpStream, table: Arc<TlsTable>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(wire.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let path = head.split(' ').nth(1)?;
    let proof = path
        .strip_prefix("/.well-known/acme-challenge/")
        .and_then(|token| table.http_challenge(token));
    let answer = match proof {
        Some(proof) => format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{proof}",
            proof.len()
        ),
        None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
    };
    wire.write_all(answer.as_bytes()).await.ok()
}

async fn shake_hands(wire: TcpStream, table: Arc<TlsTable>) -> Option<()> {
    let begun = LazyConfigAcceptor::new(Acceptor::default(), wire).await.ok()?;
    match table.listener("web")?.choose(&begun.client_hello()) {
        Chosen::Serve(config) | Chosen::Challenge(config) => {
            let mut stream = begun.into_stream(config).await.ok()?;
            stream.shutdown().await.ok()
        }
        Chosen::UnknownName => None,
    }
}
