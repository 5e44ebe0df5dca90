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
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portreeve_http1::{Fault, FaultKind, Head, StatusLine, parse_response};
use portreeve_model::plan::BalancePlan;
use portreeve_model::{Cause, Report};

use super::call::Call;
use super::turn::Turn;
use super::upload::{Lost, Upload};
use super::wait::{End, Wait};
use super::{Attempt, Ended, Failed, download, hedge, tunnel};
use crate::conn::Conn;
use crate::headers;
use crate::patience::Overdue;
use crate::record::Record;
use crate::refusal::Refusal;
use crate::request::Tunnel;
use crate::serve::client::Client;
use crate::serve::inbound_refusal;
use crate::worker::Worker;

/// What one attempt works with; made once and lent to each step.
pub(super) struct Exchange<'c, 'a> {
    pub(super) call: &'c Call<'c>,
    attempt: Attempt<'c, 'a>,
    pub(super) upstream: Conn,
    pub(super) upload: Upload,
    /// The response head that came last.
    pub(super) head: Head,
    /// Room for the head that goes out next.
    pub(super) out: Vec<u8>,
}

/// What became of the connection to the backend.
pub(super) enum Upstream {
    /// It may serve another request.
    Kept,
    Closed,
}

/// Sends the request on `upstream` and delivers the response.
pub(super) async fn exchange<'a>(
    attempt: Attempt<'_, 'a>,
    client: &mut Client,
    upstream: Conn,
    record: &mut Record<'_>,
) -> Result<Ended, Failed<'a>> {
    let (call, backend) = (attempt.call, Arc::clone(attempt.turn.backend()));
    let worker = client.worker.clone();
    let mut out = worker.take_line();
    call.write_head(&backend, &mut out);
    let begun = Upload::begin(call, &mut client.conn, &out, upstream.stream.is_shared());
    // Nothing is held while the backend thinks that is not needed then: what is in the cache stays in it.
    worker.give_line(out);
    let upload = match begun {
        Ok(upload) => upload,
        Err(lost) => return Ok(end_of(&lost)),
    };
    let mut exchange = Exchange {
        call,
        attempt,
        upstream,
        upload,
        head: Head::new(),
        out: Vec::new(),
    };
    let (ended, upstream) = exchange.run(client, record).await?;
    if let Upstream::Kept = upstream {
        let limits = &call.pool.limits;
        let now = client.last_end.unwrap_or_else(Instant::now);
        worker.idle.put(
            exchange.attempt.turn.backend(),
            exchange.upstream,
            limits,
            download::promised(&exchange.head),
            now,
        );
    }
    worker.give_line(exchange.out);
    worker.give_head(exchange.head);
    Ok(ended)
}

