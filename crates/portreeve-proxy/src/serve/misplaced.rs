//! A TLS handshake on a port without TLS: the client is told, and so is the operator, who perhaps forgot a `tls`.

use std::time::Instant;

use portreeve_model::{Cause, EdgeEvent};

use super::answer;
use super::client::Client;
use crate::refusal::Refusal;
use crate::said::Subject;

/// Whether the connection begins with a record of a TLS handshake (RFC 8446 section 5.1): no method and no packet does.
pub(super) fn begins(client: &Client) -> bool {
    client.requests == 0 && client.conn.input().first() == Some(&HANDSHAKE)
}

/// Counts it, says it once an interval, and answers without TLS: there is no alert that means this, and what TLS libraries
/// call an answer like ours ("wrong version number") is what people look for.
pub(super) async fn refuse(mut client: Client) {
    let listener = client.gate.listener();
    listener.stats.note(client.worker.shard, EdgeEvent::PlainTls);
    tell(&client);
    let refusal = Refusal::saying(Cause::MalformedRequest, DETAIL);
    answer::refuse_unread(&mut client, &listener, &refusal, false).await;
    client.linger().await;
}

fn tell(client: &Client) {
    let subject = Subject::Listener(client.gate.name.clone(), EdgeEvent::PlainTls);
    if let Some(unsaid) = client.worker.said.may_say(subject, Instant::now()) {
        tracing::info!(
            listener = &*client.gate.name,
            event = EdgeEvent::PlainTls.code(),
            client = &*client.peer.text,
            unsaid,
            "a client speaks TLS, and this listener does not: give it certificates or domains, or have clients use http://"
        );
    }
}

/// The type of a record.
const HANDSHAKE: u8 = 22;
const DETAIL: &str = "A TLS handshake came, and this port speaks HTTP without TLS; use http://.";
