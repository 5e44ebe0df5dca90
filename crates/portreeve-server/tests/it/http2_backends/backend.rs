//! A backend that speaks HTTP/2 by the `h2` crate, or frame by frame.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Builder, SendResponse};
use http::{HeaderMap, Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A running backend; dropping it closes all.
pub(crate) struct Backend {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

/// A request and the place for its response.
pub(crate) type Asked = (Request<RecvStream>, SendResponse<Bytes>);

impl Backend {
    /// Serves each request with `serve`.
    pub(crate) async fn serving<F>(serve: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::built(Builder::new(), serve).await
    }

    /// The same with these settings.
    pub(crate) async fn built<F>(builder: Builder, serve: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let serve = Arc::new(serve);
        Self::accepting(move |wire, _| {
            let (builder, serve) = (builder.clone(), serve.clone());
            async move {
                let mut connection = builder.handshake(wire).await.expect("the proxy speaks HTTP/2");
                let mut tasks = JoinSet::new();
                while let Some(Ok(asked)) = connection.accept().await {
                    tasks.spawn(serve(asked));
                }
            }
        })
        .await
    }

    /// Does this with each connection, which are counted from 0.
    pub(crate) async fn accepting<F>(serve: impl Fn(TcpStream, usize) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        let task = tokio::spawn(async move {
            let mut tasks = JoinSet::new();
            loop {
                let (wire, _) = listener.accept().await.expect("it listens");
                wire.set_nodelay(true).expect("a fresh socket");
                tasks.spawn(serve(wire, counted.fetch_add(1, Ordering::SeqCst)));
            }
        });
        Self {
            address,
            connections,
            task,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections that were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers 200 with this body.
pub(crate) fn reply(mut respond: SendResponse<Bytes>, body: impl Into<Bytes>) {
    let mut stream = respond
        .send_response(Response::new(()), false)
        .expect("the stream is open");
    stream.send_data(body.into(), true).expect("the stream is open");
}

/// Reads a body to its end, and its trailers.
pub(crate) async fn read(body: &mut RecvStream) -> (Vec<u8>, Option<HeaderMap>) {
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.expect("the body comes whole");
        bytes.extend_from_slice(&data);
        body.flow_control()
            .release_capacity(data.len())
            .expect("it was received");
    }
    (bytes, body.trailers().await.expect("the body comes whole"))
}

/// Sends a body as fast as the other side takes it.
pub(crate) async fn send(stream: &mut h2::SendStream<Bytes>, mut bytes: Bytes, is_last: bool) {
    while !bytes.is_empty() {
        stream.reserve_capacity(bytes.len());
        let room = std::future::poll_fn(|context| stream.poll_capacity(context)).await;
        let Some(Ok(room)) = room else { return };
        let part = bytes.split_to(room.min(bytes.len()));
        let ends = is_last && bytes.is_empty();
        if stream.send_data(part, ends).is_err() {
            return;
        }
    }
}
