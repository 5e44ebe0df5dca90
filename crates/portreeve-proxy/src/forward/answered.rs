//! Waiting for an answer on a connection of which no client waits for anything yet.

use std::task::Poll;

use portreeve_http1::{HeadLimits, HeadScan};
use portreeve_model::Cause;

use crate::body::Body;
use crate::conn::Conn;
use crate::patience::Patience;
use crate::stream::tls::is_unended;
use crate::timer::Timer;
use crate::worker::Worker;

/// The length of a whole response head, which is then in the input.
pub(super) async fn whole_head(
    conn: &mut Conn,
    limits: &HeadLimits,
    mut patience: Patience,
    worker: &Worker,
) -> Result<usize, Cause> {
    let mut scan = HeadScan::default();
    loop {
        if !conn.input().is_empty() {
            match scan.advance(conn.input(), limits) {
                Ok(Some(length)) => return Ok(length),
                Ok(None) => {}
                Err(_) => return Err(Cause::MalformedResponse),
            }
        }
        fill(conn, &mut patience, worker).await?;
    }
}

/// Reads a body and drops it; whether it came to its end, and the connection may serve another request.
pub(super) async fn skip_body(
    conn: &mut Conn,
    mut body: Body,
    mut patience: Patience,
    worker: &Worker,
) -> bool {
    let mut left = SKIPPED_MAX;
    loop {
        let Ok(step) = body.step(conn.input(), true) else {
            return false;
        };
        conn.consume(step.skip + step.pass);
        if step.ended {
            return true;
        }
        left = left.saturating_sub(step.pass);
        if left == 0 || body.is_at_trailers() {
            return false;
        }
        if fill(conn, &mut patience, worker).await.is_err() {
            return false;
        }
    }
}

/// Reads more; that there is an end is an error.
async fn fill(conn: &mut Conn, patience: &mut Patience, worker: &Worker) -> Result<(), Cause> {
    let mut timer = Timer::new(&worker.wheel);
    std::future::poll_fn(|context| match conn.poll_fill(context) {
        Poll::Ready(Ok(0)) => Poll::Ready(Err(Cause::BackendClosed)),
        Poll::Ready(Ok(count)) => {
            patience.moved(count);
            Poll::Ready(Ok(()))
        }
        Poll::Ready(Err(error)) if is_unended(&error) => Poll::Ready(Err(Cause::BackendClosed)),
        Poll::Ready(Err(_)) => Poll::Ready(Err(Cause::BackendReset)),
        Poll::Pending if timer.poll_expired(context, patience.deadline()) => {
            Poll::Ready(Err(Cause::FirstByteTimeout))
        }
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Beyond that a new connection is cheaper.
const SKIPPED_MAX: usize = 4 * 1024 * 1024;
