//! A server of the packet protocol as others wrote theirs: in one of its dialects, with its weaknesses.

mod dialect;
mod log;
mod serve;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::client::Client;
use crate::packet::{Packet, acknowledgement};
use crate::wire::Address;

use dialect::{Dialect, SetupEnd};
use log::Log;
use serve::accept;

pub use dialect::Reply;

/// A running server; dropping it closes its listener and every connection.
///
/// It reads each packet by one `recv` of 2048 bytes, as the existing ones do, and dies for good of half a packet.
#[derive(Debug)]
pub struct PacketServer {
    dialect: Arc<Dialect>,
    address: SocketAddr,
    log: Arc<Log>,
    task: Option<JoinHandle<()>>,
    /// Setup connections that are held for life.
    held: Vec<Client>,
    /// Holds the port while nobody listens there.
    _reserved: Socket,
}

impl PacketServer {
    /// One that calls itself `id` and upholds `policy`. Without more said it writes numbers where it can, listens before
    /// it registers, sends its setup and closes at once, serves many at once, and keeps a connection until the other side
    /// ends it.
    pub fn of(id: &str, policy: &str) -> PacketServerBuilder {
        PacketServerBuilder {
            dialect: Dialect::new(id, policy),
            ip: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            listens_first: true,
        }
    }

    /// Where it listens, or will.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port of it.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its key in a pool: `ID@POLICY`.
    pub fn key(&self) -> String {
        format!("{}@{}", self.dialect.id, self.dialect.policy)
    }

    /// Its setup packet.
    pub fn setup(&self) -> String {
        self.dialect.setup(self.port())
    }

    /// Registers as it does at its start.
    ///
    /// # Panics
    /// If a kind that awaits an answer gets none, or another than that it is registered.
    pub async fn register(&mut self, proxy: &Address) {
        let mut client = Client::connect_from(self.address.ip(), proxy).await;
        client.send(self.setup()).await;
        match self.dialect.setup_end {
            SetupEnd::Closes => {}
            SetupEnd::Awaits => {
                let answer = client.packet_in_one_read().await;
                assert_eq!(*answer.field("status"), "registered", "{answer}");
            }
            SetupEnd::Holds => self.held.push(client),
        }
    }

    /// Listens from now on.
    ///
    /// # Panics
    /// If it does already.
    pub fn listen(&mut self) {
        let listener = bound(self.address);
        listener.listen(BACKLOG).expect("a bound socket can listen");
        listener
            .set_nonblocking(true)
            .expect("a socket can be non-blocking");
        let listener = TcpListener::from_std(listener.into()).expect("a runtime is running");
        let serving = accept(listener, Arc::clone(&self.dialect), Arc::clone(&self.log));
        self.task = Some(tokio::spawn(serving));
    }

    /// Stops: connections to it end and new ones are refused, until it listens again.
    pub async fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            // It was aborted.
            let _ = task.await;
        }
    }

    /// The requests it got, in the order of arrival.
    pub fn requests(&self) -> Vec<Packet> {
        self.log.state().requests.clone()
    }

    /// Returns once it got so many requests.
    ///
    /// # Panics
    /// If it does not in time.
    pub async fn until_requests(&self, count: usize) {
        let enough = |state: &log::State| state.requests.len() >= count;
        self.log.until(&format!("{count} requests"), enough).await;
    }

    /// How many connections brought nothing and ended in good order: probes.
    pub fn probes(&self) -> usize {
        self.log.state().probes
    }

    /// Returns once there were so many probes.
    ///
    /// # Panics
    /// If there are not in time.
    pub async fn until_probes(&self, count: usize) {
        let enough = |state: &log::State| state.probes >= count;
        self.log.until(&format!("{count} probes"), enough).await;
    }

    /// For each connection that has ended, in that order: how many requests it brought.
    pub fn ended(&self) -> Vec<usize> {
        self.log.state().ended.clone()
    }

    /// Returns once so many connections have ended.
    ///
    /// # Panics
    /// If they have not in time.
    pub async fn until_ended(&self, count: usize) {
        let enough = |state: &log::State| state.ended.len() >= count;
        self.log
            .until(&format!("the end of {count} connections"), enough)
            .await;
    }

    /// What it died of.
    pub fn death(&self) -> Option<String> {
        self.log.state().death.clone()
    }
}

