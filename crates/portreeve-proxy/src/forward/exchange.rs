//! One attempt on one connection: the request goes out, the response head comes in, and the two bodies flow at once,
//! driven by the client's own task.
//!
//! ```text
//!   sending ──► waiting for a head ──► 1xx: passed on, wait again
//!                     │           ├──► 101, or 2xx to CONNECT: tunnel
//!                     │           └──► final: head and body to the client ──► kept or closed
//!                     └──► no head: refused, or another attempt while the request is whole
//! ```

use std::io;
use std::task::{Context, Poll};

use portreeve_http1::{FaultKind, Head, HeadLimits, HeadScan, StatusLine, parse_response};
use portreeve_model::{Backend, Cause};

use super::call::Call;
use super::download;
use super::tunnel;
use super::upload::{Lost, Upload};
use super::{Ended, Failed};
use crate::conn::{Conn, Gone};
use crate::headers;
use crate::patience::{Overdue, Patience};
use crate::record::Record;
use crate::refusal::Refusal;
use crate::request::Tunnel;
use crate::serve::client::Client;
use crate::serve::inbound_refusal;

/// A response head and the request that may still be under way.
pub(super) struct Answered {
    pub(super) status: StatusLine,
    pub(super) head: Head,
    pub(super) upload: Upload,
    pub(super) upstream: Conn,
}

/// Sends the request on `upstream` and delivers the response.
pub(super) async fn exchange(
    call: &Call<'_>,
    client: &mut Client,
    mut upstream: Conn,
    backend: &Backend,
    record: &mut Record<'_>,
) -> Result<Ended, Failed> {
    let mut out = client.worker.take_line();
    call.write_head(&backend.label, &mut out);
    let begun = Upload::begin(call, &mut client.conn, &out);
    out.clear();
    let mut upload = match begun {
        Ok(upload) => upload,
        Err(lost) => return Ok(end_of(&lost).refused()),
    };
    let mut wait = Wait::new(call);
    let mut interims = 0;
    let ended = loop {
        let waited = wait
            .head(call, &mut client.conn, &mut upstream, &mut upload)
            .await;
        record.bytes_in = upload.data();
        let length = match waited {
            Ok(length) => length,
            Err(end) => break end.settle(call, client, &upload, wait.saw_bytes),
        };
        record
            .phases
            .first_byte
            .get_or_insert_with(|| record.started.elapsed());
        let mut head = client.worker.take_head();
        let parsed = parse_response(&upstream.input()[..length], &wait.limits, &mut head);
        upstream.consume(length);
        let status = match parsed {
            Ok(status) => status,
            Err(_) => break Ok(refused(Cause::MalformedResponse)),
        };
        if !is_interim(&status) {
            let answered = Answered {
                status,
                head,
                upload,
                upstream,
            };
            break Ok(deliver(call, client, answered, backend, record, &mut out).await);
        }
        interims += 1;
        let passed = pass_interim(call, client, &status, &head, &mut out).await;
        client.worker.give_head(head);
        wait.restart(call);
        upload.expect_body_now(call);
        if passed.is_err() {
            break Ok(refused(Cause::ClientLeft));
        }
        if interims > INTERIMS_MAX {
            break Ok(refused(Cause::MalformedResponse));
        }
    };
    client.worker.give_line(out);
    ended
}

async fn deliver(
    call: &Call<'_>,
    client: &mut Client,
    answered: Answered,
    backend: &Backend,
    record: &mut Record<'_>,
    out: &mut Vec<u8>,
) -> Ended {
    let status = answered.status.status;
    let tunnels = match call.request().tunnel {
        Tunnel::Upgrade => status == 101,
        Tunnel::Connect => (200..300).contains(&status),
        Tunnel::None => false,
    };
    if tunnels {
        return Box::pin(tunnel::tunnel(call, client, answered, record)).await;
    }
    if status == 101 {
        return refused(Cause::MalformedResponse);
    }
    download::deliver(call, client, answered, backend, record, out).await
}

fn is_interim(status: &StatusLine) -> bool {
    status.status < 200 && status.status != 101
}

/// An HTTP/1.0 client knows no interim responses (RFC 9110 section 15.2).
async fn pass_interim(
    call: &Call<'_>,
    client: &mut Client,
    status: &StatusLine,
    head: &Head,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    if call.request().is_http10() {
        return Ok(());
    }
    out.clear();
    headers::write_interim(status, head, out);
    let written = client.conn.write_all(out, &mut call.client_takes()).await;
    out.clear();
    written
}

/// Waiting for a response head while the request is being sent.
struct Wait {
    scan: HeadScan,
    limits: HeadLimits,
    patience: Patience,
    /// Whether the backend's time runs although the request is not all sent: its client waits for a 100.
    is_expected: bool,
    saw_bytes: bool,
}

/// Why no head came.
enum End {
    Lost(Lost),
    ClientLeft,
    BackendClosed,
    BackendReset,
    Malformed(FaultKind),
    Overdue(Overdue),
}

