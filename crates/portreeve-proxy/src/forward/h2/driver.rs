//! What moves the frames of one connection, and asks now and then whether anybody is there.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::Connection;
use h2::{Ping, PingPong};
use portreeve_model::Cause;

use super::io::Io;
use super::link::State;
use crate::stream::tls::is_unended;
use crate::timer::Timer;

/// The task of one connection, until it is over.
pub(super) struct Driver {
    connection: Connection<Io, Bytes>,
    ping: Option<PingPong>,
    state: Rc<State>,
    timer: Timer,
    /// What had been read when something was read last, and when that was.
    reads: u64,
    since: Instant,
    /// When the answer to a ping must be here.
    asked: Option<Instant>,
    name: Box<str>,
}

impl Driver {
    pub(super) fn new(
        mut connection: Connection<Io, Bytes>,
        state: Rc<State>,
        timer: Timer,
        name: &str,
    ) -> Self {
        Self {
            ping: connection.ping_pong(),
            connection,
            reads: state.reads(),
            state,
            timer,
            since: Instant::now(),
            asked: None,
            name: name.into(),
        }
    }

    /// Whether nobody has answered for too long.
    fn is_dead(&mut self, context: &mut Context<'_>) -> bool {
        let reads = self.state.reads();
        if reads != self.reads {
            (self.reads, self.since) = (reads, Instant::now());
        }
        let Some(ping) = &mut self.ping else {
            return false;
        };
        if let Some(until) = self.asked {
            return match ping.poll_pong(context) {
                Poll::Ready(_) => {
                    self.asked = None;
                    false
                }
                Poll::Pending => self.timer.poll_expired(context, until),
            };
        }
        let is_suspected = self.state.is_suspected();
        if !self.state.has_streams() && !is_suspected {
            self.timer.disarm();
            return false;
        }
        if is_suspected || self.timer.poll_expired(context, self.since + SILENCE_MAX) {
            self.ask(context);
        }
        false
    }

    fn ask(&mut self, context: &mut Context<'_>) {
        let until = Instant::now() + PONG_MAX;
        if let Some(ping) = &mut self.ping
            && ping.send_ping(Ping::opaque()).is_ok()
        {
            self.asked = Some(until);
            // The ping is a frame that has to be sent, and its answer one that has to be waited for.
            context.waker().wake_by_ref();
        }
    }

    fn end(&self, ended: Result<(), h2::Error>) {
        let cause = match ended {
            Ok(()) => Cause::BackendClosed,
            Err(error) if error.get_io().is_some_and(is_unended) => Cause::BackendClosed,
            Err(error) if error.is_io() => Cause::BackendReset,
            Err(error) => {
                tracing::info!(backend = &*self.name, %error, "HTTP/2 connection ended by an error");
                Cause::BackendProtocol
            }
        };
        self.state.close(cause);
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let driver = self.get_mut();
        driver.state.is_driven_by(context.waker());
        if let Poll::Ready(ended) = Pin::new(&mut driver.connection).poll(context) {
            driver.end(ended);
            return Poll::Ready(());
        }
        if driver.is_dead(context) {
            tracing::info!(backend = &*driver.name, "HTTP/2 connection gone silent");
            driver.state.close(Cause::BackendClosed);
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

/// After so long without a frame, while streams wait, a ping asks whether anybody is there. gRPC servers end
/// connections that ask more often than every five minutes.
const SILENCE_MAX: Duration = Duration::from_secs(5 * 60 + 10);
/// How long the answer to a ping may take.
const PONG_MAX: Duration = Duration::from_secs(5);