impl<'a> Exchange<'_, 'a> {
    async fn run(
        &mut self,
        client: &mut Client,
        record: &mut Record<'_>,
    ) -> Result<(Ended, Upstream), Failed<'a>> {
        let mut wait = Wait::new(self.call, record);
        for interims in 0..=INTERIMS_MAX {
            let waited = if interims == 0 && self.call.pool.plan().hedge.is_some() {
                Box::pin(hedge::head(self, &mut wait, client, record)).await
            } else {
                self.head(&mut wait, client).await
            };
            record.bytes_in = self.upload.data();
            let length = match waited {
                Ok(length) => length,
                Err(end) => return self.settle(&end, client, wait.saw_bytes),
            };
            record
                .phases
                .first_byte
                .get_or_insert_with(|| record.started.elapsed());
            if interims == 0 {
                (self.head, self.out) = (client.worker.take_head(), client.worker.take_line());
            }
            let status = match self.read_head(length) {
                Ok(status) => status,
                Err(fault) => return Ok((refused(malformed(fault.kind())), Upstream::Closed)),
            };
            if !is_interim(&status) {
                self.note_answer(status.status, &client.worker, record);
                if self.may_ask_another(status.status, record)
                    && let Some(next) = Box::pin(self.another(client, record)).await
                {
                    return Err(next);
                }
                return Ok(self.deliver(status, client, record).await);
            }
            if self.pass_interim(&status, client).await.is_err() {
                return Ok((refused(Cause::ClientLeft), Upstream::Closed));
            }
            wait.restart(self.call, &mut self.upload, status.status == 100);
        }
        Ok((refused(Cause::MalformedResponse), Upstream::Closed))
    }

    /// The length of the response head, which is then in the input.
    pub(super) async fn head(&mut self, wait: &mut Wait, client: &mut Client) -> Result<usize, End> {
        wait.head(self.call, &mut client.conn, &mut self.upstream, &mut self.upload)
            .await
    }

    /// Another backend, if one is left that the request has not been to.
    pub(super) fn another_turn(&self, worker: &Rc<Worker>, record: &Record<'_>) -> Option<Turn<'a>> {
        self.attempt.choice.other(self.attempt.tried, worker, record)
    }

    /// Another backend is asked beside the one that was asked first: neither is asked again.
    pub(super) fn hedged(&mut self, turn: &Turn<'_>) {
        self.attempt.tried.insert(turn.backend().id);
    }

    /// What the client is to come back with.
    pub(super) fn cookie(&self, worker: &Worker) -> Option<String> {
        let (was, backend) = (self.attempt.choice.sticky, self.attempt.turn.backend());
        self.call.cookie(was, backend, worker)
    }

    /// The backend that was asked first has failed, and it was its own fault.
    pub(super) fn first_failed(&mut self) {
        self.attempt.turn.failed();
    }

    /// Another backend has answered in place of the one that was asked first, which is let go.
    pub(super) fn take_over(&mut self, turn: Turn<'a>, conn: Conn) {
        *self.attempt.turn = turn;
        self.upstream = conn;
    }

    fn read_head(&mut self, length: usize) -> Result<StatusLine, Fault> {
        self.head.clear();
        let parsed = parse_response(
            &self.upstream.input()[..length],
            &self.call.response_limits(),
            &mut self.head,
        );
        self.upstream.consume(length);
        parsed
    }

    /// Tells the others how long it took, and until when it wants to be left alone.
    fn note_answer(&mut self, status: u16, worker: &Worker, record: &Record<'_>) {
        let phases = &record.phases;
        let (first_byte, chosen) = (
            phases.first_byte.unwrap_or_default(),
            phases.chosen.unwrap_or_default(),
        );
        let now = worker.tick(record.started + first_byte);
        self.attempt
            .turn
            .answered(status, first_byte.saturating_sub(chosen), now);
        let (plan, backend) = (self.call.pool.plan(), self.attempt.turn.backend());
        if matches!(status, 429 | 503) {
            let most = plan.retry.retry_after_max;
            if let Some(wait) = retry_after(&self.head).filter(|_| !most.is_zero()) {
                backend.pass_over(now.plus(wait.min(most)));
            }
        }
        if matches!(plan.balance, BalancePlan::ReportedLoad | BalancePlan::Prequal)
            && let Some(report) = self.head.named(Report::FIELD).find_map(Report::read)
        {
            backend.report(report, now);
        }
    }

    /// Whether the status is one of those after which another backend is asked, and the request may be sent again.
    fn may_ask_another(&self, status: u16, record: &Record<'_>) -> bool {
        let call = self.call;
        call.pool.plan().retry.wants(status)
            && self.upload.is_whole(call)
            && record.attempts < call.pool.limits.attempts_max
            && !call.is_overdue()
    }

    /// Another backend that is asked instead, if one is left and has room in time, and the budget pays. The answer that is
    /// there is given up only then.
    async fn another(&mut self, client: &mut Client, record: &mut Record<'_>) -> Option<Failed<'a>> {
        let (call, worker) = (self.call, client.worker.clone());
        let (choice, tried) = (self.attempt.choice, &*self.attempt.tried);
        let next = choice
            .turn(tried, Some(&mut client.conn), &worker, record)
            .await
            .ok()?;
        if !call.pays(&worker) {
            return None;
        }
        self.upload.unsend(&mut client.conn);
        Some(Failed {
            cause: None,
            was_sent: true,
            next: Some(next),
        })
    }

    async fn deliver(
        &mut self,
        status: StatusLine,
        client: &mut Client,
        record: &mut Record<'_>,
    ) -> (Ended, Upstream) {
        let tunnels = match self.call.request().tunnel {
            Tunnel::Upgrade => status.status == 101,
            Tunnel::Connect => (200..300).contains(&status.status),
            Tunnel::None => false,
        };
        if tunnels {
            return (
                Box::pin(tunnel::tunnel(self, status, client, record)).await,
                Upstream::Closed,
            );
        }
        if status.status == 101 {
            return (refused(Cause::MalformedResponse), Upstream::Closed);
        }
        download::deliver(self, status, client, record).await
    }

    /// An HTTP/1.0 client knows no interim responses (RFC 9110 section 15.2).
    async fn pass_interim(&mut self, status: &StatusLine, client: &mut Client) -> io::Result<()> {
        if self.call.request().is_http10() {
            return Ok(());
        }
        self.out.clear();
        headers::write_interim(status, &self.head, &mut self.out);
        let mut patience = self.call.client_takes();
        Box::pin(client.conn.write_all(&self.out, &mut patience)).await
    }

    /// Another attempt if the request is whole and may be sent again; else what the client is told.
    fn settle(
        &mut self,
        end: &End,
        client: &mut Client,
        saw_bytes: bool,
    ) -> Result<(Ended, Upstream), Failed<'a>> {
        if matches!(end, End::ClientLeft | End::Overdue(_)) {
            self.attempt.turn.abandoned();
        }
        let (cause, is_lost) = match end {
            End::Lost(lost @ (Lost::Client(_) | Lost::Malformed(_))) => {
                return Ok((end_of(lost), Upstream::Closed));
            }
            End::ClientLeft => (Cause::ClientLeft, false),
            End::Malformed(kind) => (malformed(*kind), false),
            End::Lost(Lost::Overdue(overdue)) => (overdue_cause(*overdue, Cause::BackendIdleTimeout), false),
            End::Overdue(overdue) => {
                let cause = overdue_cause(*overdue, Cause::FirstByteTimeout);
                let is_bounded = self.call.pool.plan().retry.attempt_timeout.is_some();
                (cause, is_bounded && cause == Cause::FirstByteTimeout)
            }
            End::BackendClosed => (Cause::BackendClosed, true),
            End::Lost(Lost::Untouched) | End::BackendReset => {
                let fault = self.upstream.stream.fault();
                (
                    fault.unwrap_or(Cause::BackendReset),
                    fault != Some(Cause::MalformedRequest),
                )
            }
        };
        let is_untouched = self.upstream.stream.is_untouched();
        let was_sent = self.upload.is_begun() && !is_untouched;
        let is_whole = self.upload.is_whole(self.call) || is_untouched && self.upload.is_there(self.call);
        if is_whole {
            self.upload.unsend(&mut client.conn);
        }
        if is_lost && is_whole && !saw_bytes {
            return Err(Failed {
                cause: Some(cause),
                was_sent,
                next: None,
            });
        }
        let body_is_read = is_whole && self.call.has_no_body();
        Ok((
            Ended::Refused {
                refusal: Refusal::new(cause),
                body_is_read,
            },
            Upstream::Closed,
        ))
    }
}