impl Wait {
    fn new(call: &Call<'_>) -> Self {
        Self {
            scan: HeadScan::default(),
            limits: call.response_limits(),
            patience: call.backend_answers(),
            is_expected: call.request().expects_continue(),
            saw_bytes: false,
        }
    }

    fn restart(&mut self, call: &Call<'_>) {
        self.scan = HeadScan::default();
        self.patience = call.backend_answers();
        self.is_expected = false;
    }

    /// The length of the head, which is then in `upstream`'s input.
    async fn head(
        &mut self,
        call: &Call<'_>,
        client: &mut Conn,
        upstream: &mut Conn,
        upload: &mut Upload,
    ) -> Result<usize, End> {
        std::future::poll_fn(|context| {
            upload.poll(context, client, upstream).map_err(End::Lost)?;
            if self.is_expected && upload.data() > 0 {
                // It did not wait for the 100.
                self.is_expected = false;
                upload.expect_body_now(call);
            }
            if let Poll::Ready(head) = self.poll_head(context, upstream, upload) {
                return Poll::Ready(head);
            }
            if upload.is_over() && matches!(client.poll_gone(context), Poll::Ready(Gone)) {
                return Poll::Ready(Err(End::ClientLeft));
            }
            Poll::Pending
        })
        .await
    }

    fn poll_head(
        &mut self,
        context: &mut Context<'_>,
        upstream: &mut Conn,
        upload: &Upload,
    ) -> Poll<Result<usize, End>> {
        loop {
            match self.scan.advance(upstream.input(), &self.limits) {
                Ok(Some(length)) => return Poll::Ready(Ok(length)),
                Ok(None) => {}
                Err(fault) => return Poll::Ready(Err(End::Malformed(fault.kind()))),
            }
            match upstream.poll_fill(context) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(End::BackendClosed)),
                Poll::Ready(Ok(_)) => self.saw_bytes = true,
                Poll::Ready(Err(_)) => return Poll::Ready(Err(End::BackendReset)),
                Poll::Pending => return self.poll_overdue(context, upstream, upload),
            }
        }
    }

    fn poll_overdue(
        &mut self,
        context: &Context<'_>,
        upstream: &mut Conn,
        upload: &Upload,
    ) -> Poll<Result<usize, End>> {
        let runs = upload.is_over() || self.is_expected;
        if runs
            && upstream
                .read_timer
                .poll_expired(context, self.patience.deadline())
        {
            return Poll::Ready(Err(End::Overdue(self.patience.overdue())));
        }
        Poll::Pending
    }
}

impl End {
    /// Another attempt if the request is whole and may be sent again; else what the client is told.
    fn settle(
        self,
        call: &Call<'_>,
        client: &mut Client,
        upload: &Upload,
        saw_bytes: bool,
    ) -> Result<Ended, Failed> {
        let (cause, is_lost) = match self {
            Self::Lost(lost @ (Lost::Client(_) | Lost::Malformed(_))) => return Ok(end_of(&lost).refused()),
            Self::ClientLeft => (Cause::ClientLeft, false),
            Self::Malformed(FaultKind::HeadTooLarge) => (Cause::ResponseHeadTooLarge, false),
            Self::Malformed(_) => (Cause::MalformedResponse, false),
            Self::Lost(Lost::Overdue(overdue)) => (overdue_cause(overdue, Cause::BackendIdleTimeout), false),
            Self::Overdue(overdue) => (overdue_cause(overdue, Cause::FirstByteTimeout), false),
            Self::BackendClosed => (Cause::BackendClosed, true),
            Self::Lost(Lost::Untouched) | Self::BackendReset => (Cause::BackendReset, true),
        };
        let is_whole = !upload.is_begun() || call.is_replayable();
        if is_whole {
            upload.unsend(&mut client.conn);
        }
        if is_lost && is_whole && !saw_bytes {
            return Err(Failed {
                cause,
                may_retry: true,
            });
        }
        Ok(Ended::Refused {
            refusal: Refusal::new(cause),
            body_is_read: call.is_replayable(),
        })
    }
}

/// What a client is told whose own request could not be read to its end.
pub(super) struct ClientEnd(Refusal);

impl ClientEnd {
    fn refused(self) -> Ended {
        Ended::Refused {
            refusal: self.0,
            body_is_read: false,
        }
    }
}

pub(super) fn end_of(lost: &Lost) -> ClientEnd {
    ClientEnd(match lost {
        Lost::Client(cause) => Refusal::new(*cause),
        Lost::Malformed(fault) => inbound_refusal(fault),
        Lost::Overdue(overdue) => Refusal::new(overdue_cause(*overdue, Cause::BackendIdleTimeout)),
        Lost::Untouched => Refusal::new(Cause::BackendReset),
    })
}

pub(super) fn overdue_cause(overdue: Overdue, otherwise: Cause) -> Cause {
    if overdue == Overdue::Total {
        Cause::TotalTimeout
    } else {
        otherwise
    }
}

fn refused(cause: Cause) -> Ended {
    Ended::Refused {
        refusal: Refusal::new(cause),
        body_is_read: false,
    }
}

/// More interim responses than this are an attack or a fault.
const INTERIMS_MAX: u32 = 64;
