//! A client that sends any bytes in any pieces and keeps every byte it gets.

mod packets;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::time::timeout;

use crate::PATIENCE;
use crate::message::{Kind, Message, decoded, extent, head_bytes, text};
use crate::wire::{Address, Wire};

/// One raw connection. Every call is bounded by [`PATIENCE`], or by what [`Client::patience`] set, and panics with the
/// bytes it has when something else happens than the test asked for.
#[derive(Debug)]
pub struct Client {
    wire: Wire,
    /// Read but not yet given to the test.
    buffer: Vec<u8>,
    ended: Option<Ended>,
    patience: Duration,
}

/// How the peer ended the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With FIN: the peer says that this was all.
    Closed,
    /// With RST.
    Reset,
}

/// Why there is no whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What came of it.
    pub got: Vec<u8>,
    /// How the connection ended; `None`: it did not, and the time ran out or the bytes are no message.
    pub ended: Option<Ended>,
    /// In words.
    pub why: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; ended: {:?}; got {}",
            self.why,
            self.ended,
            text(&self.got)
        )
    }
}

impl Client {
    /// Connects.
    ///
    /// # Panics
    /// If it cannot.
    pub async fn connect(address: &Address) -> Self {
        let connected = timeout(PATIENCE, Wire::connect(address))
            .await
            .expect("connecting takes no time here");
        let wire = connected.unwrap_or_else(|error| panic!("no connection to {address}: {error}"));
        Self {
            wire,
            buffer: Vec::new(),
            ended: None,
            patience: PATIENCE,
        }
    }

    /// Connects from this address of the machine, as another client would.
    ///
    /// # Panics
    /// If it cannot, or `to` is a Unix socket.
    pub async fn connect_from(from: impl Into<IpAddr>, to: &Address) -> Self {
        let Address::Tcp(to) = to else {
            panic!("{to} has no other side with an IP address")
        };
        let wire = Wire::connect_from(from.into(), *to)
            .await
            .expect("a loopback address can be connected from");
        Self {
            wire,
            buffer: Vec::new(),
            ended: None,
            patience: PATIENCE,
        }
    }

    /// Connects, and does a TLS handshake for this name. In TLS 1.3 a server that refuses the client shows it only later.
    ///
    /// # Errors
    /// If the handshake comes to nothing.
    ///
    /// # Panics
    /// If it cannot connect, or `name` is none.
    pub async fn connect_tls(address: &Address, config: &Arc<ClientConfig>, name: &str) -> io::Result<Self> {
        let name = ServerName::try_from(name.to_owned()).expect("tests name hosts well");
        let client = Self::connect(address).await;
        let shaken = timeout(PATIENCE, client.wire.connect_tls(Arc::clone(config), name));
        Ok(Self {
            wire: shaken.await.expect("a handshake takes no time here")?,
            ..client
        })
    }

    /// What the TLS handshake has settled.
    ///
    /// # Panics
    /// If there was none.
    pub fn session(&self) -> &rustls::CommonState {
        self.wire
            .session()
            .expect("a client that has connected within TLS")
    }

    /// Keeps the connection open, and nothing of TLS: the peer still holds all of its own.
    ///
    /// # Panics
    /// If there was no TLS.
    pub fn forget_session(self) -> tokio::net::TcpStream {
        self.wire.into_silent()
    }

    /// Sets how long each further call may take.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// This end of a TCP connection.
    pub fn local(&self) -> Option<SocketAddr> {
        self.wire.local()
    }

