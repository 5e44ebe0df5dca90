//! The connection itself: it takes requests, sends what the streams have to say, and knows when to end.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use h2::server::{Builder, Connection, SendResponse};
use h2::{Error, Reason, RecvStream};
use http::Request;
use portreeve_frames::{FrameWatch, Violation};
use portreeve_model::{EdgeEvent, Listener};

use super::link::{End, Link};
use super::seats;
use super::stream::{Asked, Running, Shared};
use crate::said::Subject;
use crate::serve::client::Client;
use crate::stream::inward::{Backlog, Held};

/// One connection whose preface was read.
pub(super) struct Session {
    h2: Connection<End, Held>,
    link: Rc<RefCell<Link>>,
    shared: Rc<Shared>,
    requests: u32,
    /// Since when no stream is served.
    idle_since: Option<Instant>,
    /// Since when a head is on its way, and which.
    head_since: Option<(u32, Instant)>,
    farewell: Farewell,
    /// Whether the client was told that the connection ends at once.
    is_ending: bool,
    /// Whether the client does not take what it is told.
    is_stalled: bool,
}

/// How far a connection is that serves what was begun, and nothing new.
#[derive(Default)]
struct Farewell {
    /// Since when the listener is closing.
    closing_since: Option<Instant>,
    /// Since when the client knows that it is to go.
    told: Option<Instant>,
    /// Whether what it begins now is refused.
    is_final: bool,
    /// Streams that were refused.
    refused: u32,
}

/// What a moment brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// A look around.
    Look,
    /// Nobody uses the connection: it ends.
    Idle,
    /// A head did not come to its end.
    Head,
    /// The client was told to go, and begins streams all the same.
    Last,
    /// The client's certificate is over, which the next turn finds.
    Over,
}

