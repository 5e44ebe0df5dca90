//! A request packet: find who upholds its policy, ask one of them, pass the answer on.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use portreeve_model::plan::LedgerMode;
use portreeve_model::{Backend, Cause, Listener, Packets, Tried};
use portreeve_packet::{Request, Spelling};

use super::exchange::exchange;
use super::{Answered, Next};
use crate::conn::Conn;
use crate::forward::choose::Choice;
use crate::forward::connect::connect;
use crate::forward::reach::trust_wanted;
use crate::forward::turn::Turn;
use crate::forward::{note_failure, note_unreachable};
use crate::record::Record;
use crate::serve::client::Client;
use crate::worker::Worker;

/// Answers a request with what a backend says to it, or says why none did.
pub(super) async fn answer(
    client: &Client,
    listener: &Listener,
    packets: &Packets,
    request: &Request,
    record: &mut Record<'_>,
) -> Answered {
    let Some(group) = packets.route.pool.upholding(request.policy()) else {
        let detail = format!(
            "no server here is known to uphold the policy {}",
            request.policy()
        );
        return Answered::refused(Cause::UnknownPolicy, detail);
    };
    if let Err(refusal) = record.enter_in_ledger(LedgerMode::Off, Some(group)) {
        return Answered::refused(refusal.cause, refusal.detail);
    }
    let ejections = Cell::new(0);
    let choice = Choice {
        pool: &packets.route.pool,
        group,
        key: 0,
        sticky: None,
        priority: PRIORITY,
        until: None,
        ejections: &ejections,
        bytes: request.raw().len() as u64,
        page: None,
    };
    let answered = ask_one(&choice, client, listener, packets, request, record).await;
    record.ejections = ejections.get();
    match answered {
        Ok(packet) => Answered::Packet(packet, Next::Packet),
        Err(Cause::NoBackend | Cause::ConnectRefused) => {
            let detail = format!("no server of the policy {} can be reached", request.policy());
            Answered::refused(Cause::NoBackend, detail)
        }
        Err(cause) => Answered::refused(cause, told(cause)),
    }
}

/// What a cause means where packets are spoken.
fn told(cause: Cause) -> &'static str {
    match cause {
        Cause::ConnectTimeout => "the server could not be reached in time",
        Cause::FirstByteTimeout => "the server did not answer in time",
        Cause::BackendClosed => "the server closed the connection before its answer was whole",
        Cause::BackendReset => "the server reset the connection before its answer was whole",
        Cause::MalformedResponse => "the server's answer is no acknowledgement",
        other => other.title(),
    }
}

/// Asks backends of the group until one takes the request. What one has taken is not asked of another: a packet does not
/// say whether it may be done twice.
async fn ask_one(
    choice: &Choice<'_>,
    client: &Client,
    listener: &Listener,
    packets: &Packets,
    request: &Request,
    record: &mut Record<'_>,
) -> Result<Vec<u8>, Cause> {
    let mut tried = Tried::default();
    let mut failed = None;
    while record.attempts < choice.pool.limits.attempts_max {
        let turn = choice.turn(&tried, None, &client.worker, record).await;
        let mut turn = turn.map_err(|refusal| failed.unwrap_or(refusal.cause))?;
        tried.insert(turn.backend().id);
        record.chose(turn.lease());
        let backend = Arc::clone(turn.backend());
        match reach(&backend, packets, &client.worker, record.started).await {
            // Time has passed: it may have left, or have come to stand under other policies.
            Ok(_) if !choice.group.admits(turn.lease()) => failed = Some(Cause::NoBackend),
            Ok(upstream) => {
                record.phases.connected = Some(record.elapsed());
                return ask_this(upstream, &mut turn, client, packets, request, record).await;
            }
            Err(cause) => {
                note_unreachable(&backend, cause, &listener.suspicions);
                note_failure(&mut turn, Some(cause));
                failed = Some(cause);
            }
        }
    }
    Err(failed.unwrap_or(Cause::NoBackend))
}

async fn ask_this(
    upstream: Conn,
    turn: &mut Turn<'_>,
    client: &Client,
    packets: &Packets,
    request: &Request,
    record: &mut Record<'_>,
) -> Result<Vec<u8>, Cause> {
    let backend = Arc::clone(turn.backend());
    let asked = spelled(request, &backend);
    let spelling = request.spelling();
    let worker = &client.worker;
    let answered = exchange(upstream, &backend, (&asked, spelling), packets, worker, record).await;
    match &answered {
        Ok(_) => {
            let (begun, ended) = (record.phases.chosen, record.phases.first_byte);
            let latency = ended
                .unwrap_or_default()
                .saturating_sub(begun.unwrap_or_default());
            turn.answered(200, latency, worker.now());
        }
        Err(cause) => note_failure(turn, Some(*cause)),
    }
    answered
}

/// A connection that was kept, if any is and the kernel says that it still stands; else a new one.
async fn reach(backend: &Backend, packets: &Packets, worker: &Worker, now: Instant) -> Result<Conn, Cause> {
    let wanted = trust_wanted(&packets.route.pool, backend);
    while packets.plan.keep_alive
        && let Some(kept) = worker.idle.take(backend.id, wanted, now)
    {
        if kept.stream.is_silent() {
            return Ok(kept);
        }
    }
    let pool = &packets.route.pool;
    connect(pool, backend, pool.limits.connect_timeout, worker, None).await
}

/// The very bytes that the client sent, but for the spelling of the type, which is the server's.
fn spelled(request: &Request, backend: &Backend) -> Vec<u8> {
    let spelling = match (backend.is_registered, backend.spells_types_as_text) {
        (false, _) => request.spelling(),
        (true, true) => Spelling::Text,
        (true, false) => Spelling::Number,
    };
    let mut out = Vec::with_capacity(request.raw().len() + 2);
    request.write(spelling, &mut out);
    out
}

/// Packets say nothing of it: the middle.
const PRIORITY: u8 = 3;
