//! One packet to a server and one back, on a connection of their own.

use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use portreeve_model::{Backend, Cause, Packets};
use portreeve_packet::{Limits, Packet, Scan, Spelling, parse};

use super::take;
use crate::conn::Conn;
use crate::patience::Patience;
use crate::record::Record;
use crate::worker::Worker;

/// Sends `asked` in one write and waits for one packet, whose type is passed on in the given spelling.
pub(super) async fn exchange(
    mut upstream: Conn,
    backend: &Arc<Backend>,
    (asked, spelling): (&[u8], Spelling),
    packets: &Packets,
    worker: &Rc<Worker>,
    record: &mut Record<'_>,
) -> Result<Vec<u8>, Cause> {
    let limits = &packets.route.pool.limits;
    let mut patience = Patience::new(limits.idle_timeout, None, None);
    let sent = upstream.write_all(asked, &mut patience).await;
    sent.map_err(|_| Cause::BackendReset)?;
    let deadline = Instant::now() + limits.first_byte_timeout;
    let read = read(&mut upstream, &bounds(packets), deadline).await;
    record.phases.first_byte = Some(record.elapsed());
    if packets.plan.keep_alive && read.is_ok() && upstream.input().is_empty() {
        worker.idle.put(backend, upstream, limits, None, Instant::now());
    } else {
        tokio::task::spawn_local(end(upstream, Rc::clone(worker)));
    }
    respelled(&read?, spelling, &bounds(packets))
}

/// An answer may carry more than a request may: its payload is bounded by the packet alone.
fn bounds(packets: &Packets) -> Limits {
    let most = packets.plan.packet_bytes_max as usize;
    Limits {
        packet_bytes_max: most,
        payload_bytes_max: most,
        ..Limits::default()
    }
}

async fn read(upstream: &mut Conn, limits: &Limits, deadline: Instant) -> Result<Vec<u8>, Cause> {
    let mut scan = Scan::default();
    std::future::poll_fn(|context| {
        loop {
            match take(upstream, &mut scan, limits) {
                Ok(Some(packet)) => return Poll::Ready(Ok(packet)),
                Ok(None) => {}
                Err(_) => return Poll::Ready(Err(Cause::MalformedResponse)),
            }
            match upstream.poll_fill(context) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(Cause::BackendClosed)),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Cause::BackendReset)),
                Poll::Pending if upstream.read_timer.poll_expired(context, deadline) => {
                    return Poll::Ready(Err(Cause::FirstByteTimeout));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

/// Acknowledgements and errors are passed on; anything else is no answer.
fn respelled(read: &[u8], spelling: Spelling, limits: &Limits) -> Result<Vec<u8>, Cause> {
    let mut packet = Vec::with_capacity(read.len() + 2);
    match parse(read, limits) {
        Ok(Packet::Ack(ack)) => ack.write(spelling, &mut packet),
        Ok(Packet::Error(error)) => error.write(spelling, &mut packet),
        _ => return Err(Cause::MalformedResponse),
    }
    Ok(packet)
}

/// Closes cleanly: some servers die for good of a reset. Says that nothing more will come and takes what the server still
/// says, for a moment. The connection's timers need the worker.
async fn end(mut upstream: Conn, _worker: Rc<Worker>) {
    let _ = tokio::time::timeout(END_WAIT, upstream.linger()).await;
}

const END_WAIT: Duration = Duration::from_millis(500);
