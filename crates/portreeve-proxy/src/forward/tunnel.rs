//! After `Upgrade` or `CONNECT`: bytes both ways.

use portreeve_http1::StatusLine;
use portreeve_model::Cause;

use super::Ended;
use super::exchange::Exchange;
use crate::headers;
use crate::record::Record;
use crate::relay::BothWays;
use crate::serve::client::Client;
use crate::serve::h1::Next;

/// Carries the tunnel to its end. The count of the backend's running requests holds it all the while.
pub(super) async fn tunnel(
    exchange: &mut Exchange<'_, '_>,
    status: StatusLine,
    client: &mut Client,
    record: &mut Record<'_>,
) -> Ended {
    let (call, upstream) = (exchange.call, &mut exchange.upstream);
    exchange.out.clear();
    headers::write_tunnel(&status, &exchange.head, &mut exchange.out);
    let mut tunnel = BothWays::new(call.listener.limits.tunnel_idle_timeout);
    let begun = tunnel.begin(&mut client.conn, upstream, b"", &exchange.out);
    record.status = status.status;
    let ended = match begun {
        Ok(()) => std::future::poll_fn(|context| tunnel.poll(context, &mut client.conn, upstream)).await,
        Err(_) => Err(Cause::MalformedResponse),
    };
    (record.bytes_in, record.bytes_out) = (tunnel.to_backend(), tunnel.to_client());
    match ended {
        Ok(()) => Ended::Done(Next::Close),
        Err(cause) => {
            upstream.stream.reset_on_close();
            client.conn.stream.reset_on_close();
            Ended::Aborted(cause)
        }
    }
}
