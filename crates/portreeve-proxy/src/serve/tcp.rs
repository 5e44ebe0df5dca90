//! One connection that is carried as it is: who serves it is decided once, then bytes go both ways to their end.
//!
//! It counts as one request. Nothing can be said to a client of whom nothing is known but its bytes: whom nobody serves
//! has his connection reset, and the record says why.

mod hello;
mod passing;
mod reach;
mod relay;

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use portreeve_model::{Cause, Listener};

pub(crate) use self::passing::Passing;
use super::answer::{admit, later};
use super::client::Client;
use crate::forward::choose::Choice;
use crate::record::Record;
use crate::worker::Current;

/// Serves a connection to its end.
pub(crate) async fn serve(mut client: Client) {
    client.requests = 1;
    client.conn.may_half_close = true;
    let host = Box::pin(hello::host(&mut client)).await;
    // The world may have moved on while the client's first bytes were waited for.
    let listener = client.gate.listener();
    let worker = client.worker.clone();
    let newer = OnceCell::new();
    let peer = client.peer.clone();
    let passing = Passing::new(host.as_deref().unwrap_or_default(), &peer);
    let mut record = Record::of_connection(&worker, &listener, &passing);
    let mut carried = match host {
        Ok(_) => carry(&mut client, &listener, &passing, &mut record).await,
        Err(cause) => Err(cause),
    };
    if record.is_outdated
        && let Some(found) = Box::pin(later(&client, &listener)).await
    {
        let listener: &Rc<Current> = newer.get_or_init(|| found);
        carried = carry(&mut client, listener, &passing, &mut record).await;
    }
    match carried {
        Ok(()) => record.is_complete = true,
        Err(cause) => {
            client.conn.stream.reset_on_close();
            record.end_connection(cause);
        }
    }
}

/// Carries it by what one snapshot says.
async fn carry<'a>(
    client: &mut Client,
    listener: &'a Listener,
    passing: &Passing<'_>,
    record: &mut Record<'a>,
) -> Result<(), Cause> {
    if !client.peer.stands_before(listener) {
        return Err(Cause::TrustChanged);
    }
    let admitted = admit(passing, listener, &client.worker, record, || Ok(()));
    let admitted = admitted.map_err(|refusal| refusal.cause)?;
    let ejections = Cell::new(0);
    let choice = Choice {
        pool: admitted.pool,
        group: &admitted.group,
        key: admitted.group.key(passing),
        sticky: None,
        priority: admitted.route.priority(passing),
        until: admitted
            .pool
            .limits
            .total_timeout
            .map(|total| record.started + total),
        ejections: &ejections,
        bytes: 0,
        page: None,
    };
    let reached = Box::pin(reach::reach(&choice, client, listener, record)).await;
    let carried = match reached {
        Ok(reached) => relay::relay(reached, client, listener, record).await,
        Err(cause) => Err(cause),
    };
    record.ejections = record.ejections.saturating_add(ejections.get());
    carried
}
