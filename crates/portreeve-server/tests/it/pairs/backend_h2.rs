//! A backend of HTTP/2, by the `h2` crate.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use portreeve_testkit::PATIENCE;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::act::{Do, Length};
use super::told::told;

/// A running server; dropping it closes all.
pub(super) struct Server {
    address: SocketAddr,
    counts: Counts,
    task: JoinHandle<()>,
}

/// How many requests have begun, and how many are over.
type Counts = watch::Sender<(usize, usize)>;

impl Server {
    pub(super) async fn start(tls: Option<Arc<ServerConfig>>, acts: &[Do]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let counts = Counts::default();
        let (acts, counted) = (Arc::new(acts.to_vec()), counts.clone());
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (wire, _) = listener.accept().await.expect("it listens");
                wire.set_nodelay(true).expect("a fresh socket");
                let (tls, acts, counts) = (tls.clone(), acts.clone(), counted.clone());
                connections.spawn(async move {
                    match tls {
                        None => serve(wire, acts, counts).await,
                        Some(tls) => {
                            if let Ok(wire) = TlsAcceptor::from(tls).accept(wire).await {
                                serve(wire, acts, counts).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            counts,
            task,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn begun(&self) -> usize {
        self.counts.borrow().0
    }

    pub(super) async fn until_begun(&self, count: usize) {
        self.until(|counts| counts.0 >= count).await;
    }

    pub(super) async fn until_left(&self) {
        self.until(|counts| counts.0 == counts.1).await;
    }

    async fn until(&self, holds: impl Fn((usize, usize)) -> bool) {
        let mut counts = self.counts.subscribe();
        let waited = timeout(PATIENCE, counts.wait_for(|counts| holds(*counts))).await;
        waited
            .unwrap_or_else(|_| panic!("requests begun and over: {:?}", *self.counts.borrow()))
            .expect("this server holds a sender");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one connection until it ends, or a script closes it.
async fn serve<T: AsyncRead + AsyncWrite + Unpin>(wire: T, acts: Arc<Vec<Do>>, counts: Counts) {
    let mut builder = h2::server::Builder::new();
    builder.enable_connect_protocol();
    let Ok(mut connection) = builder.handshake(wire).await else {
        return;
    };
    let (closing, mut streams) = (Arc::new(Notify::new()), JoinSet::new());
    let mut ping = connection.ping_pong().expect("nobody has taken it");
    let asked = closing.clone();
    let mut closed = std::pin::pin!(async move {
        asked.notified().await;
        // Once it is answered, the proxy has all that was sent before.
        let _ = ping.ping(h2::Ping::opaque()).await;
    });
    loop {
        let accepted = tokio::select! {
            accepted = connection.accept() => accepted,
            () = &mut closed => return,
        };
        let Some(Ok((request, respond))) = accepted else {
            return;
        };
        let (acts, counts, closing) = (acts.clone(), counts.clone(), closing.clone());
        counts.send_modify(|counts| counts.0 += 1);
        streams.spawn(async move {
            let _over = Over(counts);
            let _ = Stream::new(request, respond, closing).play(&acts).await;
        });
    }
}

/// Counts a request as over once it is.
struct Over(Counts);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.send_modify(|counts| counts.1 += 1);
    }
}

/// A request and how far it is answered.
struct Stream {
    head: http::request::Parts,
    body: RecvStream,
    respond: SendResponse<Bytes>,
    answer: Option<SendStream<Bytes>>,
    closing: Arc<Notify>,
}

impl Stream {
    fn new(request: Request<RecvStream>, respond: SendResponse<Bytes>, closing: Arc<Notify>) -> Self {
        let (head, body) = request.into_parts();
        Self {
            head,
            body,
            respond,
            answer: None,
            closing,
        }
    }

    /// Does all of it, unless the proxy ends the stream.
    async fn play(mut self, acts: &[Do]) -> Result<(), h2::Error> {
        for act in acts {
            match act {
                Do::ReadBody => drop(read(&mut self.body).await?),
                Do::Tell => self.tell().await?,
                Do::Echo => self.echo().await?,
                Do::Interim(status, field) => self.interim(*status, *field)?,
                Do::Head(status, fields, length) => self.begin(*status, fields, *length)?,
                Do::Data(bytes) => self.send(bytes.clone()).await,
                Do::Trailers(trailers) => self.end(fields_of(trailers))?,
                Do::End => self.end(HeaderMap::new())?,
                Do::Reset => {
                    self.reset();
                    return Ok(());
                }
                Do::Close => self.close().await,
                Do::Wait => drop(read(&mut self.body).await?),
                Do::Tunnel => {
                    assert!(self.head.extensions.get::<h2::ext::Protocol>().is_some());
                    self.tunnel().await?;
                }
                Do::Host => {
                    assert!(self.head.method == "CONNECT" && self.head.uri.path().is_empty());
                    self.tunnel().await?;
                }
            }
        }
        if matches!(acts.last(), Some(Do::Wait)) {
            std::future::poll_fn(|context| self.respond.poll_reset(context)).await?;
        }
        Ok(())
    }

    async fn tell(&mut self) -> Result<(), h2::Error> {
        let (body, trailers) = read(&mut self.body).await?;
        let line = format!("{} {}", self.head.method, self.head.uri.path());
        let text = told(&line, pairs_of(&self.head.headers), &body, &pairs_of(&trailers));
        self.begin(200, &[], Length::Known(text.len()))?;
        if self.head.method != "HEAD" {
            self.send(text.into()).await;
        }
        self.end(HeaderMap::new())
    }

    async fn echo(&mut self) -> Result<(), h2::Error> {
        let (body, trailers) = read(&mut self.body).await?;
        self.begin(200, &[], Length::Unknown)?;
        self.send(body.into()).await;
        self.end(trailers)
    }

    fn interim(&mut self, status: u16, field: Option<(&str, &str)>) -> Result<(), h2::Error> {
        let mut interim = Response::builder().status(status);
        if let Some((name, value)) = field {
            interim = interim.header(name, value);
        }
        self.respond
            .send_informational(interim.body(()).expect("tests say it well"))
    }

    fn begin(&mut self, status: u16, fields: &[(&str, String)], length: Length) -> Result<(), h2::Error> {
        let mut head = Response::builder().status(status);
        if let Length::Known(bytes) = length {
            head = head.header("content-length", bytes);
        }
        for (name, value) in fields {
            head = head.header(*name, value);
        }
        let head = head.body(()).expect("tests say it well");
        self.answer = Some(self.respond.send_response(head, false)?);
        Ok(())
    }

    /// As fast as the proxy takes it; whether it does shows later.
    async fn send(&mut self, mut bytes: Bytes) {
        let stream = self.answer.as_mut().expect("a head goes first");
        while !bytes.is_empty() {
            stream.reserve_capacity(bytes.len());
            let room = std::future::poll_fn(|context| stream.poll_capacity(context)).await;
            let Some(Ok(room)) = room else { return };
            let part = bytes.split_to(room.min(bytes.len()));
            if stream.send_data(part, false).is_err() {
                return;
            }
        }
    }

    fn end(&mut self, trailers: HeaderMap) -> Result<(), h2::Error> {
        let stream = self.answer.as_mut().expect("a head goes first");
        if trailers.is_empty() {
            stream.send_data(Bytes::new(), true)
        } else {
            stream.send_trailers(trailers)
        }
    }

    fn reset(&mut self) {
        match &mut self.answer {
            Some(stream) => stream.send_reset(Reason::INTERNAL_ERROR),
            None => self.respond.send_reset(Reason::INTERNAL_ERROR),
        }
    }

    /// The connection ends with all of its streams, this one too.
    async fn close(&self) {
        self.closing.notify_one();
        std::future::pending::<()>().await;
    }

    async fn tunnel(&mut self) -> Result<(), h2::Error> {
        self.begin(200, &[], Length::Unknown)?;
        while let Some(data) = self.body.data().await {
            let data = data?;
            self.body.flow_control().release_capacity(data.len())?;
            self.send(data).await;
        }
        self.end(HeaderMap::new())
    }
}

/// A body to its end, and its trailers.
async fn read(body: &mut RecvStream) -> Result<(Vec<u8>, HeaderMap), h2::Error> {
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok((bytes, body.trailers().await?.unwrap_or_default()))
}

/// Names and values as text.
pub(super) fn pairs_of(fields: &HeaderMap) -> Vec<(String, String)> {
    fields
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

/// The other way round.
pub(super) fn fields_of(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::try_from(*name).expect("tests name fields well"),
                HeaderValue::try_from(*value).expect("tests write values well"),
            )
        })
        .collect()
}
