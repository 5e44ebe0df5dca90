//! A client that speaks HTTP/2 by the `h2` crate.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use portreeve_testkit::{Address, PATIENCE, Proxy};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// A connection; dropping it closes it.
pub(crate) struct Peer {
    send: SendRequest<Bytes>,
    driver: JoinHandle<Result<(), h2::Error>>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: http::response::Parts,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }
}

/// A request for this target of `app.test`.
pub(crate) fn request(method: &str, target: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(format!("http://app.test{target}"))
}

impl Peer {
    pub(crate) async fn connect(proxy: &Proxy) -> Self {
        Self::with(proxy, &h2::client::Builder::new()).await
    }

    pub(crate) async fn with(proxy: &Proxy, builder: &h2::client::Builder) -> Self {
        let Address::Tcp(address) = proxy.address() else {
            panic!("the listener is on TCP");
        };
        let stream = TcpStream::connect(address).await.unwrap();
        Self::over(stream, builder).await
    }

    /// Within TLS, as `app.test`; `config` offers HTTP/2.
    pub(crate) async fn within_tls(proxy: &Proxy, config: &Arc<ClientConfig>) -> Self {
        let Address::Tcp(address) = proxy.address() else {
            panic!("the listener is on TCP");
        };
        let stream = TcpStream::connect(address).await.unwrap();
        let name = "app.test".try_into().expect("a name");
        let tls = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
        Self::over(tls.unwrap(), &h2::client::Builder::new()).await
    }

    async fn over(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        builder: &h2::client::Builder,
    ) -> Self {
        let (send, connection) = builder.handshake(stream).await.unwrap();
        let driver = tokio::spawn(connection);
        Self { send, driver }
    }

    /// Begins a request; `whole`: no body follows.
    pub(crate) async fn begin(
        &mut self,
        request: http::request::Builder,
        whole: bool,
    ) -> (ResponseFuture, SendStream<Bytes>) {
        let ready = timeout(PATIENCE, self.send.clone().ready()).await;
        let mut send = ready.expect("there is room for a stream").unwrap();
        send.send_request(request.body(()).unwrap(), whole).unwrap()
    }

    /// Waits until the proxy has said that it takes `CONNECT` with `:protocol`.
    pub(crate) async fn until_extended_connect(&self) {
        let known = async {
            while !self.send.is_extended_connect_protocol_enabled() {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, known).await.expect("SETTINGS come");
    }

    /// The answer to a request without a body.
    pub(crate) async fn ask(&mut self, request: http::request::Builder) -> Answer {
        let (response, _) = self.begin(request, true).await;
        whole(response).await.unwrap()
    }

    /// The answer to `GET` of this target.
    pub(crate) async fn get(&mut self, target: &str) -> Answer {
        self.ask(request("GET", target)).await
    }

    /// How the connection ended, once it has.
    pub(crate) async fn ended(mut self) -> Result<(), h2::Error> {
        let ended = timeout(PATIENCE, &mut self.driver).await;
        ended.expect("the connection ends").expect("nobody stopped it")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// The whole answer.
pub(crate) async fn whole(response: ResponseFuture) -> Result<Answer, h2::Error> {
    let response: Response<RecvStream> = timeout(PATIENCE, response).await.expect("an answer in time")?;
    let (head, mut body) = response.into_parts();
    let mut bytes = BytesMut::new();
    while let Some(data) = timeout(PATIENCE, body.data()).await.expect("a body in time") {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok(Answer {
        head,
        body: bytes.freeze(),
        trailers: body.trailers().await?,
    })
}
