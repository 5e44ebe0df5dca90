//! One HTTP/2 connection to a backend.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use h2::client::SendRequest;
use portreeve_model::Cause;
use portreeve_tls::Trust;

use super::toll::Toll;
use crate::stream::Stream;
use crate::stream::outward::Outward;

/// One HTTP/2 connection to a backend. It ends by itself when this is dropped and its last stream is over.
pub(super) struct Link {
    send: SendRequest<Bytes>,
    state: Rc<State>,
    /// What it stands on; `None`: it is not secured, which is what `:scheme` says.
    trust: Option<Arc<Trust>>,
}

/// What the connection, its driver and its streams know of each other.
pub(crate) struct State {
    /// Until the driver ends.
    pub(super) stream: RefCell<Option<Stream>>,
    streams: Cell<u32>,
    /// Reads that brought something.
    reads: Cell<u64>,
    idle_since: Cell<Instant>,
    is_leaving: Cell<bool>,
    is_suspected: Cell<bool>,
    end: Cell<Option<Cause>>,
    driver: RefCell<Waker>,
    has_answered: Cell<bool>,
    toll: Rc<Toll>,
}

/// One of the streams that the connection may have at once; given back on drop.
pub(crate) struct Place {
    state: Rc<State>,
    /// What had been read when it began.
    reads: u64,
    began: Instant,
}

impl Link {
    pub(super) fn new(send: SendRequest<Bytes>, state: Rc<State>, trust: Option<Arc<Trust>>) -> Self {
        Self { send, state, trust }
    }

    /// A stream of it, if it has room for one more and was made under the trust that is `wanted`.
    pub(super) fn open(&self, wanted: Option<u64>) -> Option<Stream> {
        if !self.stands_for(wanted) {
            return None;
        }
        if !self.takes_streams() || self.state.streams.get() >= self.streams_max() {
            self.state.leave_if_barred(self.streams_max());
            return None;
        }
        // Of its own, since one that has asked for too much would make the next wait.
        let mut send = self.send.clone();
        let mut context = Context::from_waker(Waker::noop());
        match send.poll_ready(&mut context) {
            Poll::Ready(Ok(())) => {
                let place = Place::take(&self.state);
                Some(Stream::Outward(Box::new(Outward::new(
                    send,
                    place,
                    self.trust.is_some(),
                ))))
            }
            Poll::Ready(Err(_)) | Poll::Pending => {
                self.state.leave();
                None
            }
        }
    }

    /// Whether it was made as that is wanted; nobody later will want one that is older.
    fn stands_for(&self, wanted: Option<u64>) -> bool {
        let stands = match (&self.trust, wanted) {
            (Some(trust), Some(number)) if trust.number() > number => return false,
            (Some(trust), Some(number)) => trust.holds_for(number),
            (trust, wanted) => trust.is_none() && wanted.is_none(),
        };
        if !stands {
            self.state.leave();
        }
        stands
    }

    /// Whether nothing has taken the place of what it stands on.
    pub(super) fn lasts(&self) -> bool {
        self.trust.as_ref().is_none_or(|trust| trust.lasts())
    }

    /// How many requests it carries at once.
    pub(super) fn streams_max(&self) -> u32 {
        u32::try_from(self.send.current_max_send_streams()).map_or(STREAMS_MAX, |most| most.min(STREAMS_MAX))
    }

    /// Whether further requests may go over it.
    pub(super) fn takes_streams(&self) -> bool {
        !self.state.is_leaving.get()
    }

    /// Since when it has had no request; `None`: it has one.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        (self.state.streams.get() == 0).then(|| self.state.idle_since.get())
    }
}

impl State {
    /// `toll`: where it counts if this comes to nothing.
    pub(super) fn new(stream: Stream, toll: &Rc<Toll>) -> Rc<Self> {
        Rc::new(Self {
            stream: RefCell::new(Some(stream)),
            streams: Cell::new(0),
            reads: Cell::new(0),
            idle_since: Cell::new(Instant::now()),
            is_leaving: Cell::new(false),
            is_suspected: Cell::new(false),
            end: Cell::new(None),
            driver: RefCell::new(Waker::noop().clone()),
            has_answered: Cell::new(false),
            toll: Rc::clone(toll),
        })
    }

    pub(super) fn note_read(&self) {
        self.reads.set(self.reads.get() + 1);
    }

    pub(super) fn reads(&self) -> u64 {
        self.reads.get()
    }

    pub(super) fn has_streams(&self) -> bool {
        self.streams.get() > 0
    }

    /// Whether somebody has doubts that the other side is still there; asked once.
    pub(super) fn is_suspected(&self) -> bool {
        self.is_suspected.take()
    }

    /// Remembers whom to wake when there are doubts.
    pub(super) fn is_driven_by(&self, waker: &Waker) {
        self.driver.borrow_mut().clone_from(waker);
    }

    /// No further request goes over it.
    pub(crate) fn leave(&self) {
        self.is_leaving.set(true);
    }

    /// The other side allows no streams any more: if it has none, it is good for nothing.
    fn leave_if_barred(&self, streams_max: u32) {
        if streams_max == 0 && !self.has_streams() {
            self.leave();
        }
    }

    /// The head of an answer has come over it.
    pub(crate) fn note_answer(&self) {
        self.has_answered.set(true);
        self.toll.note_answer();
    }

    /// It is over, because of that.
    pub(super) fn close(&self, cause: Cause) {
        self.leave();
        if !self.has_answered.get() {
            self.toll.note_in_vain(Instant::now());
        }
        self.end.set(Some(cause));
        self.stream.borrow_mut().take();
    }

    /// Why it is over, if it is.
    pub(crate) fn end(&self) -> Option<Cause> {
        self.end.get()
    }

    /// Whether the other side has closed it, which may not be read yet. While others use it they would know.
    pub(crate) fn is_hung_up(&self) -> bool {
        let stream = self.stream.borrow();
        let Some(stream) = &*stream else { return true };
        self.streams.get() <= 1 && stream.is_hung_up()
    }
}

impl Place {
    fn take(state: &Rc<State>) -> Self {
        state.streams.set(state.streams.get() + 1);
        Self {
            state: Rc::clone(state),
            reads: state.reads.get(),
            began: Instant::now(),
        }
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// It is given up without an answer. If nothing at all has come meanwhile, and that took a while, nobody may be there.
    pub(crate) fn doubt(&self) {
        let state = &self.state;
        if state.reads.get() == self.reads && self.began.elapsed() >= DOUBT_AFTER {
            state.is_suspected.set(true);
            state.driver.borrow().wake_by_ref();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let state = &self.state;
        state.streams.set(state.streams.get() - 1);
        if state.streams.get() == 0 {
            state.idle_since.set(Instant::now());
        }
    }
}

/// However many the other side allows: beyond that a second connection is worth its price.
const STREAMS_MAX: u32 = 128;
/// A silence shorter than this says nothing.
const DOUBT_AFTER: std::time::Duration = std::time::Duration::from_secs(1);
