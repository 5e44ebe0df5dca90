//! After `Upgrade` or `CONNECT`: bytes both ways, each direction with its own end, until both have ended or nobody has said anything for long.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use portreeve_http1::{Framing, StatusLine};
use portreeve_model::Cause;

use super::Ended;
use super::call::Call;
use super::exchange::Exchange;
use crate::conn::Conn;
use crate::headers;
use crate::patience::Patience;
use crate::pipe::{Broken, Coding, Pipe};
use crate::record::Record;
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
    let mut tunnel = BothWays::new(call.listener.limits.tunnel_idle_timeout, call);
    let begun = tunnel.down.pipe.begin(upstream, &exchange.out);
    let begun = begun.and_then(|()| tunnel.up.pipe.begin(&mut client.conn, b""));
    record.status = status.status;
    let ended = match begun {
        Ok(()) => std::future::poll_fn(|context| tunnel.poll(context, &mut client.conn, upstream)).await,
        Err(_) => Err(Cause::MalformedResponse),
    };
    (record.bytes_in, record.bytes_out) = (tunnel.up.pipe.written, tunnel.down.pipe.written);
    match ended {
        Ok(()) => Ended::Done(Next::Close),
        Err(cause) => {
            upstream.stream.reset_on_close();
            client.conn.stream.reset_on_close();
            Ended::Aborted(cause)
        }
    }
}

struct BothWays {
    up: OneWay,
    down: OneWay,
    idle: Duration,
    moved: u64,
    last: Instant,
}

struct OneWay {
    pipe: Pipe,
    is_over: bool,
}

impl BothWays {
    fn new(idle: Duration, call: &Call<'_>) -> Self {
        let one_way = || {
            let patience = || Patience::new(idle, None, None);
            let pipe = Pipe::new(
                Framing::UntilClose,
                Coding::Verbatim,
                call.request_limits(),
                patience(),
                patience(),
            );
            OneWay { pipe, is_over: false }
        };
        Self {
            up: one_way(),
            down: one_way(),
            idle,
            moved: 0,
            last: Instant::now(),
        }
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
        client: &mut Conn,
        upstream: &mut Conn,
    ) -> Poll<Result<(), Cause>> {
        loop {
            let up = self.up.poll(context, client, upstream);
            let down = self.down.poll(context, upstream, client);
            let moved = self.up.pipe.written + self.down.pipe.written;
            if moved != std::mem::replace(&mut self.moved, moved) {
                self.last = Instant::now();
            }
            match (up, down) {
                (Err(End::Idle), _) | (_, Err(End::Idle)) if self.last.elapsed() < self.idle => {
                    // One direction was silent, the tunnel was not: both waits begin anew from the last byte.
                    self.up.be_patient(self.idle, self.last);
                    self.down.be_patient(self.idle, self.last);
                }
                (Err(End::Idle), _) | (_, Err(End::Idle)) => return Poll::Ready(Ok(())),
                (Err(End::Broken), _) => return Poll::Ready(Err(Cause::ClientLeft)),
                (_, Err(End::Broken)) => return Poll::Ready(Err(Cause::TruncatedResponse)),
                (Ok(()), Ok(())) if self.up.is_over && self.down.is_over => return Poll::Ready(Ok(())),
                (Ok(()), Ok(())) => return Poll::Pending,
            }
        }
    }
}

enum End {
    /// The connection that is read broke.
    Broken,
    Idle,
}

impl OneWay {
    fn poll(&mut self, context: &mut Context<'_>, from: &mut Conn, to: &mut Conn) -> Result<(), End> {
        if self.is_over {
            return Ok(());
        }
        match self.pipe.poll(context, from, to) {
            Poll::Pending => return Ok(()),
            Poll::Ready(Ok(())) => to.stream.shut_write(),
            // Nobody takes this direction any more; what the other one still carries is for somebody who does.
            Poll::Ready(Err(Broken::Write)) => {}
            Poll::Ready(Err(Broken::SourceSlow(_) | Broken::SinkSlow(_))) => return Err(End::Idle),
            Poll::Ready(Err(_)) => return Err(End::Broken),
        }
        self.is_over = true;
        Ok(())
    }

    fn be_patient(&mut self, idle: Duration, since: Instant) {
        self.pipe.source = Patience::new(idle, None, None).since(since);
        self.pipe.sink = Patience::new(idle, None, None).since(since);
    }
}
