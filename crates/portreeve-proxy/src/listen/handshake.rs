//! The TLS handshake with a client: bounded in time, in number and in what it takes of the thread.
//!
//! ```text
//!   first bytes ──► letters: HTTP without TLS, told so
//!        │
//!   crowd: at most handshakes_max under way ──► ClientHello whole ──► certificate by name
//!        │                                                               │
//!   pacer: a turn for each costly step ◄─────────────────────────────────┘
//!        │
//!   over ──► the connection is within TLS
//! ```

mod fault;
mod hearing;

use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use portreeve_model::EdgeEvent;
use portreeve_model::plan::{TlsPlan, TlsVersion};
use portreeve_tls::{Chosen, ListenerTls, Trust, end_of, shown_by};
use rustls::server::{Accepted, AcceptedAlert, ServerConnection};
use rustls::{CertificateError, CommonState, Connection, HandshakeKind, ProtocolVersion, ServerConfig};

use self::fault::Fault;
use self::hearing::Hearing;
use super::crowd::UnderWay;
use super::pacer::Stage;
use crate::conn::Conn;
use crate::said::Subject;
use crate::serve::client::{Client, Peer, Place, Secured};
use crate::serve::plain;
use crate::stream::Stream;
use crate::stream::tls::Tls;
use crate::stream::wire::Wire;
use crate::timer::Timer;
use crate::worker::Worker;

/// A client within TLS.
pub(crate) struct Handshaken {
    pub(crate) client: Client,
    /// Whether HTTP/2 was agreed on.
    pub(crate) is_http2: bool,
}

/// Does the handshake. `None`: there is no connection any more, and what there was to count, to log and to tell is.
pub(crate) async fn accept(wire: Wire, peer: Peer, place: Place) -> Option<Handshaken> {
    let plan = place.gate.listener().tls.clone()?;
    let table = place.worker.tls.borrow().clone();
    let Some(tls) = table.listener_under(&place.gate.name, plan.trust).cloned() else {
        // The table is published before the snapshot, so that only a fault of ours can bring this about.
        tracing::error!(listener = &*place.gate.name, "a listener has no certificates");
        return None;
    };
    let mut handshake = Handshake::new(&place, &plan);
    let (stream, done) = handshake.run(wire, &tls).await;
    drop(handshake);
    match done {
        Ok(Served::Client) => Some(settle(stream, peer, place, tls.trust())),
        Ok(Served::Challenge) => None,
        Err(fault) => {
            end(stream, fault, peer, place, &plan).await;
            None
        }
    }
}

/// What a handshake was for.
enum Served {
    Client,
    /// An authority has seen what it asked for (RFC 8737), and nothing else is to be had.
    Challenge,
}

/// One that is under way.
struct Handshake<'a> {
    worker: &'a Rc<Worker>,
    place: &'a Place,
    plan: &'a TlsPlan,
    deadline: Instant,
    timer: Timer,
    under_way: Option<UnderWay<'a>>,
}

impl<'a> Handshake<'a> {
    fn new(place: &'a Place, plan: &'a TlsPlan) -> Self {
        Self {
            worker: &place.worker,
            place,
            plan,
            deadline: Instant::now() + plan.handshake_timeout,
            timer: Timer::new(&place.worker.wheel),
            under_way: None,
        }
    }

    async fn run(&mut self, mut wire: Wire, tls: &ListenerTls) -> (Stream, Result<Served, Fault>) {
        let chosen = match self.hello(&mut wire, tls.afresh().is_some()).await {
            Ok((accepted, heard)) => choose(accepted, heard, tls),
            Err(fault) => Err(fault),
        };
        let (begun, served) = match chosen {
            Ok(chosen) => chosen,
            Err(fault) => return (Stream::Wire(wire), Err(fault)),
        };
        match self.begin(&mut wire, begun, tls).await {
            Ok(session) => {
                let mut tls = Box::new(Tls::new(wire, session));
                let finished = self.finish(&mut tls).await;
                let finished = finished.and_then(|()| counts(tls.session()));
                (Stream::Tls(tls), finished.map(|()| served))
            }
            Err(fault) => (Stream::Wire(wire), Err(fault)),
        }
    }

    /// Reads what the client begins with; the bytes of it too, if that `is_kept`.
    async fn hello(&mut self, wire: &mut Wire, is_kept: bool) -> Result<(Accepted, Vec<u8>), Fault> {
        let mut bytes = [0; HELLO_BYTES];
        let mut count = self.read(wire, &mut bytes).await?;
        match bytes[..count].first() {
            None => return Err(Fault::Left { was_silent: true }),
            Some(first) if first.is_ascii_alphabetic() => return Err(Fault::Plain(bytes[..count].to_vec())),
            Some(_) => self.enter(wire).await?,
        }
        let mut hearing = Hearing::new(is_kept);
        loop {
            if let Some(accepted) = hearing.hear(&bytes[..count], wire)? {
                return Ok((accepted, hearing.heard));
            }
            count = self.read(wire, &mut bytes).await?;
            if count == 0 {
                return Err(Fault::Left { was_silent: false });
            }
        }
    }