    /// Sends all of it.
    ///
    /// # Panics
    /// If the peer does not take it.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        if let Err(error) = self.try_send(bytes).await {
            panic!("sending {}: {error}", text(bytes));
        }
    }

    /// Sends all of it, or tells why not; the peer may have closed.
    ///
    /// # Errors
    /// What the kernel says, or `TimedOut` if the peer does not take it in time.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        timeout(self.patience, self.wire.write_all(bytes.as_ref()))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// The same, and gives up after `time`; some of the bytes may be out then.
    ///
    /// # Errors
    /// As [`Client::try_send`].
    pub async fn try_send_within(&mut self, bytes: impl AsRef<[u8]>, time: Duration) -> io::Result<()> {
        let sent = timeout(time, self.wire.write_all(bytes.as_ref())).await;
        sent.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Sends in pieces of `size` bytes, each in a segment of its own, with a pause between.
    pub async fn send_pieces(&mut self, bytes: impl AsRef<[u8]>, size: usize, pause: Duration) {
        for piece in bytes.as_ref().chunks(size) {
            self.send(piece).await;
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends the same bytes again and again until the peer takes no more for `quiet`, or `limit` bytes are out; how
    /// many went out.
    pub async fn flood(&mut self, limit: u64, quiet: Duration) -> u64 {
        let block = vec![b'x'; 64 * 1024];
        let mut sent = 0;
        while sent < limit {
            let size = usize::try_from(limit - sent).map_or(block.len(), |left| left.min(block.len()));
            match timeout(quiet, self.wire.write(&block[..size])).await {
                Ok(Ok(taken)) => sent += taken as u64,
                Ok(Err(_)) | Err(_) => break,
            }
        }
        sent
    }

    /// Ends our direction; the answer can still be read.
    pub async fn shut(&mut self) {
        self.wire.shut().await.expect("the connection is still open");
    }

    /// Ends the connection with RST.
    pub fn reset(self) {
        self.wire.reset();
    }

    /// The next message, an interim one too, as the answer to any method but `HEAD`.
    ///
    /// # Panics
    /// If no whole message comes.
    pub async fn response(&mut self) -> Message {
        self.message(Kind::Response).await
    }

    /// The next message as the answer to a `HEAD` request.
    ///
    /// # Panics
    /// If no whole message comes.
    pub async fn response_to_head(&mut self) -> Message {
        self.message(Kind::ResponseToHead).await
    }

    async fn message(&mut self, kind: Kind) -> Message {
        match self.try_message(kind).await {
            Ok(message) => message,
            Err(broken) => panic!("no whole response: {broken}"),
        }
    }

    /// The next message, or what came of it.
    ///
    /// # Errors
    /// If the connection ends or the time runs out before the message is whole, or it is none.
    pub async fn try_response(&mut self) -> Result<Message, Broken> {
        self.try_message(Kind::Response).await
    }

    /// The rest of the message whose head [`Client::head`] has read, and the head.
    ///
    /// # Errors
    /// As with [`Client::try_response`].
    pub async fn try_rest(&mut self, head: &[u8]) -> Result<Message, Broken> {
        self.buffer.splice(..0, head.iter().copied());
        self.try_response().await
    }

    async fn try_message(&mut self, kind: Kind) -> Result<Message, Broken> {
        let length = loop {
            match extent(&self.buffer, kind, self.ended == Some(Ended::Closed)) {
                Ok(Some(length)) => break length,
                Ok(None) if self.ended.is_some() => return Err(self.broken("the connection broke")),
                Ok(None) => self.fill().await?,
                Err(fault) => return Err(self.broken(&fault.0)),
            }
        };
        let raw: Vec<u8> = self.buffer.drain(..length).collect();
        decoded(&raw, kind).map_err(|fault| Broken {
            got: raw,
            ended: self.ended,
            why: fault.0,
        })
    }

    /// The next response head alone, its empty line included; the body stays to be read by the other calls.
    ///
    /// # Panics
    /// If no whole head comes.
    pub async fn head(&mut self) -> Vec<u8> {
        loop {
            if let Some(length) = head_bytes(&self.buffer) {
                return self.buffer.drain(..length).collect();
            }
            self.fill_or_panic("a head").await;
        }
    }

    /// Exactly the next `count` bytes.
    ///
    /// # Panics
    /// If fewer come.
    pub async fn read_exactly(&mut self, count: usize) -> Vec<u8> {
        while self.buffer.len() < count {
            self.fill_or_panic("so many bytes").await;
        }
        self.buffer.drain(..count).collect()
    }

    /// All bytes up to the next place where `end` stands, and `end`.
    ///
    /// # Panics
    /// If it does not come.
    pub async fn read_through(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end) {
                return self.buffer.drain(..at + end.len()).collect();
            }
            self.fill_or_panic("the awaited bytes").await;
        }
    }

    /// All that comes until the peer ends the connection, and how it did.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn read_to_end(&mut self) -> (Vec<u8>, Ended) {
        loop {
            if let Some(ended) = self.ended {
                return (std::mem::take(&mut self.buffer), ended);
            }
            self.fill_or_panic("the end").await;
        }
    }

    /// Reads and forgets `count` bytes in constant memory.
    ///
    /// # Panics
    /// If fewer come.
    pub async fn discard(&mut self, mut count: u64) {
        loop {
            let now = self
                .buffer
                .len()
                .min(usize::try_from(count).unwrap_or(usize::MAX));
            self.buffer.drain(..now);
            count -= now as u64;
            if count == 0 {
                return;
            }
            self.fill_or_panic("so many bytes").await;
        }
    }

    /// The peer ends the connection, with FIN or RST, and sends nothing before.
    ///
    /// # Panics
    /// If it sends something or stays.
    pub async fn expect_closed(&mut self) -> Ended {
        let (rest, ended) = self.read_to_end().await;
        assert!(rest.is_empty(), "before the end came {}", text(&rest));
        ended
    }

    /// For `time` nothing comes and the connection stays open.
    ///
    /// # Panics
    /// If something comes or it ends.
    pub async fn expect_silence(&mut self, time: Duration) {
        let _ = timeout(time, self.fill()).await;
        assert!(
            self.buffer.is_empty() && self.ended.is_none(),
            "{:?}, {}",
            self.ended,
            text(&self.buffer)
        );
    }

    async fn fill_or_panic(&mut self, awaited: &str) {
        if self.ended.is_some() {
            panic!("instead of {awaited}: {}", self.broken("the connection ended"));
        }
        if let Err(broken) = self.fill().await {
            panic!("instead of {awaited}: {broken}");
        }
    }

    /// Waits for more bytes or the end, which is kept in `ended`.
    async fn fill(&mut self) -> Result<(), Broken> {
        match timeout(self.patience, self.wire.read(&mut self.buffer)).await {
            Ok(Ok(0)) => self.ended = Some(Ended::Closed),
            Ok(Ok(_)) => {}
            Ok(Err(_)) => self.ended = Some(Ended::Reset),
            Err(_) => return Err(self.broken("nothing more came in time")),
        }
        Ok(())
    }

    fn broken(&self, why: &str) -> Broken {
        Broken {
            got: self.buffer.clone(),
            ended: self.ended,
            why: why.to_owned(),
        }
    }
}
