//! A client: its connection, who it is, and the place it takes.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Instant;

use portreeve_http1::{Head, Known};
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
    /// Until when it may still begin a request although its listener is closing.
    pub(crate) grace_until: Option<Instant>,
    /// Until when the first head has to be there.
    pub(crate) head_until: Option<Instant>,
    /// Requests begun on this connection.
    pub(crate) requests: u32,
    is_lingering: bool,
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

    /// The client behind this peer: the last address in `X-Forwarded-For` that is no trusted proxy, if the peer is one.
    pub(crate) fn seen_through(&self, head: &Head, listener: &Listener) -> Option<IpAddr> {
        if !self.is_trusted(listener) {
            return self.ip;
        }
        let mut seen = self.ip;
        let mut named: Vec<&[u8]> = head
            .values(Known::XForwardedFor)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .collect();
        while let Some(address) = named
            .pop()
            .and_then(|text| std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok())
        {
            seen = Some(address);
            if !listener.trusted_proxies.contains(address) {
                break;
            }
        }
        seen
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
            head_until: None,
            grace_until: None,
            requests: 0,
            is_lingering: false,
            _slot: slot,
        }
    }

    /// Ends a connection that is done, but whose client may still be sending. A drain does not count it.
    pub(crate) async fn linger(&mut self) {
        self.is_lingering = true;
        self.worker.live.set(self.worker.live.get() - 1);
        self.worker.lingering.set(self.worker.lingering.get() + 1);
        self.conn.linger().await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let count = if self.is_lingering {
            &self.worker.lingering
        } else {
            &self.worker.live
        };
        count.set(count.get() - 1);
        self.gate.listener().stats.closed(self.worker.shard);
    }
}