    /// Our answer to it.
    async fn begin(
        &mut self,
        wire: &mut Wire,
        begun: Begun,
        tls: &ListenerTls,
    ) -> Result<ServerConnection, Fault> {
        let turn = self.turn(Stage::New, wire).await?;
        let session = begun.accepted.into_connection(begun.config);
        let session = match (session, tls.afresh()) {
            // The client would resume a session whose certificate is over: nothing of that has been said yet.
            (Ok(session), Some(afresh)) if is_over(&session) => {
                hearing::again(&begun.heard, afresh).ok_or(Fault::Crumbled)?
            }
            (session, _) => session,
        };
        drop(turn);
        session.map_err(|(error, alert)| refused(wire, error, alert))
    }

    /// What follows, until both sides have the keys and the client has what it needs to come again.
    async fn finish(&mut self, tls: &mut Tls) -> Result<(), Fault> {
        while tls.session().is_handshaking() {
            let sent = self.patiently(|context| tls.poll_flush(context)).await?;
            sent.map_err(broken)?;
            let received = self.patiently(|context| tls.poll_receive(context)).await?;
            received.map_err(broken)?;
            let turn = self.turn(Stage::Begun, tls.wire()).await?;
            let shaken = tls.shake();
            drop(turn);
            shaken.map_err(Fault::Refused)?;
        }
        let sent = self.patiently(|context| tls.poll_flush(context)).await?;
        sent.map_err(broken)
    }

    async fn read(&mut self, wire: &mut Wire, room: &mut [u8]) -> Result<usize, Fault> {
        self.patiently(|context| wire.poll_read_some(context, room))
            .await?
            .map_err(broken)
    }

    /// Waits for a place among those under way.
    async fn enter(&mut self, wire: &Wire) -> Result<(), Fault> {
        let most = self.plan.handshakes_max.div_ceil(self.worker.workers).max(1);
        let entered = self.in_line(self.place.gate.crowd.enter(most), wire).await?;
        self.under_way = Some(entered);
        Ok(())
    }

    async fn turn(&mut self, stage: Stage, wire: &Wire) -> Result<super::pacer::Turn<'a>, Fault> {
        let turn = self.worker.pacer.turn(stage, self.plan.handshake_share);
        self.in_line(turn, wire).await
    }

    /// Waits for something of our own.
    async fn in_line<T>(&mut self, waiting: impl Future<Output = T>, wire: &Wire) -> Result<T, Fault> {
        let mut waiting = pin!(waiting);
        let mut has_waited = false;
        let (timer, deadline) = (&mut self.timer, self.deadline);
        let found = std::future::poll_fn(|context| match waiting.as_mut().poll(context) {
            Poll::Ready(found) => Poll::Ready(Ok(found)),
            Poll::Pending if timer.poll_expired(context, deadline) => Poll::Ready(Err(Fault::Crowded)),
            Poll::Pending => {
                has_waited = true;
                Poll::Pending
            }
        });
        let found = found.await?;
        // Nothing costly is done for somebody who is gone.
        if has_waited && wire.is_hung_up() {
            return Err(Fault::Left { was_silent: false });
        }
        Ok(found)
    }

    /// Waits for the client. One that is under way and says nothing for long gives its place up as soon as others want it.
    async fn patiently<T>(&mut self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Result<T, Fault> {
        let is_in_others_way = || self.under_way.is_some() && self.place.gate.crowd.is_full();
        let (timer, deadline) = (&mut self.timer, self.deadline);
        let mut look = None;
        std::future::poll_fn(|context| {
            if let Poll::Ready(done) = poll(context) {
                return Poll::Ready(Ok(done));
            }
            let look = look.get_or_insert_with(|| Instant::now() + STALL);
            while timer.poll_expired(context, deadline.min(*look)) {
                if *look >= deadline {
                    return Poll::Ready(Err(Fault::Late));
                }
                if is_in_others_way() {
                    return Poll::Ready(Err(Fault::Crowded));
                }
                *look += STALL;
            }
            Poll::Pending
        })
        .await
    }
}

/// With what a handshake begins.
struct Begun {
    accepted: Accepted,
    config: Arc<ServerConfig>,
    /// The bytes of it, if it may have to begin again.
    heard: Vec<u8>,
}

/// What the client is shown.
fn choose(accepted: Accepted, heard: Vec<u8>, tls: &ListenerTls) -> Result<(Begun, Served), Fault> {
    let hello = accepted.client_hello();
    let (config, served) = match tls.choose(&hello) {
        Chosen::Serve(config) => (config, Served::Client),
        Chosen::Challenge(config) => (config, Served::Challenge),
        Chosen::UnknownName => return Err(Fault::UnknownName(hello.server_name().map(str::to_owned))),
    };
    let begun = Begun {
        accepted,
        config,
        heard,
    };
    Ok((begun, served))
}

/// Whether the certificate that the client has shown, in this handshake or the one of a session that is resumed, is over.
fn is_over(session: &CommonState) -> bool {
    end_of_client(session).is_some_and(|end| end <= SystemTime::now())
}