/// How long the backend wants to be left alone, if it says so in seconds; a date is not heeded (RFC 9110 section
/// 10.2.3).
fn retry_after(head: &Head) -> Option<Duration> {
    let value = head.named("retry-after").next()?;
    let seconds = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn is_interim(status: &StatusLine) -> bool {
    status.status < 200 && status.status != 101
}

/// What a client is told whose own request could not be read or sent to its end.
fn end_of(lost: &Lost) -> Ended {
    let refusal = match lost {
        Lost::Malformed(fault) => inbound_refusal(fault),
        lost => Refusal::new(lost.cause()),
    };
    Ended::Refused {
        refusal,
        body_is_read: false,
    }
}

fn malformed(kind: FaultKind) -> Cause {
    if kind == FaultKind::HeadTooLarge {
        Cause::ResponseHeadTooLarge
    } else {
        Cause::MalformedResponse
    }
}

pub(super) fn overdue_cause(overdue: Overdue, otherwise: Cause) -> Cause {
    if overdue == Overdue::Total {
        Cause::TotalTimeout
    } else {
        otherwise
    }
}

/// Told to the client, whose connection then ends.
pub(super) fn refused(cause: Cause) -> Ended {
    Ended::Refused {
        refusal: Refusal::new(cause),
        body_is_read: false,
    }
}

/// More interim responses than this are an attack or a fault.
const INTERIMS_MAX: u32 = 64;
