//! Finding a backend and connecting to it. Nothing of the client's has been sent, so any other may be tried.

use std::sync::Arc;

use portreeve_model::{Cause, Listener, Tried};
use portreeve_preamble::{Ends, Version, write};

use crate::conn::Conn;
use crate::forward::choose::Choice;
use crate::forward::connect::connect_behind;
use crate::forward::turn::Turn;
use crate::forward::{note_failure, note_unreachable};
use crate::record::Record;
use crate::serve::client::Client;

/// A backend that takes the connection.
pub(super) struct Reached<'a> {
    pub(super) turn: Turn<'a>,
    pub(super) upstream: Conn,
    /// What it is still to be told before the client's bytes.
    pub(super) header: Vec<u8>,
}

/// Tries backends until one takes the connection or no more may be tried.
pub(super) async fn reach<'a>(
    choice: &Choice<'a>,
    client: &mut Client,
    listener: &Listener,
    record: &mut Record<'_>,
) -> Result<Reached<'a>, Cause> {
    let worker = client.worker.clone();
    let mut tried = Tried::default();
    let mut failed = None;
    let header = header(choice, client);
    while record.attempts < choice.pool.limits.attempts_max {
        let turn = choice.turn(&tried, Some(&mut client.conn), &worker, record).await;
        let mut turn = turn.map_err(|refusal| why(refusal.cause, failed))?;
        let backend = Arc::clone(turn.backend());
        tried.insert(backend.id);
        record.chose(turn.lease());
        let timeout = choice.pool.limits.connect_timeout;
        let ahead = match choice.pool.scheme_of(&backend).is_tls() {
            true => &header[..],
            // It leaves with the client's first bytes, in one write.
            false => b"",
        };
        match connect_behind(ahead, choice.pool, &backend, timeout, &worker, None).await {
            // Time has passed: it may have left, or have come to stand under other policies.
            Ok(_) if !choice.group.admits(turn.lease()) => {}
            Ok(upstream) => {
                record.phases.connected = Some(record.elapsed());
                let header = if ahead.is_empty() { header } else { Vec::new() };
                return Ok(Reached {
                    turn,
                    upstream,
                    header,
                });
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

/// What backends are told of whose connection it is.
fn header(choice: &Choice<'_>, client: &Client) -> Vec<u8> {
    let mut header = Vec::new();
    let Some(version) = choice.pool.plan().proxy_protocol else {
        return header;
    };
    let told = client.peer.addresses.as_deref().copied();
    let ends = told.or_else(|| client.conn.stream.ends());
    let ends = ends.map(|(client, server)| Ends { client, server });
    let version = if version == 1 { Version::V1 } else { Version::V2 };
    write(version, ends, &mut header);
    header
}

/// What the last one failed of says more than that nobody is left.
fn why(refused: Cause, failed: Option<Cause>) -> Cause {
    match refused {
        Cause::NoBackend => failed.unwrap_or(refused),
        other => other,
    }
}