/// When that is. It counts until the end of its last second.
fn end_of_client(session: &CommonState) -> Option<SystemTime> {
    let shown = session.peer_certificates()?.first()?;
    end_of(shown).map(|end| end + Duration::from_secs(1))
}

/// A session that is resumed must not be older than the certificate that it stands on. As a rule that was found before
/// anything was said; where the client had to begin twice, it is found here.
fn counts(session: &CommonState) -> Result<(), Fault> {
    match is_over(session) {
        true => Err(Fault::Refused(CertificateError::Expired.into())),
        false => Ok(()),
    }
}

/// It comes in more pieces than anybody needs, or is longer than any is.
fn crumbled(wire: &Wire) -> Fault {
    wire.send_now(&DECODE_ERROR);
    Fault::Crumbled
}

fn refused(wire: &mut Wire, error: rustls::Error, mut alert: AcceptedAlert) -> Fault {
    let mut bytes = Vec::new();
    // Writing to memory cannot fail.
    let _ = alert.write_all(&mut bytes);
    if bytes.is_empty() {
        // Of what is no record at all, rustls says nothing.
        bytes.extend_from_slice(&DECODE_ERROR);
    }
    wire.send_now(&bytes);
    Fault::Refused(error)
}

fn broken(error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Fault::Left { was_silent: false },
        _ => Fault::Broken(error),
    }
}

/// Counts it, and makes a client of it.
fn settle(stream: Stream, mut peer: Peer, place: Place, trust: &Arc<Trust>) -> Handshaken {
    let mut is_http2 = false;
    if let Stream::Tls(tls) = &stream {
        let secured = secured(tls.session(), trust);
        is_http2 = tls.session().alpn_protocol() == Some(b"h2");
        let event = if secured.is_resumed {
            EdgeEvent::TlsResumed
        } else {
            EdgeEvent::TlsFull
        };
        place.gate.listener().stats.note(place.worker.shard, event);
        tracing::debug!(
            listener = &*place.gate.name, client = &*peer.text, version = ?secured.version,
            cipher = secured.cipher, is_http2, event = event.code(), "a TLS handshake is done"
        );
        peer.secured = Some(Box::new(secured));
    }
    let conn = Conn::new(stream, &place.worker.wheel);
    Handshaken {
        client: Client::new(conn, Rc::new(peer), place),
        is_http2,
    }
}

fn secured(session: &Connection, trust: &Arc<Trust>) -> Secured {
    let is_13 = session.protocol_version() == Some(ProtocolVersion::TLSv1_3);
    let suite = session.negotiated_cipher_suite();
    let shown = session.peer_certificates().and_then(<[_]>::first);
    Secured {
        version: if is_13 {
            TlsVersion::Tls13
        } else {
            TlsVersion::Tls12
        },
        cipher: suite
            .and_then(|suite| suite.suite().as_str())
            .unwrap_or("unknown"),
        server_name: match session {
            Connection::Server(server) => server.server_name().map(Into::into),
            Connection::Client(_) => None,
        },
        certificate: shown.map(shown_by),
        is_resumed: session.handshake_kind() == Some(HandshakeKind::Resumed),
        trust: Arc::clone(trust),
        ends: end_of_client(session),
    }
}

/// Counts and tells why there is no connection.
async fn end(stream: Stream, fault: Fault, peer: Peer, place: Place, plan: &TlsPlan) {
    let Some(event) = fault.event() else { return };
    place.gate.listener().stats.note(place.worker.shard, event);
    log(&place, &peer, event, &fault);
    let mut conn = Conn::new(stream, &place.worker.wheel);
    let deadline = Instant::now() + plan.handshake_timeout;
    match fault {
        Fault::Plain(bytes) => {
            conn.prepend(&bytes);
            plain::refuse(Client::new(conn, Rc::new(peer), place), deadline).await;
        }
        Fault::UnknownName(_) => {
            if let Stream::Wire(wire) = &conn.stream {
                wire.send_now(&UNRECOGNIZED_NAME);
            }
            Client::new(conn, Rc::new(peer), place).linger().await;
        }
        Fault::Refused(_) | Fault::Crumbled => Client::new(conn, Rc::new(peer), place).linger().await,
        Fault::Left { .. } | Fault::Broken(_) | Fault::Late | Fault::Crowded => {}
    }
}

/// Once per cause and interval.
fn log(place: &Place, peer: &Peer, event: EdgeEvent, fault: &Fault) {
    let subject = Subject::Listener(place.gate.name.clone(), event);
    if let Some(unsaid) = place.worker.said.may_say(subject, Instant::now()) {
        tracing::info!(
            listener = &*place.gate.name, event = event.code(), client = &*peer.text, reason = %fault, unsaid,
            "a TLS handshake came to nothing"
        );
    }
}

/// How long one may say nothing while others wait for its place.
const STALL: Duration = Duration::from_secs(1);
/// Read at once of what a client begins with: most begin with less.
const HELLO_BYTES: usize = 2 * 1024;
/// Fatal alerts, as records (RFC 5246 section 7.2).
const DECODE_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 50];
/// RFC 6066 section 3.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];
