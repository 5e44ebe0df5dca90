//! A client that sends any frames, and takes whatever frames come.

use std::sync::Arc;
use std::time::Duration;

use portreeve_testkit::Address;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::frames::{ACK, Frame, GOAWAY, PREFACE, SETTINGS, frame, settings};
use crate::tls::Edge;

/// A stream of bytes to the proxy, with or without TLS.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Wire for T {}

/// One connection.
pub(super) struct Client {
    wire: Box<dyn Wire>,
    input: Vec<u8>,
    /// The last frame that told us to go.
    pub(super) farewell: Option<Frame>,
    pub(super) has_ended: bool,
}

/// What came next.
pub(super) enum Came {
    Frame(Frame),
    /// The other side has closed.
    End,
    /// Nothing, for as long as anything may take.
    Nothing,
}

impl Client {
    /// Connects without TLS.
    pub(super) async fn connect(to: &Address) -> Self {
        let Address::Tcp(to) = to else {
            panic!("{to} is not reached by TCP")
        };
        let wire = TcpStream::connect(to).await.expect("the proxy accepts");
        wire.set_nodelay(true).expect("a socket has this option");
        Self::over(wire)
    }

    /// Connects with TLS, which settles on HTTP/2.
    pub(super) async fn connect_within_tls(edge: &Edge) -> Self {
        let Address::Tcp(to) = &edge.address else {
            panic!("{} is not reached by TCP", edge.address)
        };
        let wire = TcpStream::connect(to).await.expect("the proxy accepts");
        let mut config = ClientConfig::clone(&edge.authority.client());
        config.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from("app.test").expect("this is a name");
        let shaken = TlsConnector::from(Arc::new(config)).connect(name, wire).await;
        let shaken = shaken.expect("the proxy has a certificate of this name");
        assert_eq!(shaken.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        Self::over(shaken)
    }

    fn over(wire: impl Wire + 'static) -> Self {
        Self {
            wire: Box::new(wire),
            input: Vec::new(),
            farewell: None,
            has_ended: false,
        }
    }

    /// Begins as a client does that keeps the rules: the preface, the settings of both sides and their acknowledgements.
    ///
    /// # Errors
    /// In words, if the other side begins in another way.
    pub(super) async fn greet(&mut self) -> Result<(), String> {
        self.send(&[PREFACE, &settings(&[])].concat()).await;
        match self.next().await {
            Came::Frame(first) if first.is(SETTINGS, 0) && !first.has(ACK) => {}
            other => return Err(format!("it began with {other} and not with SETTINGS")),
        }
        self.send(&frame(SETTINGS, ACK, 0, [])).await;
        self.until_acknowledged().await
    }

    async fn until_acknowledged(&mut self) -> Result<(), String> {
        loop {
            match self.next().await {
                Came::Frame(frame) if frame.is(SETTINGS, 0) && frame.has(ACK) => return Ok(()),
                Came::Frame(_) => {}
                other => return Err(format!("{other} instead of the acknowledgement of the settings")),
            }
        }
    }

    /// Sends; what the other side does not take any more is lost, and its end is seen by who reads on.
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        let deadline = Instant::now() + WAIT;
        let _ = timeout_at(deadline, self.wire.write_all(bytes)).await;
        let _ = timeout_at(deadline, self.wire.flush()).await;
    }

    /// The next frame, or what there is instead.
    pub(super) async fn next(&mut self) -> Came {
        let deadline = Instant::now() + WAIT;
        loop {
            if let Some(frame) = Frame::take(&mut self.input) {
                self.remember(&frame);
                return Came::Frame(frame);
            }
            match timeout_at(deadline, self.wire.read_buf(&mut self.input)).await {
                Err(_) => return Came::Nothing,
                Ok(Ok(1..)) => {}
                Ok(_) => {
                    self.has_ended = true;
                    return Came::End;
                }
            }
        }
    }

    fn remember(&mut self, frame: &Frame) {
        if frame.kind == GOAWAY {
            self.farewell = Some(frame.clone());
        }
    }
}

impl std::fmt::Display for Came {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frame(frame) if frame.kind == GOAWAY => {
                write!(f, "GOAWAY {:?} {:?}", frame.goaway_code(), frame.goaway_text())
            }
            Self::Frame(frame) => write!(f, "{frame:?}"),
            Self::End => f.write_str("the end of the connection"),
            Self::Nothing => f.write_str("nothing at all"),
        }
    }
}

/// How long any single frame may take: far longer than it does where all is right.
pub(super) const WAIT: Duration = Duration::from_secs(4);
