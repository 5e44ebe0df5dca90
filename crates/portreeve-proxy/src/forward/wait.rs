//! Waiting for a response head while the request is still being sent.

use std::task::{Context, Poll};

use portreeve_http1::{FaultKind, HeadLimits, HeadScan};

use super::call::Call;
use super::upload::{Lost, Upload};
use crate::conn::{Conn, Gone};
use crate::patience::{Overdue, Patience};
use crate::record::Record;
use crate::stream::tls::is_unended;

/// One wait for one head.
pub(super) struct Wait {
    scan: HeadScan,
    limits: HeadLimits,
    patience: Patience,
    /// Whether the backend's time runs although the request is not all sent: its client waits for a 100.
    is_expected: bool,
    /// Whether the backend has said anything at all.
    pub(super) saw_bytes: bool,
}

/// Why no head came.
pub(super) enum End {
    Lost(Lost),
    ClientLeft,
    BackendClosed,
    BackendReset,
    Malformed(FaultKind),
    Overdue(Overdue),
}

impl Wait {
    pub(super) fn new(call: &Call<'_>, record: &Record<'_>) -> Self {
        let patience = call.backend_answers();
        let sent = record.started + record.phases.connected.unwrap_or_default();
        Self {
            scan: HeadScan::default(),
            limits: call.response_limits(),
            patience: if call.has_no_body() {
                patience.since(sent)
            } else {
                patience
            },
            is_expected: call.request().expects_continue(),
            saw_bytes: false,
        }
    }

    /// Begins the wait for the next head after an interim one.
    pub(super) fn restart(&mut self, call: &Call<'_>, upload: &mut Upload, was_continue: bool) {
        self.scan = HeadScan::default();
        self.patience = call.backend_answers();
        if was_continue && self.is_expected {
            self.is_expected = false;
            upload.expect_body_now(call);
        }
    }

    /// The length of the head, which is then in `upstream`'s input.
    pub(super) async fn head(
        &mut self,
        call: &Call<'_>,
        client: &mut Conn,
        upstream: &mut Conn,
        upload: &mut Upload,
    ) -> Result<usize, End> {
        let most = client.stream.first_bytes_max();
        std::future::poll_fn(|context| {
            upload.poll(context, client, upstream).map_err(End::Lost)?;
            if self.is_expected && upload.data() > 0 {
                // It did not wait for the 100.
                self.is_expected = false;
                self.patience = call.backend_answers();
                upload.expect_body_now(call);
            }
            if let Poll::Ready(head) = self.poll_head(context, upstream, upload, most) {
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
        most: usize,
    ) -> Poll<Result<usize, End>> {
        loop {
            if !upstream.input().is_empty() {
                match self.scan.advance(upstream.input(), &self.limits) {
                    Ok(Some(length)) => return Poll::Ready(Ok(length)),
                    Ok(None) => {}
                    Err(fault) => return Poll::Ready(Err(End::Malformed(fault.kind()))),
                }
            }
            match upstream.poll_fill_at_most(context, most) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(End::BackendClosed)),
                Poll::Ready(Ok(_)) => self.saw_bytes = true,
                Poll::Ready(Err(error)) if is_unended(&error) => {
                    return Poll::Ready(Err(End::BackendClosed));
                }
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