impl Drop for PacketServer {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// A server that does not run yet.
#[derive(Debug)]
pub struct PacketServerBuilder {
    dialect: Dialect,
    ip: IpAddr,
    port: u16,
    listens_first: bool,
}

impl PacketServerBuilder {
    /// Listens on, and registers from, this address instead of 127.0.0.1.
    #[must_use]
    pub fn on(mut self, ip: impl Into<IpAddr>) -> Self {
        self.ip = ip.into();
        self
    }

    /// On this port instead of one that the kernel chooses.
    #[must_use]
    pub fn at_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Writes types, ids, policies and ports as strings.
    #[must_use]
    pub fn writing_text(mut self) -> Self {
        self.dialect.writes_text = true;
        self
    }

    /// Writes its policy under the key of requests, `privPoliId`.
    #[must_use]
    pub fn swapping_keys(mut self) -> Self {
        self.dialect.policy_key = "privPoliId";
        self
    }

    /// Serves one connection to its end before it takes the next.
    #[must_use]
    pub fn one_at_a_time(mut self) -> Self {
        self.dialect.is_serial = true;
        self
    }

    /// Dies for good of a reset (which is also what an answer left unread makes), and of a packet that is no request.
    #[must_use]
    pub fn fragile(mut self) -> Self {
        self.dialect.is_fragile = true;
        self
    }

    /// Closes the connection after each answer.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.dialect.closes = true;
        self
    }

    /// Reads each packet to its end, however long it is, instead of by one `recv`.
    #[must_use]
    pub fn reading_on(mut self) -> Self {
        self.dialect.reads_on = true;
        self
    }

    /// Waits for the answer to its setup.
    #[must_use]
    pub fn awaiting_setup_answer(mut self) -> Self {
        self.dialect.setup_end = SetupEnd::Awaits;
        self
    }

    /// Never lets go of its setup connection.
    #[must_use]
    pub fn holding_setup(mut self) -> Self {
        self.dialect.setup_end = SetupEnd::Holds;
        self
    }

    /// Registers, and does not listen until [`PacketServer::listen`] is called.
    #[must_use]
    pub fn registering_first(mut self) -> Self {
        self.listens_first = false;
        self
    }

    /// Does this with each request, instead of acknowledging it.
    #[must_use]
    pub fn answering(mut self, answer: impl Fn(&Packet) -> Reply + Send + Sync + 'static) -> Self {
        self.dialect.answer = Some(Box::new(answer));
        self
    }

    /// Acknowledges in pieces of so many bytes.
    #[must_use]
    pub fn answering_in_pieces(self, size: usize) -> Self {
        let (id, as_text) = (self.dialect.id.clone(), self.dialect.writes_text);
        self.answering(move |request| Reply::Pieces(acknowledgement(&id, request, as_text), size))
    }

    /// Starts it on the current runtime: it listens and registers, in the order of its kind.
    ///
    /// # Panics
    /// If it cannot listen, or as [`PacketServer::register`].
    pub async fn start(self, proxy: &Address) -> PacketServer {
        let listens_first = self.listens_first;
        let mut server = self.prepared();
        if listens_first {
            server.listen();
        }
        server.register(proxy).await;
        server
    }

    /// Starts it without registering.
    ///
    /// # Panics
    /// If it cannot listen.
    pub fn start_unregistered(self) -> PacketServer {
        let listens_first = self.listens_first;
        let mut server = self.prepared();
        if listens_first {
            server.listen();
        }
        server
    }

    fn prepared(self) -> PacketServer {
        let reserved = bound(SocketAddr::new(self.ip, self.port));
        let address = reserved
            .local_addr()
            .ok()
            .and_then(|address| address.as_socket())
            .expect("a bound socket has an address");
        PacketServer {
            dialect: Arc::new(self.dialect),
            address,
            log: Arc::default(),
            task: None,
            held: Vec::new(),
            _reserved: reserved,
        }
    }
}

/// A socket that another may be bound beside, as long as only one of them listens.
fn bound(address: SocketAddr) -> Socket {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, None).expect("a socket can be made");
    socket
        .set_reuse_address(true)
        .expect("SO_REUSEADDR can be set on a new socket");
    socket
        .bind(&address.into())
        .unwrap_or_else(|error| panic!("no socket at {address}: {error}"));
    socket
}

const BACKLOG: i32 = 1024;
