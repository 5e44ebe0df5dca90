//! TCP and Unix sockets as one thing, and TLS over TCP.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// Where a peer listens. Prints as a configuration file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// TCP over IPv4 or IPv6.
    Tcp(SocketAddr),
    /// A Unix stream socket.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

/// A listening socket.
#[derive(Debug)]
pub(crate) enum Door {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Door {
    pub(crate) async fn accept(&self) -> io::Result<Wire> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, _)| Wire::tcp(stream)),
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| Wire::Unix(stream)),
        }
    }
}

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Wire {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    fn tcp(stream: TcpStream) -> Self {
        stream
            .set_nodelay(true)
            .expect("TCP_NODELAY can be set on an open socket");
        Self::Tcp(stream)
    }

    pub(crate) async fn connect(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => TcpStream::connect(address).await.map(Self::tcp),
            Address::Unix(path) => UnixStream::connect(path).await.map(Self::Unix),
        }
    }

    /// Does a client's handshake over it.
    pub(crate) async fn connect_tls(
        self,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> io::Result<Self> {
        let shaken = TlsConnector::from(config).connect(name, self.into_tcp()?).await?;
        Ok(Self::Tls(Box::new(shaken.into())))
    }

    /// Does a server's handshake over it.
    pub(crate) async fn accept_tls(self, config: Arc<ServerConfig>) -> io::Result<Self> {
        let shaken = TlsAcceptor::from(config).accept(self.into_tcp()?).await?;
        Ok(Self::Tls(Box::new(shaken.into())))
    }

    fn into_tcp(self) -> io::Result<TcpStream> {
        match self {
            Self::Tcp(stream) => Ok(stream),
            Self::Unix(_) | Self::Tls(_) => Err(io::Error::other("TLS goes over TCP here")),
        }
    }

    /// What TLS has settled, if it is spoken.
    pub(crate) fn session(&self) -> Option<&rustls::CommonState> {
        match self {
            Self::Tls(stream) => match &**stream {
                TlsStream::Client(stream) => Some(stream.get_ref().1),
                TlsStream::Server(stream) => Some(stream.get_ref().1),
            },
            _ => None,
        }
    }

    /// The connection under TLS alone.
    pub(crate) fn into_silent(self) -> TcpStream {
        match self {
            Self::Tls(stream) => match *stream {
                TlsStream::Client(stream) => stream.into_inner().0,
                TlsStream::Server(stream) => stream.into_inner().0,
            },
            Self::Tcp(_) | Self::Unix(_) => panic!("no TLS is spoken here"),
        }
    }

    fn tcp_of(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(stream) => Some(stream),
            Self::Tls(stream) => Some(stream.get_ref().0),
            Self::Unix(_) => None,
        }
    }

    pub(crate) async fn connect_from(from: IpAddr, to: SocketAddr) -> io::Result<Self> {
        let socket = if from.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        socket.bind((from, 0).into())?;
        socket.connect(to).await.map(Self::tcp)
    }

    /// Appends what is there, at least one byte, to `into`; 0 is the peer's end.
    pub(crate) async fn read(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        into.reserve(READ_BYTES);
        match self {
            Self::Tcp(stream) => stream.read_buf(into).await,
            Self::Unix(stream) => stream.read_buf(into).await,
            Self::Tls(stream) => stream.read_buf(into).await,
        }
    }

    /// Writes what the kernel takes.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes).await,
            Self::Unix(stream) => stream.write(bytes).await,
            Self::Tls(stream) => {
                let count = stream.write(bytes).await?;
                stream.flush().await?;
                Ok(count)
            }
        }
    }

    pub(crate) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes).await,
            Self::Unix(stream) => stream.write_all(bytes).await,
            Self::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }

    /// Sends the end of our bytes; the peer may go on sending.
    pub(crate) async fn shut(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown().await,
            Self::Unix(stream) => stream.shutdown().await,
            Self::Tls(stream) => stream.shutdown().await,
        }
    }

    /// Ends a TCP connection with RST: whatever is unsent is lost, the peer's next call fails. A Unix socket knows no
    /// such thing and is closed.
    pub(crate) fn reset(self) {
        if let Some(stream) = self.tcp_of() {
            SockRef::from(stream)
                .set_linger(Some(Duration::ZERO))
                .expect("SO_LINGER can be set on an open socket");
        }
    }

    pub(crate) fn local(&self) -> Option<SocketAddr> {
        self.tcp_of().and_then(|stream| stream.local_addr().ok())
    }
}

const READ_BYTES: usize = 64 * 1024;
