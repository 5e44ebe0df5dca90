//! A client: its connection, who it is, and the place it takes.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Instant;

use portreeve_model::Listener;

use crate::conn::Conn;
use crate::slots::Slot;
use crate::worker::{Gate, Worker};

/// One client connection.
pub(crate) struct Client {
    pub(crate) conn: Conn,
    pub(crate) peer: Rc<Peer>,
    pub(crate) gate: Rc<Gate>,
    pub(crate) worker: Rc<Worker>,
    /// When the last response ended, if there was one since the connection was last idle.
    pub(crate) last_end: Option<Instant>,
    /// Requests begun on this connection.
    pub(crate) requests: u32,
    _slot: Slot,
}

/// Who is at the other end.
pub(crate) struct Peer {
    pub(crate) ip: Option<IpAddr>,
    /// The address without its port, or `unknown` behind a Unix socket.
    pub(crate) text: Box<str>,
}

impl Peer {
    pub(crate) fn new(address: Option<SocketAddr>) -> Rc<Self> {
        let ip = address.map(|address| address.ip().to_canonical());
        let text = ip.map_or_else(|| "unknown".into(), |ip| ip.to_string().into_boxed_str());
        Rc::new(Self { ip, text })
    }

    /// Whether this peer's word about clients before it counts.
    pub(crate) fn is_trusted(&self, listener: &Listener) -> bool {
        !listener.trusted_proxies.is_empty()
            && self.ip.is_some_and(|ip| listener.trusted_proxies.contains(ip))
    }
}

impl Client {
    pub(crate) fn new(conn: Conn, peer: Rc<Peer>, gate: Rc<Gate>, worker: Rc<Worker>, slot: Slot) -> Self {
        worker.live.set(worker.live.get() + 1);
        gate.listener().stats.opened(worker.shard);
        Self {
            conn,
            peer,
            gate,
            worker,
            last_end: None,
            requests: 0,
            _slot: slot,
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.worker.live.set(self.worker.live.get() - 1);
        self.gate.listener().stats.closed(self.worker.shard);
    }
}
