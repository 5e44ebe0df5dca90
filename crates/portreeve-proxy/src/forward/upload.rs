//! The request's way to the backend, which goes on beside the response's way back.

use std::task::{Context, Poll};

use portreeve_model::Cause;

use super::call::Call;
use crate::conn::Conn;
use crate::patience::Overdue;
use crate::pipe::{Broken, Coding, Pipe};

/// A request being sent.
pub(super) struct Upload {
    pipe: Pipe,
    head_len: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Sending,
    Sent,
    /// The backend takes no more; what it answered may still be there to read.
    Stopped,
}

/// How an upload ended before its end.
pub(super) enum Lost {
    /// The client's doing, and what to call it.
    Client(Cause),
    /// The client's bytes are no body.
    Malformed(portreeve_http1::Fault),
    /// The backend took nothing at all of it: nothing can have been processed.
    Untouched,
    /// The backend did not take it in time.
    Overdue(Overdue),
}

impl Lost {
    /// What the failure is called once the response has begun.
    pub(super) fn cause(&self) -> Cause {
        match self {
            Self::Client(cause) => *cause,
            Self::Malformed(_) => Cause::MalformedRequest,
            Self::Overdue(Overdue::Total) => Cause::TotalTimeout,
            Self::Overdue(_) => Cause::BackendIdleTimeout,
            Self::Untouched => Cause::BackendReset,
        }
    }
}

impl Upload {
    /// Puts the head before what there is of the body.
    /// `may_be_refused`: whoever takes it may say afterwards that it did nothing with it.
    pub(super) fn begin(
        call: &Call<'_>,
        from: &mut Conn,
        head: &[u8],
        may_be_refused: bool,
    ) -> Result<Self, Lost> {
        let framing = call.request().framing;
        let source = if call.request().expects_continue() {
            call.client_waits()
        } else {
            call.client_sends()
        };
        let pipe = Pipe::new(
            framing,
            Coding::Verbatim,
            call.request_limits(),
            source,
            call.backend_moves(),
        );
        let pipe = pipe.at_most(call.listener.limits.body_bytes_max);
        let mut pipe = pipe
            .remembering(call.remembered_max(may_be_refused))
            .reserving(&call.listener.certificate_fields);
        pipe.begin(from, head).map_err(lost)?;
        Ok(Self {
            pipe,
            head_len: head.len(),
            state: State::Sending,
        })
    }

    /// Whether the backend has all of it.
    pub(super) fn is_sent(&self) -> bool {
        self.state == State::Sent
    }

    /// Whether nothing more will be sent.
    pub(super) fn is_over(&self) -> bool {
        self.state != State::Sending
    }

    /// Whether the backend stopped taking it.
    pub(super) fn is_stopped(&self) -> bool {
        self.state == State::Stopped
    }

    /// Gives up the rest: the connection to the backend will not be used again.
    pub(super) fn stop(&mut self) {
        self.state = State::Stopped;
    }

    /// Body bytes that came from the client.
    pub(super) fn data(&self) -> u64 {
        self.pipe.data
    }

    /// Whether any byte went to the backend.
    pub(super) fn is_begun(&self) -> bool {
        self.pipe.written > 0
    }

    /// Whether the request can be sent again from its beginning, if that may be done.
    pub(super) fn is_whole(&self, call: &Call<'_>) -> bool {
        !self.is_begun() || call.may_repeat() && self.is_there(call)
    }

    /// Whether all of it that was sent is still there.
    pub(super) fn is_there(&self, call: &Call<'_>) -> bool {
        call.has_no_body() || self.pipe.remembers()
    }

    /// Sends what can be sent now.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        from: &mut Conn,
        to: &mut Conn,
    ) -> Result<(), Lost> {
        if self.is_over() {
            return Ok(());
        }
        match self.pipe.poll(context, from, to) {
            Poll::Pending => {}
            Poll::Ready(Ok(())) => self.state = State::Sent,
            Poll::Ready(Err(Broken::Write)) if self.pipe.written > 0 => self.state = State::Stopped,
            Poll::Ready(Err(broken)) => return Err(lost(broken)),
        }
        Ok(())
    }

    /// From now on the client's silence counts: it has been told to go on, or went on by itself.
    pub(super) fn expect_body_now(&mut self, call: &Call<'_>) {
        self.pipe.source = call.client_sends();
    }

    /// Takes an unsent head off the client's input again, and puts back what was sent of the body.
    pub(super) fn unsend(&mut self, from: &mut Conn) {
        self.pipe.unsend(from, self.head_len);
    }
}

/// A write that failed late only stops the upload, so one that gets here was the first.
fn lost(broken: Broken) -> Lost {
    match broken {
        Broken::Short | Broken::Read => Lost::Client(Cause::ClientLeft),
        Broken::Fault(fault) => Lost::Malformed(fault),
        Broken::TooLarge => Lost::Client(Cause::BodyTooLarge),
        Broken::SourceSlow(Overdue::Rate) => Lost::Client(Cause::SlowClient),
        Broken::SourceSlow(Overdue::Idle) => Lost::Client(Cause::BodyTimeout),
        Broken::SourceSlow(Overdue::Total) => Lost::Overdue(Overdue::Total),
        Broken::SinkSlow(overdue) => Lost::Overdue(overdue),
        Broken::Write => Lost::Untouched,
    }
}
