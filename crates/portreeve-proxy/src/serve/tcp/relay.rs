//! Bytes both ways, until both have said all or one has broken.

use portreeve_model::{Cause, Listener};

use super::reach::Reached;
use crate::conn::Conn;
use crate::forward::note_failure;
use crate::forward::turn::Turn;
use crate::record::Record;
use crate::relay::BothWays;
use crate::serve::client::Client;

/// Carries the connection to its end. It counts as one of the backend's running requests all the while.
pub(super) async fn relay(
    reached: Reached<'_>,
    client: &mut Client,
    listener: &Listener,
    record: &mut Record<'_>,
) -> Result<(), Cause> {
    let Reached {
        mut turn,
        upstream,
        header,
    } = reached;
    let mut both = BothWays::new(listener.limits.tunnel_idle_timeout);
    let mut joined = Joined {
        upstream,
        client: &mut client.conn,
        is_over: false,
    };
    record.status = CARRIED;
    let begun = both.begin(joined.client, &mut joined.upstream, &header, b"");
    begun.map_err(|_| Cause::InternalError)?;
    let mut is_settled = false;
    let ended = std::future::poll_fn(|context| {
        let polled = both.poll(context, joined.client, &mut joined.upstream);
        if both.to_client() > 0 && record.phases.first_byte.is_none() {
            record.phases.first_byte = Some(record.elapsed());
        }
        if !is_settled && (both.to_client() > 0 || both.to_backend() > TAKEN) {
            is_settled = true;
            has_served(&mut turn, record);
            turn.settle();
        }
        polled
    })
    .await;
    record.bytes_in = both.to_backend().saturating_sub(header.len() as u64);
    record.bytes_out = both.to_client();
    let ended = match ended {
        Ok(()) if both.is_refused_by_client() => Err(Cause::ClientLeft),
        Err(Cause::TruncatedResponse) if both.to_client() == 0 => Err(Cause::BackendReset),
        ended => ended,
    };
    if !is_settled && ended.is_ok() {
        has_served(&mut turn, record);
    }
    note_failure(&mut turn, ended.err());
    joined.is_over = ended.is_ok();
    ended
}

/// How long its connection took says how quick it is: what follows is up to the client as much.
fn has_served(turn: &mut Turn<'_>, record: &Record<'_>) {
    let (begun, connected) = (record.phases.chosen, record.phases.connected);
    let latency = connected
        .unwrap_or_default()
        .saturating_sub(begun.unwrap_or_default());
    turn.answered(CARRIED, latency, record.now());
}

/// Two connections of which neither peer may take what it has for the whole, should the other's break, or ours be cut.
struct Joined<'a> {
    client: &'a mut Conn,
    upstream: Conn,
    is_over: bool,
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.client.stream.reset_on_close();
            self.upstream.stream.reset_on_close();
        }
    }
}

/// The status of a connection that a backend took, in records and counts.
const CARRIED: u16 = 200;
/// A backend that has taken so many bytes serves, though it may have nothing to say.
const TAKEN: u64 = 64 * 1024;
