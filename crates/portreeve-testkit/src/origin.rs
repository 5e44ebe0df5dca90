//! A backend that does exactly what its script says and keeps exactly what it was sent.

mod log;
mod peer;
mod script;

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::PATIENCE;
use crate::message::Message;
use crate::wire::{Address, Door, Wire};

use log::Log;
use peer::Peer;

pub use log::Connection;
pub use script::Script;

/// A running origin; dropping it closes the listener and every connection.
///
/// # Panics
/// On drop, if a script awaited other bytes than it got.
#[derive(Debug)]
pub struct Origin {
    address: Address,
    log: Arc<Log>,
    accepting: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
    /// Holds a port that must not be given to anybody else.
    _reserved: Vec<Socket>,
}

impl Origin {
    /// Answers every request with this status and body, `Content-Length` set, and keeps the connection.
    pub fn replying(status: u16, body: &str) -> OriginBuilder {
        let answer = format!(
            "HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Self::scripted(Script::new().read_request().send(answer).forever())
    }

    /// Answers every request with the bytes that `answer` makes of it, and keeps the connection.
    pub fn answering(answer: impl Fn(&Message) -> Vec<u8> + Send + Sync + 'static) -> OriginBuilder {
        Self::scripted(Script::new().read_request().send_made(answer).forever())
    }

    /// Does the same with every connection.
    pub fn scripted(script: Script) -> OriginBuilder {
        Self::scripted_each([script])
    }

    /// Does with the n-th connection what the n-th script says; the last script serves all further ones.
    pub fn scripted_each(scripts: impl IntoIterator<Item = Script>) -> OriginBuilder {
        OriginBuilder {
            scripts: scripts.into_iter().collect(),
            bind: At::Ip(Ipv4Addr::LOCALHOST.into()),
            tls: None,
        }
    }

    /// An address at which every connection is refused; nobody else gets the port while this lives.
    ///
    /// # Panics
    /// If the kernel has no free port.
    pub fn refusing() -> Self {
        let socket = bound(0);
        Self::idle(local(&socket), vec![socket])
    }

    /// An address at which a connection is neither made nor refused: the queue of the listener is full.
    ///
    /// # Panics
    /// If the kernel has no free port.
    pub fn deaf() -> Self {
        let listener = bound(0);
        listener.listen(0).expect("a bound socket can listen");
        let address = local(&listener);
        let fillers = std::iter::repeat_with(|| filler(address)).take(QUEUE_FILLERS);
        let reserved = fillers.chain([listener]).collect();
        Self::idle(address, reserved)
    }

    fn idle(address: SocketAddr, reserved: Vec<Socket>) -> Self {
        let accepting = watch::Sender::new(false);
        Self {
            address: address.into(),
            log: Arc::default(),
            accepting,
            task: None,
            _reserved: reserved,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The port, of a TCP origin.
    ///
    /// # Panics
    /// If it listens on a Unix socket.
    pub fn port(&self) -> u16 {
        match &self.address {
            Address::Tcp(address) => address.port(),
            Address::Unix(path) => panic!("{} has no port", path.display()),
        }
    }

    /// Every request whose head a script has read, in the order of arrival over all connections.
    ///
    /// # Panics
    /// If a script awaited other bytes than it got.
    pub async fn requests(&self) -> Vec<Message> {
        self.log.state().checked().requests.clone()
    }

    /// The only request so far.
    ///
    /// # Panics
    /// If there is none or there are several.
    pub async fn request(&self) -> Message {
        let mut requests = self.requests().await;
        assert_eq!(requests.len(), 1, "requests: {requests:?}");
        requests.remove(0)
    }

    /// Returns once `count` requests have begun.
    ///
    /// # Panics
    /// If they do not in time.
    pub async fn until_requests(&self, count: usize) {
        self.log
            .until(&format!("{count} requests"), |state| {
                state.requests.len() >= count
            })
            .await;
    }

    /// Returns once a request has this body, all of it.
    ///
    /// # Panics
    /// If none has in time.
    pub async fn until_body(&self, text: &str) {
        self.log
            .until(&format!("a request with the body {text:?}"), |state| {
                state.requests.iter().any(|request| request.text() == text)
            })
            .await;
    }

    /// Every connection so far, in the order of acceptance: the exact bytes it brought and whether it has ended.
    pub async fn connections(&self) -> Vec<Connection> {
        self.log.state().checked().connections.clone()
    }

    /// How many connections were accepted.
    pub fn connection_count(&self) -> usize {
        self.log.state().connections.len()
    }

    /// Returns once `count` connections were accepted.
    ///
    /// # Panics
    /// If they were not in time.
    pub async fn until_connections(&self, count: usize) {
        self.log
            .until(&format!("{count} connections"), |state| {
                state.connections.len() >= count
            })
            .await;
    }

    /// Returns once the proxy has ended connection `index`, and a script noticed because it was reading.
    ///
    /// # Panics
    /// If it does not in time.
    pub async fn until_peer_left(&self, index: usize) {
        let left = |state: &log::State| {
            state
                .connections
                .get(index)
                .is_some_and(|connection| connection.peer_left)
        };
        self.log
            .until(&format!("the end of connection {index}"), left)
            .await;
    }

    /// Returns once connection `index` has brought at least `count` bytes.
    ///
    /// # Panics
    /// If it has not in time.
    pub async fn until_bytes(&self, index: usize, count: usize) {
        let enough = |state: &log::State| {
            state
                .connections
                .get(index)
                .is_some_and(|c| c.received.len() >= count)
        };
        self.log
            .until(&format!("{count} bytes on connection {index}"), enough)
            .await;
    }

    /// Returns once this holds of all connections so far.
    ///
    /// # Panics
    /// If it does not in time.
    pub async fn until(&self, holds: impl Fn(&[Connection]) -> bool) {
        self.log
            .until("a state of its connections", |state| holds(&state.connections))
            .await;
    }

    /// Bytes that all scripts together have sent, that is: that the kernel took.
    pub fn sent(&self) -> u64 {
        self.log.state().sent
    }

    /// Bytes that all scripts together have read, those of `sink` too.
    pub fn received(&self) -> u64 {
        self.log.state().received
    }

    /// Closes the listener, as a server does that goes away: open connections go on, new ones are refused.
    pub async fn stop_accepting(&self) {
        self.accepting.send_replace(false);
        self.log
            .until("the listener's end", |state| state.door_closed)
            .await;
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        if !std::thread::panicking() {
            self.log.state().checked();
        }
    }
}

/// An origin that does not run yet.
#[derive(Debug)]
pub struct OriginBuilder {
    scripts: Vec<Script>,
    bind: At,
    tls: Option<Arc<ServerConfig>>,
}

#[derive(Debug)]
enum At {
    Ip(IpAddr),
    Port(SocketAddr),
    Unix(PathBuf),
}

impl OriginBuilder {
    /// Listens on this address instead of 127.0.0.1, on a port that the kernel chooses.
    #[must_use]
    pub fn on(mut self, address: impl Into<IpAddr>) -> Self {
        self.bind = At::Ip(address.into());
        self
    }

    /// Listens where another origin was, once that has let go of the address.
    #[must_use]
    pub fn at(mut self, address: &Address) -> Self {
        self.bind = match address {
            Address::Tcp(address) => At::Port(*address),
            Address::Unix(path) => At::Unix(path.clone()),
        };
        self
    }

    /// Speaks TLS. A connection whose handshake comes to nothing is closed, and has brought nothing.
    #[must_use]
    pub fn within_tls(mut self, config: &Arc<ServerConfig>) -> Self {
        self.tls = Some(Arc::clone(config));
        self
    }

    /// Listens on a Unix socket at this path.
    #[must_use]
    pub fn on_unix(mut self, path: impl Into<PathBuf>) -> Self {
        self.bind = At::Unix(path.into());
        self
    }

    /// Starts it on the current runtime.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn start(self) -> Origin {
        let (door, address) = match &self.bind {
            At::Ip(ip) => tcp_door((*ip, 0).into()).await,
            At::Port(address) => tcp_door(*address).await,
            At::Unix(path) => unix_door(path),
        };
        let log = Arc::new(Log::default());
        let accepting = watch::Sender::new(true);
        let served = Served {
            scripts: self.scripts,
            tls: self.tls,
        };
        let task = tokio::spawn(accept(door, served, Arc::clone(&log), accepting.clone()));
        Origin {
            address,
            log,
            accepting,
            task: Some(task),
            _reserved: Vec::new(),
        }
    }
}

async fn tcp_door(at: SocketAddr) -> (Door, Address) {
    let listener = timeout(PATIENCE, async {
        loop {
            match TcpListener::bind(at).await {
                // Whoever was there ends in these moments.
                Err(error) if error.kind() == ErrorKind::AddrInUse => tokio::time::sleep(POLL).await,
                bound => return bound.unwrap_or_else(|error| panic!("no listener on {at}: {error}")),
            }
        }
    });
    let listener = listener.await.unwrap_or_else(|_| panic!("{at} stays in use"));
    let address = listener.local_addr().expect("a listener has an address");
    (Door::Tcp(listener), address.into())
}

fn unix_door(path: &PathBuf) -> (Door, Address) {
    let listener = UnixListener::bind(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (Door::Unix(listener), Address::Unix(path.clone()))
}

/// Runs a script for each connection; ends them all when it is dropped.
async fn accept(door: Door, served: Served, log: Arc<Log>, accepting: watch::Sender<bool>) {
    let mut peers = JoinSet::new();
    let mut stop = accepting.subscribe();
    loop {
        tokio::select! {
            biased;
            _ = stop.wait_for(|accepting| !accepting) => break,
            wire = door.accept() => {
                let wire = wire.expect("accepting works while files are left");
                peers.spawn(run(wire, &served, &log, &accepting));
            }
            Some(_) = peers.join_next() => {}
        }
    }
    drop(door);
    log.change(|state| state.door_closed = true);
    while peers.join_next().await.is_some() {}
}

/// What is done with connections.
struct Served {
    scripts: Vec<Script>,
    tls: Option<Arc<ServerConfig>>,
}

fn run(
    wire: Wire,
    served: &Served,
    log: &Arc<Log>,
    accepting: &watch::Sender<bool>,
) -> impl Future<Output = ()> + use<> {
    let index = log.connection_opened();
    let scripts = &served.scripts;
    let script = scripts.get(index).or(scripts.last()).cloned().unwrap_or_default();
    let (tls, log, accepting) = (served.tls.clone(), Arc::clone(log), accepting.clone());
    async move {
        let wire = match tls {
            Some(tls) => wire.accept_tls(tls).await,
            None => Ok(wire),
        };
        match wire {
            Ok(wire) => Peer::new(wire, index, log, accepting).play(script).await,
            Err(_) => log.change(|state| state.connections[index].is_over = true),
        }
    }
}

fn bound(port: u16) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket can be made");
    socket
        .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())
        .expect("the kernel has a free port");
    socket
}

fn local(socket: &Socket) -> SocketAddr {
    socket
        .local_addr()
        .ok()
        .and_then(|address| address.as_socket())
        .expect("a bound socket has an address")
}

/// A connection that waits in the listener's queue for ever.
fn filler(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket can be made");
    socket
        .set_nonblocking(true)
        .expect("a socket can be non-blocking");
    // In progress is all that is wanted: the kernel completes as many as its queue holds.
    let _ = socket.connect(&address.into());
    socket
}

/// More than a queue of length 0 holds.
const QUEUE_FILLERS: usize = 4;
const POLL: Duration = Duration::from_millis(2);