impl Session {
    /// Reads the preface; `None`: it did not come, or is none.
    pub(super) async fn begin(mut client: Client) -> Option<Self> {
        let listener = client.gate.listener();
        let deadline = client.head_until.take();
        let deadline = deadline.unwrap_or_else(|| Instant::now() + listener.limits.head_timeout);
        let shared = Rc::new(Shared {
            peer: client.peer.clone(),
            gate: client.gate.clone(),
            worker: client.worker.clone(),
            running: Cell::new(0),
            backlog: Rc::new(Backlog::default()),
        });
        let watch = FrameWatch::new(&listener.http2, head_list_max(&listener) * 2);
        let link = Rc::new(RefCell::new(Link::new(client, watch)));
        let mut shaking = std::pin::pin!(builder(&listener).handshake(End(link.clone())));
        let shaken = std::future::poll_fn(|context| {
            let shaken = shaking.as_mut().poll(context);
            let mut link = link.borrow_mut();
            let _ = link.poll_send(context);
            match shaken {
                Poll::Ready(shaken) => Poll::Ready(shaken.map_err(|error| failure(&error))),
                Poll::Pending if link.client.conn.read_timer.poll_expired(context, deadline) => {
                    Poll::Ready(Err(Some(EdgeEvent::Http2Timeout)))
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        let event = shaken
            .as_ref()
            .map_or_else(|event| *event, |_| Some(EdgeEvent::Http2Opened));
        if let Some(event) = event {
            note(&shared, &listener, event);
        }
        Some(Self {
            h2: shaken.ok()?,
            link,
            shared,
            requests: 0,
            idle_since: None,
            head_since: None,
            farewell: Farewell::default(),
            is_ending: false,
            is_stalled: false,
        })
    }

    /// Ready once nothing more will be served.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.poll_requests(context).is_ready() {
                return Poll::Ready(());
            }
            let sent = self.link.borrow_mut().poll_send(context);
            if sent.is_ready() && self.link.borrow_mut().take_unblocked() {
                continue;
            }
            self.note_faults();
            if self.is_slow(context, sent.is_pending()) {
                if sent.is_pending() {
                    self.is_stalled = true;
                    return Poll::Ready(());
                }
                self.shut(Reason::ENHANCE_YOUR_CALM);
                continue;
            }
            match self.due(context) {
                None | Some(Due::Look) => return Poll::Pending,
                Some(Due::Idle) => self.shut(Reason::NO_ERROR),
                Some(Due::Head) => {
                    self.note(EdgeEvent::Http2Timeout);
                    self.shut(Reason::ENHANCE_YOUR_CALM);
                }
                Some(Due::Over) => {}
                Some(Due::Last) => {
                    self.farewell.is_final = true;
                    self.link.borrow_mut().answer_for_client();
                }
            }
        }
    }

    /// Sends what is left, and says that this was all.
    pub(super) async fn end(self) {
        let Self {
            h2, link, is_stalled, ..
        } = self;
        // Its streams end with it.
        drop(h2);
        let Some(mut link) = Rc::into_inner(link).map(RefCell::into_inner) else {
            return;
        };
        if is_stalled {
            return link.client.conn.stream.reset_on_close();
        }
        let deadline = Instant::now() + LAST_WORDS;
        std::future::poll_fn(|context| {
            let sent = link.poll_send(context);
            if sent.is_pending() && link.client.conn.write_timer.poll_expired(context, deadline) {
                return Poll::Ready(());
            }
            sent
        })
        .await;
        link.client.linger().await;
    }

    /// Takes what there is to take. Ready: the connection is over.
    fn poll_requests(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.h2.poll_accept(context) {
                Poll::Ready(Some(Ok((request, respond)))) => self.begin_stream(request, respond),
                Poll::Ready(Some(Err(error))) => {
                    self.note_failure(&error);
                    return Poll::Ready(());
                }
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending if self.calms_client() => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn begin_stream(&mut self, request: Request<RecvStream>, mut respond: SendResponse<Held>) {
        if self.farewell.is_final {
            respond.send_reset(Reason::REFUSED_STREAM);
            return self.count_refused();
        }
        let running = Running::begin(&self.shared);
        let asked = Asked {
            request,
            respond,
            running,
        };
        seats::serve(asked, &self.shared.worker);
        self.requests = self.requests.saturating_add(1);
        let most = self.shared.gate.listener().limits.requests_per_connection_max;
        if most == Some(self.requests) {
            self.tell_to_go();
        }
    }

    /// A client that goes on and on although nothing is served is no longer told so.
    fn count_refused(&mut self) {
        self.farewell.refused += 1;
        if self.farewell.refused > self.shared.gate.listener().http2.resets_max && !self.is_ending {
            self.note(EdgeEvent::Http2RapidReset);
            self.shut(Reason::ENHANCE_YOUR_CALM);
        }
    }

    /// Has the client begin nothing new here; what was begun is served.
    fn tell_to_go(&mut self) {
        self.farewell.told.get_or_insert_with(Instant::now);
        self.h2.graceful_shutdown();
    }

    /// Ends the connection, and all that is served on it.
    fn shut(&mut self, reason: Reason) {
        self.is_ending = true;
        self.h2.abrupt_shutdown(reason);
    }

    /// Tells a client to go that does what it may not; true if that was to be done now.
    fn calms_client(&mut self) -> bool {
        let violation = self.link.borrow().violation;
        let Some(violation) = violation.filter(|_| !self.is_ending) else {
            return false;
        };
        self.note(violation.event());
        self.shut(reason(violation));
        true
    }

    /// Whether the client takes what is here more slowly than it may. `is_blocked`: the kernel has no room for it.
    fn is_slow(&mut self, context: &Context<'_>, is_blocked: bool) -> bool {
        let mut link = self.link.borrow_mut();
        let link = &mut *link;
        if !is_blocked && (self.shared.backlog.queued() == 0 || self.is_ending) {
            link.pace.rest();
            return false;
        }
        link.pace.wait(is_blocked);
        let timer = &mut link.client.conn.write_timer;
        let is_slow = link
            .pace
            .deadline()
            .is_some_and(|deadline| timer.poll_expired(context, deadline));
        if is_slow {
            self.shared.backlog.give_up();
            self.note(EdgeEvent::Http2Timeout);
        }
        is_slow
    }

    /// What is to be done now, if anything; else its deadline is set.
    fn due(&mut self, context: &Context<'_>) -> Option<Due> {
        let now = Instant::now();
        let is_outlived = !self.shared.peer.stands_before(&self.shared.gate.listener());
        if self.farewell.closing_since.is_none() && (is_outlived || self.shared.gate.is_closing()) {
            if is_outlived {
                self.note(EdgeEvent::TlsTrustChanged);
            }
            self.farewell.closing_since = Some(now);
            self.tell_to_go();
            context.waker().wake_by_ref();
        }
        let (deadline, due) = self.next_due(now);
        let mut link = self.link.borrow_mut();
        let is_due = link.client.conn.read_timer.poll_expired(context, deadline);
        is_due.then_some(due)
    }

    /// While streams are served, each has its own deadlines; the look in between is for those who wake all.
    fn next_due(&mut self, now: Instant) -> (Instant, Due) {
        let look = (now + LOOK, Due::Look);
        if self.is_ending {
            return look;
        }
        let all = [
            self.idle_until(now),
            self.head_until(now),
            self.may_begin_until(),
            self.stands_until(now),
        ];
        let first = all.into_iter().flatten().min_by_key(|(at, _)| *at);
        first.filter(|(at, _)| *at < look.0).unwrap_or(look)
    }

    fn idle_until(&mut self, now: Instant) -> Option<(Instant, Due)> {
        if !self.is_idle() {
            self.idle_since = None;
            return None;
        }
        let listener = self.shared.gate.listener();
        let kept = listener.http2.idle_timeout;
        let idle = *self.idle_since.get_or_insert(now) + kept.unwrap_or(listener.limits.keep_alive_timeout);
        let closing = self.farewell.closing_since.map(|since| since + CLOSING_GRACE);
        Some((closing.map_or(idle, |closing| idle.min(closing)), Due::Idle))
    }

    fn stands_until(&self, now: Instant) -> Option<(Instant, Due)> {
        let left = self
            .shared
            .peer
            .ends_in()
            .filter(|_| self.farewell.closing_since.is_none())?;
        Some((now + left, Due::Over))
    }

    fn head_until(&mut self, now: Instant) -> Option<(Instant, Due)> {
        let block = self.link.borrow().watch.unfinished_block();
        self.head_since = block.map(|block| match self.head_since {
            Some((known, since)) if known == block => (block, since),
            _ => (block, now),
        });
        let (_, since) = self.head_since?;
        Some((since + self.shared.gate.listener().limits.head_timeout, Due::Head))
    }

    fn may_begin_until(&self) -> Option<(Instant, Due)> {
        let told = self.farewell.told.filter(|_| !self.farewell.is_final)?;
        Some((told + FAREWELL, Due::Last))
    }

    fn is_idle(&self) -> bool {
        self.shared.running.get() == 0
    }

    fn note_failure(&self, error: &Error) {
        let is_calm = error.reason() == Some(Reason::ENHANCE_YOUR_CALM);
        let event = match failure(error) {
            Some(_) if is_calm && self.link.borrow().watch.has_resets() => Some(EdgeEvent::Http2RapidReset),
            event => event,
        };
        if let Some(event) = event.filter(|_| !self.is_ending) {
            self.note(event);
        }
    }

    fn note_faults(&self) {
        for _ in 0..self.link.borrow_mut().watch.take_faults() {
            self.note(EdgeEvent::Http2StreamError);
        }
    }

    fn note(&self, event: EdgeEvent) {
        note(&self.shared, &self.shared.gate.listener(), event);
    }
}

/// Counts it; what clients should not do is said too, once per cause and interval.
fn note(shared: &Shared, listener: &Listener, event: EdgeEvent) {
    listener.stats.note(shared.worker.shard, event);
    if matches!(event, EdgeEvent::Http2Opened | EdgeEvent::Http2Timeout) {
        return;
    }
    let subject = Subject::Listener(listener.name.clone(), event);
    if let Some(unsaid) = shared.worker.said.may_say(subject, Instant::now()) {
        tracing::info!(
            listener = &*listener.name,
            event = event.code(),
            client = &*shared.peer.text,
            unsaid,
            "a client broke a rule of HTTP/2 or one of its bounds"
        );
    }
}

/// What the client is told of it.
fn reason(violation: Violation) -> Reason {
    match violation {
        Violation::RapidReset | Violation::IdleFrames | Violation::HeadersTooLarge => {
            Reason::ENHANCE_YOUR_CALM
        }
        Violation::FrameSize => Reason::FRAME_SIZE_ERROR,
        Violation::NoSettings => Reason::PROTOCOL_ERROR,
    }
}

/// What an error of the connection is called, if it is the client's.
fn failure(error: &Error) -> Option<EdgeEvent> {
    if !error.is_library() {
        return None;
    }
    match error.reason()? {
        Reason::NO_ERROR => None,
        Reason::ENHANCE_YOUR_CALM => Some(EdgeEvent::Http2HeadersTooLarge),
        _ => Some(EdgeEvent::Http2ProtocolError),
    }
}

fn builder(listener: &Listener) -> Builder {
    let plan = &listener.http2;
    let resets = plan.resets_max as usize;
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(plan.streams_max)
        .initial_window_size(plan.stream_window)
        .initial_connection_window_size(plan.connection_window)
        .max_header_list_size(head_list_max(listener))
        .max_frame_size(FRAME_MAX)
        .max_send_buffer_size(SEND_BUFFER_MAX)
        .max_pending_accept_reset_streams(resets)
        .max_concurrent_reset_streams(resets.clamp(10, 1_000))
        .max_local_error_reset_streams(Some(resets.saturating_mul(10)))
        .reset_stream_duration(RESET_REMEMBERED)
        .enable_connect_protocol();
    builder
}

/// A field counts 32 bytes more than its text (RFC 9113 section 6.5.2): so a head that HTTP/1.1 may have passes, and one
/// that is a little too large is refused like there.
fn head_list_max(listener: &Listener) -> u32 {
    let limits = &listener.limits;
    limits.head_bytes_max + limits.head_bytes_max / 4 + u32::from(limits.fields_max) * 32
}

const FRAME_MAX: u32 = 16 * 1024;
/// Bytes of an answer that wait for the connection, per stream.
const SEND_BUFFER_MAX: usize = 64 * 1024;
/// How long frames for a stream that we have reset are taken for late ones.
const RESET_REMEMBERED: Duration = Duration::from_secs(1);
/// How long a client is given to begin what it came for, when its listener closes.
const CLOSING_GRACE: Duration = Duration::from_millis(500);
/// How long a client that was told to go may take to notice.
const FAREWELL: Duration = Duration::from_secs(2);
const LAST_WORDS: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_secs(60);
