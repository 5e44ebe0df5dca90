//! A client: its connection, who it is, and the place it takes.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use portreeve_http1::{Head, Known};
use portreeve_model::plan::TlsVersion;
use portreeve_model::{Cause, EdgeEvent, Listener, ShownCertificate};
use portreeve_preamble::Ends;
use portreeve_tls::Trust;

use crate::conn::Conn;
use crate::request::Spoken;
use crate::slots::Slot;
use crate::worker::{Gate, Worker};

/// One client connection, or one stream of a connection that has many.
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
    /// What is spoken on it.
    pub(crate) spoken: Spoken,
    /// A stream has none: its connection has.
    place: Option<Place>,
}

/// A connection's place among those of its listener, for as long as it is open: what a drain waits for.
pub(crate) struct Place {
    pub(crate) gate: Rc<Gate>,
    pub(crate) worker: Rc<Worker>,
    is_lingering: bool,
    slot: Slot,
}

/// Who is at the other end.
pub(crate) struct Peer {
    pub(crate) ip: Option<IpAddr>,
    /// The address without its port, or `unknown` behind a Unix socket.
    pub(crate) text: Box<str>,
    /// The client's address, and the one that it connected to, with their ports, as a PROXY header told them; `None`
    /// where nobody has asked yet.
    pub(crate) addresses: Option<Box<(SocketAddr, SocketAddr)>>,
    /// How its connection is secured; `None`: it is not.
    pub(crate) secured: Option<Box<Secured>>,
}

/// What a TLS handshake with a client has settled.
pub(crate) struct Secured {
    pub(crate) version: TlsVersion,
    /// The cipher suite as IANA names it, in rustls' spelling: `TLS13_AES_128_GCM_SHA256`.
    pub(crate) cipher: &'static str,
    /// The host that the client named (SNI), in lower case.
    pub(crate) server_name: Option<Box<str>>,
    /// The certificate that the client has shown and we have verified, if it has.
    pub(crate) certificate: Option<ShownCertificate>,
    /// Whether an earlier session was resumed.
    pub(crate) is_resumed: bool,
    /// What made what the client has shown count.
    pub(crate) trust: Arc<Trust>,
    /// When the certificate that the client has shown is over; `None`: it has shown none.
    pub(crate) ends: Option<SystemTime>,
}

impl Secured {
    fn is_over(&self) -> bool {
        self.ends.is_some_and(|end| end <= SystemTime::now())
    }
}

impl Peer {
    pub(crate) fn new(address: Option<SocketAddr>) -> Self {
        let ip = address.map(|address| address.ip().to_canonical());
        let text = ip.map_or_else(|| "unknown".into(), |ip| ip.to_string().into_boxed_str());
        Self {
            ip,
            text,
            addresses: None,
            secured: None,
        }
    }

    /// The same, speaking for the client of that connection.
    pub(crate) fn telling(self, ends: Ends) -> Self {
        Self {
            addresses: Some(Box::new((ends.client, ends.server))),
            secured: self.secured,
            ..Self::new(Some(ends.client))
        }
    }

    /// Whether what its handshake has shown counts where a listener is so: who may connect is as it was then, and its
    /// certificate is not over.
    pub(crate) fn stands_before(&self, listener: &Listener) -> bool {
        match (&self.secured, &listener.tls) {
            (None, None) => true,
            (Some(secured), Some(tls)) => secured.trust.holds_for(tls.trust) && !secured.is_over(),
            _ => false,
        }
    }

    /// How long its certificate still counts; `None`: it has shown none.
    pub(crate) fn ends_in(&self) -> Option<Duration> {
        let end = self.secured.as_ref()?.ends?;
        Some(end.duration_since(SystemTime::now()).unwrap_or_default())
    }

    /// The names of the certificate that the client has shown.
    pub(crate) fn certificate_names(&self) -> &[Box<str>] {
        self.certificate().map_or(&[], |shown| &shown.names)
    }

    /// The certificate that the client has shown.
    pub(crate) fn certificate(&self) -> Option<&ShownCertificate> {
        self.secured.as_ref()?.certificate.as_ref()
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
    pub(crate) fn new(conn: Conn, peer: Rc<Peer>, place: Place) -> Self {
        let (gate, worker) = (place.gate.clone(), place.worker.clone());
        Self {
            place: Some(place),
            ..Self::placeless(conn, peer, gate, worker, Spoken::Http1)
        }
    }

    /// A stream of an HTTP/2 connection, told in `conn` as a connection of its own.
    pub(crate) fn of_stream(conn: Conn, peer: Rc<Peer>, gate: Rc<Gate>, worker: Rc<Worker>) -> Self {
        Self::placeless(conn, peer, gate, worker, Spoken::Http2)
    }

    fn placeless(conn: Conn, peer: Rc<Peer>, gate: Rc<Gate>, worker: Rc<Worker>, spoken: Spoken) -> Self {
        Self {
            conn,
            peer,
            gate,
            worker,
            last_end: None,
            head_until: None,
            grace_until: None,
            requests: 0,
            spoken,
            place: None,
        }
    }

    /// Whether what its handshake has shown does not count any more, so that no request of it is served.
    pub(crate) fn is_outlived(&self) -> bool {
        !self.peer.stands_before(&self.gate.listener())
    }

    /// Counts that it ends because of that.
    pub(crate) fn note_outlived(&self) {
        let stats = &self.gate.listener().stats;
        stats.note(self.worker.shard, EdgeEvent::TlsTrustChanged);
    }

    /// Ends a connection that is done, but whose client may still be sending. A drain does not count it.
    pub(crate) async fn linger(&mut self) {
        if let Some(place) = &mut self.place {
            place.linger();
        }
        self.conn.linger().await;
    }
}

impl Place {
    pub(crate) fn new(gate: Rc<Gate>, worker: Rc<Worker>, slot: Slot) -> Self {
        worker.live.set(worker.live.get() + 1);
        gate.listener().stats.opened(worker.shard);
        Self {
            gate,
            worker,
            is_lingering: false,
            slot,
        }
    }

    /// Counts it for the client that a proxy has named.
    ///
    /// # Errors
    /// That one has as many connections as it may have.
    pub(crate) fn count_for(&mut self, peer: &Peer, listener: &Listener) -> Result<(), Cause> {
        self.slot.count_for(peer.ip, listener)
    }

    /// Says that what is left is to close.
    pub(crate) fn linger(&mut self) {
        self.is_lingering = true;
        self.worker.live.set(self.worker.live.get() - 1);
        self.worker.lingering.set(self.worker.lingering.get() + 1);
    }
}

impl Drop for Place {
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
