//! One connection that speaks packets, from its first byte to its last: read, answer, in turn.

mod exchange;
mod request;
mod setup;

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use portreeve_model::{Cause, Packets, SpokenVersion};
use portreeve_packet::{Code, Fault, Limits, Packet, Request, Scan, Spelling, parse, skippable, write_error};

use super::answer::later;
use super::client::Client;
use crate::conn::Conn;
use crate::patience::Patience;
use crate::record::Record;
use crate::worker::Current;

/// Whether the connection's first byte says that packets will come. Methods of HTTP begin with a letter, and a stray
/// CRLF may stand before the first request.
pub(crate) fn begins(client: &Client) -> bool {
    client.requests == 0
        && client.gate.listener().packets.is_some()
        && client
            .conn
            .input()
            .first()
            .is_some_and(|byte| !byte.is_ascii_alphabetic() && !matches!(byte, b'\r' | b'\n'))
}

/// Serves a connection to its end.
pub(crate) async fn serve(mut client: Client) {
    loop {
        let waiting = client.gate.listener();
        let Some(packets) = &waiting.packets else {
            return client.linger().await;
        };
        let read = read(&mut client, packets).await;
        // The world may have moved on while the packet was waited for: it is served by the present one.
        let listener = client.gate.listener();
        let Some(packets) = &listener.packets else {
            return client.linger().await;
        };
        if !client.peer.stands_before(&listener) {
            client.note_outlived();
            return client.linger().await;
        }
        match read {
            Read::Packet(bytes) => {
                let next = answer(&mut client, &listener, packets, &bytes).await;
                if next == Next::Close || (next == Next::Say && !has_more(&mut client)) {
                    return client.linger().await;
                }
            }
            Read::Refused(fault) => {
                refuse(&mut client, &listener, packets, &fault).await;
                return client.linger().await;
            }
            Read::Ended => return client.linger().await,
            Read::Broken => return,
        }
    }
}

/// What becomes of the connection after a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The next packet may come.
    Packet,
    /// We have said all there is to say, unless another packet is here already.
    Say,
    /// It is over.
    Close,
}

/// Whether another packet has begun to arrive; a line's end behind the last one is none.
fn has_more(client: &mut Client) -> bool {
    let spaces = skippable(client.conn.input());
    client.conn.consume(spaces);
    !client.conn.input().is_empty()
}

enum Read {
    Packet(Vec<u8>),
    Refused(Fault),
    /// The client has nothing more to say, or has been silent for too long.
    Ended,
    Broken,
}

impl From<Result<Vec<u8>, Fault>> for Read {
    fn from(taken: Result<Vec<u8>, Fault>) -> Self {
        match taken {
            Ok(bytes) => Self::Packet(bytes),
            Err(fault) => Self::Refused(fault),
        }
    }
}

/// Reads one packet, all of it within the idle timeout.
async fn read(client: &mut Client, packets: &Packets) -> Read {
    let limits = limits(packets);
    let deadline = Instant::now() + packets.plan.idle_timeout;
    let mut scan = Scan::default();
    std::future::poll_fn(|context| {
        loop {
            if let Some(taken) = take(&mut client.conn, &mut scan, &limits).transpose() {
                return Poll::Ready(Read::from(taken));
            }
            match client.conn.poll_fill(context) {
                Poll::Ready(Ok(0)) => return Poll::Ready(end(&mut client.conn, &mut scan, &limits)),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Read::Broken),
                Poll::Pending => break,
            }
        }
        let is_over = (client.gate.is_closing() || client.is_outlived()) && client.conn.input().is_empty();
        if is_over || client.conn.read_timer.poll_expired(context, deadline) {
            return Poll::Ready(Read::Ended);
        }
        Poll::Pending
    })
    .await
}

/// The first packet of what has arrived, if it is complete, or why it will never be one.
fn take(conn: &mut Conn, scan: &mut Scan, limits: &Limits) -> Result<Option<Vec<u8>>, Fault> {
    let spaces = skippable(conn.input());
    if spaces > 0 {
        conn.consume(spaces);
        *scan = Scan::default();
    }
    let packet = scan.advance(conn.input(), limits)?;
    Ok(packet.map(|range| cut(conn, range)))
}

fn cut(conn: &mut Conn, range: Range<usize>) -> Vec<u8> {
    let end = range.end;
    let bytes = conn.input()[range].to_vec();
    conn.consume(end);
    bytes
}

/// A value that only the end of the stream ends, such as a number, may still be there.
fn end(conn: &mut Conn, scan: &mut Scan, limits: &Limits) -> Read {
    if conn.input().is_empty() {
        return Read::Ended;
    }
    match scan.finish(conn.input(), limits) {
        Ok(Some(range)) => Read::Packet(cut(conn, range)),
        Ok(None) => Read::Ended,
        Err(fault) => Read::Refused(fault),
    }
}

fn limits(packets: &Packets) -> Limits {
    Limits {
        packet_bytes_max: packets.plan.packet_bytes_max as usize,
        payload_bytes_max: packets.plan.payload_bytes_max as usize,
        ..Limits::default()
    }
}

