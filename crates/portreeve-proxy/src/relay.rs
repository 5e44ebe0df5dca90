//! Bytes both ways between two connections, each direction with its own end, until both have ended or nobody has said
//! anything for long.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use portreeve_http1::{Framing, HeadLimits};
use portreeve_model::Cause;

use crate::conn::Conn;
use crate::patience::Patience;
use crate::pipe::{Broken, Coding, Pipe};

/// Both directions.
pub(crate) struct BothWays {
    up: OneWay,
    down: OneWay,
    idle: Duration,
    moved: u64,
    last: Instant,
}

struct OneWay {
    pipe: Pipe,
    is_over: bool,
    /// Whether its end was that nobody took it any more.
    is_refused: bool,
}

impl BothWays {
    /// Until both have said nothing for `idle`.
    pub(crate) fn new(idle: Duration) -> Self {
        let one_way = || {
            let patience = || Patience::new(idle, None, None);
            let pipe = Pipe::new(
                Framing::UntilClose,
                Coding::Verbatim,
                HeadLimits::default(),
                patience(),
                patience(),
            );
            OneWay {
                pipe,
                is_over: false,
                is_refused: false,
            }
        };
        Self {
            up: one_way(),
            down: one_way(),
            idle,
            moved: 0,
            last: Instant::now(),
        }
    }

    /// Says what goes to each before the other's bytes.
    pub(crate) fn begin(
        &mut self,
        client: &mut Conn,
        upstream: &mut Conn,
        to_upstream: &[u8],
        to_client: &[u8],
    ) -> Result<(), Broken> {
        self.up.pipe.begin(client, to_upstream)?;
        self.down.pipe.begin(upstream, to_client)
    }

    /// Bytes that the backend took.
    pub(crate) fn to_backend(&self) -> u64 {
        self.up.pipe.written
    }

    /// Bytes that the client took.
    pub(crate) fn to_client(&self) -> u64 {
        self.down.pipe.written
    }

    /// Whether the client took no more although the backend had more to say.
    pub(crate) fn is_refused_by_client(&self) -> bool {
        self.down.is_refused
    }

    /// Moves what can be moved now.
    pub(crate) fn poll(
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
                    // One direction was silent, the whole was not: both waits begin anew from the last byte.
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
            Poll::Ready(Err(Broken::Write)) => self.is_refused = true,
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
