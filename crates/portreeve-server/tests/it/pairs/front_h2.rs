//! A client of HTTP/2, by the `h2` crate.

use std::sync::Arc;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{Request, Response};
use portreeve_testkit::{Address, PATIENCE};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::ask::{Ask, Body};
use super::backend_h2::{fields_of, pairs_of};
use super::front::Front;
use super::got::Got;

/// A connection; dropping it closes it.
pub(super) struct Connection {
    send: SendRequest<Bytes>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    pub(super) async fn plain(address: &Address) -> Self {
        Self::over(tcp(address).await).await
    }

    pub(super) async fn within_tls(address: &Address, config: Arc<ClientConfig>, name: &str) -> Self {
        let name = ServerName::try_from(name.to_owned()).expect("a host");
        let shaken = TlsConnector::from(config).connect(name, tcp(address).await);
        let wire = timeout(PATIENCE, shaken)
            .await
            .expect("a handshake takes no time");
        let wire = wire.expect("the proxy speaks TLS");
        assert_eq!(wire.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        Self::over(wire).await
    }

    async fn over<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(wire: T) -> Self {
        let (send, connection) = h2::client::handshake(wire).await.expect("a fresh connection");
        let driver = tokio::spawn(async move {
            // How it ends shows in its streams.
            let _ = connection.await;
        });
        Self { send, driver }
    }

    /// Begins a request, with what of its body comes unasked.
    pub(super) async fn begin(&self, front: &Front<'_>, ask: &Ask) -> (ResponseFuture, SendStream<Bytes>) {
        let (response, mut stream) = self
            .send_head(head(front, ask), matches!(ask.body, Body::Without))
            .await;
        match &ask.body {
            Body::Without | Body::Asked(_) => {}
            Body::Known(bytes) => send(&mut stream, bytes.clone(), true).await,
            Body::Part(_, bytes) => send(&mut stream, bytes.clone(), false).await,
            Body::Pieces(pieces, trailers) => {
                for piece in pieces {
                    send(&mut stream, piece.clone(), false).await;
                }
                if trailers.is_empty() {
                    // The answer may be there already, and the stream over.
                    let _ = stream.send_data(Bytes::new(), true);
                } else {
                    let _ = stream.send_trailers(fields_of(trailers));
                }
            }
        }
        (response, stream)
    }

    pub(super) async fn send_head(
        &self,
        head: http::request::Builder,
        is_whole: bool,
    ) -> (ResponseFuture, SendStream<Bytes>) {
        let ready = timeout(PATIENCE, self.send.clone().ready()).await;
        let mut ready = ready.expect("there is room for a stream").expect("it is open");
        let head = head.body(()).expect("tests say it well");
        ready.send_request(head, is_whole).expect("tests say it well")
    }

    /// Returns once the proxy has said that it takes extended CONNECT.
    pub(super) async fn until_tunnels(&self) {
        let told = timeout(PATIENCE, async {
            while !self.send.is_extended_connect_protocol_enabled() {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        });
        told.await.expect("SETTINGS come first, and allow it");
    }

    pub(super) async fn ask(&self, front: &Front<'_>, ask: &Ask) -> Got {
        let (response, stream) = self.begin(front, ask).await;
        answer(response, stream, &ask.body).await
    }

    pub(super) async fn ask_together(&self, front: &Front<'_>, asks: &[Ask]) -> Vec<Got> {
        let mut begun = Vec::new();
        for ask in asks {
            begun.push(self.begin(front, ask).await);
        }
        let mut got = Vec::new();
        for (response, stream) in begun {
            got.push(answer(response, stream, &Body::Without).await);
        }
        got
    }
}

async fn tcp(address: &Address) -> TcpStream {
    let Address::Tcp(address) = address else {
        panic!("{address} is no TCP")
    };
    let wire = TcpStream::connect(address).await.expect("the proxy listens");
    wire.set_nodelay(true).expect("a fresh socket");
    wire
}

pub(super) fn head(front: &Front<'_>, ask: &Ask) -> http::request::Builder {
    let scheme = if front.is_secured { "https" } else { "http" };
    let mut head = Request::builder()
        .method(ask.method)
        .uri(format!("{scheme}://{}{}", front.host(), front.target(ask)))
        .header("te", "trailers");
    for (name, value) in &ask.fields {
        head = head.header(*name, value);
    }
    if let Some(length) = ask.length() {
        head = head.header("content-length", length);
    }
    if matches!(ask.body, Body::Asked(_)) {
        head = head.header("expect", "100-continue");
    }
    head
}

/// Interim answers, and the final one.
async fn answer(mut response: ResponseFuture, mut stream: SendStream<Bytes>, body: &Body) -> Got {
    let mut got = Got::default();
    if let Body::Asked(bytes) = body {
        interim(&mut response, &mut got).await;
        send(&mut stream, bytes.clone(), true).await;
    }
    while interim(&mut response, &mut got).await {}
    let Ok(response) = timeout(PATIENCE, response).await.expect("it hangs") else {
        return got;
    };
    got = Got {
        interim: got.interim,
        ..got_head(&response)
    };
    rest(got, response.into_body()).await
}

/// Of an answer whose body is still to come.
pub(super) fn got_head(response: &Response<RecvStream>) -> Got {
    Got {
        status: response.status().as_u16(),
        fields: pairs_of(response.headers()),
        ..Got::default()
    }
}

/// With what is left of the body, as far as it comes.
pub(super) async fn rest(mut got: Got, body: RecvStream) -> Got {
    if let Ok(trailers) = read(body, &mut got.body).await {
        got.trailers = trailers;
        got.is_whole = true;
    }
    got
}

/// Whether another one has come before the final answer.
async fn interim(response: &mut ResponseFuture, got: &mut Got) -> bool {
    let polled = std::future::poll_fn(|context| response.poll_informational(context));
    match timeout(PATIENCE, polled).await.expect("it hangs") {
        Some(Ok(interim)) => {
            let link = interim.headers().get("link");
            let link = link.map(|link| String::from_utf8_lossy(link.as_bytes()).into_owned());
            got.interim.push((interim.status().as_u16(), link));
            true
        }
        Some(Err(_)) | None => false,
    }
}

async fn read(mut body: RecvStream, into: &mut Vec<u8>) -> Result<Vec<(String, String)>, h2::Error> {
    while let Some(data) = timeout(PATIENCE, body.data()).await.expect("it hangs") {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        into.extend_from_slice(&data);
    }
    let trailers = timeout(PATIENCE, body.trailers()).await.expect("it hangs")?;
    Ok(pairs_of(&trailers.unwrap_or_default()))
}

/// As fast as the proxy takes it; whether it does shows in the answer.
pub(super) async fn send(stream: &mut SendStream<Bytes>, mut bytes: Bytes, is_last: bool) {
    if bytes.is_empty() && is_last {
        let _ = stream.send_data(bytes, true);
        return;
    }
    while !bytes.is_empty() {
        stream.reserve_capacity(bytes.len());
        let room = std::future::poll_fn(|context| stream.poll_capacity(context));
        let Ok(Some(Ok(room))) = timeout(PATIENCE, room).await else {
            return;
        };
        let part = bytes.split_to(room.min(bytes.len()));
        let is_end = is_last && bytes.is_empty();
        if stream.send_data(part, is_end).is_err() {
            return;
        }
    }
}