/// Answers one packet, whatever it is, and records it.
async fn answer(client: &mut Client, listener: &Rc<Current>, packets: &Packets, bytes: &[u8]) -> Next {
    client.requests += 1;
    let worker = client.worker.clone();
    let mut record = Record::new(&worker, listener, client.peer.ip, SpokenVersion::Packet);
    record.route = Some(&packets.route);
    record.bytes_in = bytes.len() as u64;
    let answered = match parse(bytes, &limits(packets)) {
        Ok(Packet::Request(request)) => serve_request(client, listener, packets, &request, &mut record).await,
        Ok(Packet::Setup(setup)) => setup::answer(client, listener, packets, &setup, &mut record).await,
        Ok(Packet::Ack(_) | Packet::Error(_)) => Answered::refused(Cause::BadPacket, NOT_FOR_US),
        Err(fault) => Answered::refused(cause_of(fault.code), fault.detail),
    };
    let next = if packets.plan.closes_after_answer {
        Next::Close
    } else {
        answered.next()
    };
    let out = answered.into_bytes(bytes, &mut record);
    if deliver(client, packets, &out, &mut record).await {
        next
    } else {
        Next::Close
    }
}

/// Anew by the next snapshot, once, if all servers it might have met are gone since this one.
async fn serve_request(
    client: &Client,
    listener: &Rc<Current>,
    packets: &Packets,
    request: &Request,
    record: &mut Record<'_>,
) -> Answered {
    let answered = request::answer(client, listener, packets, request, record).await;
    if !record.is_outdated {
        return answered;
    }
    let newer = Box::pin(later(client, listener)).await;
    match newer
        .as_ref()
        .and_then(|newer| Some((newer, newer.packets.as_ref()?)))
    {
        Some((listener, packets)) => request::answer(client, listener, packets, request, record).await,
        None => answered,
    }
}

/// Tells a client that what it sent is no packet; where the next would begin is not known.
async fn refuse(client: &mut Client, listener: &Rc<Current>, packets: &Packets, fault: &Fault) {
    let worker = client.worker.clone();
    let mut record = Record::new(&worker, listener, client.peer.ip, SpokenVersion::Packet);
    record.route = Some(&packets.route);
    record.bytes_in = client.conn.input().len() as u64;
    let answered = Answered::refused(cause_of(fault.code), fault.detail.clone());
    let spelling = Spelling::of(client.conn.input());
    let out = answered.spelled(None, spelling, &mut record);
    deliver(client, packets, &out, &mut record).await;
}

/// Writes an answer in one go; whether the client took it.
async fn deliver(client: &mut Client, packets: &Packets, out: &[u8], record: &mut Record<'_>) -> bool {
    let mut patience = Patience::new(packets.plan.idle_timeout, None, None);
    let is_written = client.conn.write_all(out, &mut patience).await.is_ok();
    if is_written {
        record.bytes_out = out.len() as u64;
        record.status = record.cause.map_or(200, Cause::status);
        record.is_complete = true;
    } else {
        record.cause.get_or_insert(Cause::ClientLeft);
    }
    is_written
}

/// What goes back to the peer.
enum Answered {
    /// This packet.
    Packet(Vec<u8>, Next),
    /// An error packet.
    Refused(Cause, Cow<'static, str>),
}

impl Answered {
    fn refused(cause: Cause, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused(cause, detail.into())
    }

    /// Nothing more is said than what the cause says.
    fn failed(cause: Cause) -> Self {
        Self::refused(cause, cause.title())
    }

    fn next(&self) -> Next {
        match self {
            Self::Packet(_, next) => *next,
            // What follows it cannot be trusted to begin where it ended.
            Self::Refused(Cause::NotJson, _) => Next::Close,
            Self::Refused(..) => Next::Packet,
        }
    }

    /// In the spelling of the packet that asked.
    fn into_bytes(self, asked: &[u8], record: &mut Record<'_>) -> Vec<u8> {
        self.spelled(Some(asked), Spelling::of(asked), record)
    }

    fn spelled(self, asked: Option<&[u8]>, spelling: Spelling, record: &mut Record<'_>) -> Vec<u8> {
        match self {
            Self::Packet(packet, _) => packet,
            Self::Refused(cause, detail) => {
                record.cause = Some(cause);
                let mut out = Vec::new();
                write_error(asked, spelling, code_of(cause), &detail, &mut out);
                out
            }
        }
    }
}

fn cause_of(code: Code) -> Cause {
    match code {
        Code::NotJson => Cause::NotJson,
        Code::PayloadTooLarge => Cause::PayloadTooLarge,
        _ => Cause::BadPacket,
    }
}

/// The closed list of the packet protocol is shorter than that of causes.
fn code_of(cause: Cause) -> Code {
    match cause {
        Cause::NotJson => Code::NotJson,
        Cause::BadPacket => Code::BadPacket,
        Cause::PayloadTooLarge => Code::PayloadTooLarge,
        Cause::UnknownPolicy => Code::UnknownPolicy,
        Cause::NoBackend | Cause::ConnectRefused => Code::NoBackend,
        Cause::RegistrationRefused => Code::RegistrationRefused,
        Cause::ConnectTimeout | Cause::FirstByteTimeout | Cause::BackendIdleTimeout | Cause::TotalTimeout => {
            Code::Timeout
        }
        Cause::RegistrationOverload
        | Cause::LedgerUnavailable
        | Cause::RateLimited
        | Cause::Overloaded
        | Cause::HoldTimeout
        | Cause::ListenerFull
        | Cause::TooManyFromClient
        | Cause::OpenFilesExhausted
        | Cause::ShuttingDown => Code::Overloaded,
        _ => Code::BackendFailed,
    }
}

const NOT_FOR_US: &str =
    "type: found 2 or -1, which only answers have; allowed are 0 (a request) and 1 (a setup)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_proxy_lacks_room_or_a_ledger_for_is_overload() {
        for cause in [
            Cause::RegistrationOverload,
            Cause::LedgerUnavailable,
            Cause::Overloaded,
            Cause::HoldTimeout,
            Cause::ListenerFull,
            Cause::TooManyFromClient,
        ] {
            assert_eq!(code_of(cause), Code::Overloaded, "{cause:?}");
        }
    }
}
