//! What of answers waits for a client of HTTP/2, all its streams together: bounded, since a client that does not read may
//! ask for a hundred answers at once.
//!
//! Up to `BACKLOG_MAX` whoever comes first may have it. Beyond that each stream goes on in small steps of its own, so that
//! no stream can starve another, however long the client leaves it alone: a connection holds at most `BACKLOG_MAX`, and two
//! `SHARE` for each of its streams.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};

/// What waits on one connection.
#[derive(Default)]
pub(crate) struct Backlog {
    /// Bytes in frames that are to be sent.
    queued: Cell<usize>,
    /// Bytes behind them that were read from backends and have no frame yet.
    parked: Cell<usize>,
    waiting: RefCell<Vec<Waker>>,
    /// How often all that waited were woken.
    round: Cell<u32>,
    is_given_up: Cell<bool>,
}

/// One stream's part of it.
pub(super) struct Owed {
    of: Rc<Backlog>,
    queued: Cell<usize>,
    parked: Cell<usize>,
    waker: Cell<Option<Waker>>,
    /// The round in which it joined those that wait.
    joined: Cell<Option<u32>>,
}

/// Bytes of an answer, counted until they are sent or dropped.
pub(crate) struct Held {
    bytes: Bytes,
    owed: Rc<Owed>,
}

impl Backlog {
    /// Bytes in frames that are to be sent. Those that stay although all was sent that could be wait for a window that
    /// the client has made smaller.
    pub(crate) fn queued(&self) -> usize {
        self.queued.get()
    }

    /// The client took too little for too long: that is why its streams end.
    pub(crate) fn give_up(&self) {
        self.is_given_up.set(true);
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.is_given_up.get()
    }

    fn total(&self) -> usize {
        self.queued.get() + self.parked.get()
    }

    fn look(&self) {
        if self.total() <= BACKLOG_LOW && !self.waiting.borrow().is_empty() {
            self.round.set(self.round.get().wrapping_add(1));
            self.waiting.take().into_iter().for_each(Waker::wake);
        }
    }
}

impl Owed {
    pub(super) fn new(of: &Rc<Backlog>) -> Rc<Self> {
        Rc::new(Self {
            of: Rc::clone(of),
            queued: Cell::new(0),
            parked: Cell::new(0),
            waker: Cell::new(None),
            joined: Cell::new(None),
        })
    }

    pub(super) fn backlog(&self) -> &Backlog {
        &self.of
    }

    /// How many bytes more there may be now.
    pub(super) fn room(&self) -> usize {
        let others = self.of.total() - self.parked.get();
        let queued = self.queued.get();
        if others < BACKLOG_MAX {
            (BACKLOG_MAX - others).max(SHARE)
        } else if queued <= SHARE / 2 {
            SHARE - queued
        } else {
            0
        }
    }

    /// The same; pending while there may be none.
    pub(super) fn poll_room(&self, context: &Context<'_>) -> Poll<usize> {
        let room = self.room();
        if room > 0 {
            return Poll::Ready(room);
        }
        self.waker.set(Some(context.waker().clone()));
        let round = self.of.round.get();
        if self.joined.replace(Some(round)) != Some(round) {
            self.of.waiting.borrow_mut().push(context.waker().clone());
        }
        Poll::Pending
    }

    /// Counts `bytes` until they are sent.
    pub(super) fn hold(self: &Rc<Self>, bytes: Bytes) -> Held {
        self.queued.set(self.queued.get() + bytes.len());
        self.of.queued.set(self.of.queued.get() + bytes.len());
        Held {
            bytes,
            owed: Rc::clone(self),
        }
    }

    /// Says how many bytes are left over that could not be put into frames.
    pub(super) fn park(&self, left: usize) {
        let before = self.parked.replace(left);
        if before != left {
            self.of.parked.set(self.of.parked.get() - before + left);
            self.of.look();
        }
    }

    fn release(&self, count: usize) {
        if count == 0 {
            return;
        }
        self.queued.set(self.queued.get() - count);
        self.of.queued.set(self.of.queued.get() - count);
        if let Some(waker) = self.waker.take() {
            match self.room() {
                0 => self.waker.set(Some(waker)),
                _ => waker.wake(),
            }
        }
        self.of.look();
    }
}

impl Buf for Held {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.owed.release(count);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.owed.release(self.bytes.len());
    }
}

/// Bytes of answers that a connection may have waiting before each stream is left with its share.
const BACKLOG_MAX: usize = 256 * 1024;
/// Those that had to wait are woken when so little is left.
const BACKLOG_LOW: usize = BACKLOG_MAX / 2;
/// What each stream may have in frames, whatever the others have.
pub(super) const SHARE: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(count: usize) -> Bytes {
        vec![0; count].into()
    }

    fn context() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    #[test]
    fn a_stream_may_have_all_while_it_is_alone() {
        let backlog = Rc::default();
        let owed = Owed::new(&backlog);
        assert_eq!(owed.room(), BACKLOG_MAX);
        let held = owed.hold(bytes(BACKLOG_MAX - 1));
        assert_eq!(owed.room(), SHARE);
        drop(held);
        assert_eq!((owed.room(), backlog.queued()), (BACKLOG_MAX, 0));
    }

    #[test]
    fn a_full_backlog_leaves_each_stream_its_share() {
        let backlog = Rc::default();
        let (greedy, late) = (Owed::new(&backlog), Owed::new(&backlog));
        let _held = greedy.hold(bytes(BACKLOG_MAX));
        assert!(greedy.poll_room(&context()).is_pending());
        assert_eq!(late.poll_room(&context()), Poll::Ready(SHARE));
        let mut share = late.hold(bytes(SHARE));
        assert!(late.poll_room(&context()).is_pending());
        share.advance(SHARE / 2);
        assert_eq!(late.poll_room(&context()), Poll::Ready(SHARE / 2));
    }

    #[test]
    fn what_could_not_be_put_into_frames_counts_for_the_others() {
        let backlog = Rc::default();
        let (stuck, other) = (Owed::new(&backlog), Owed::new(&backlog));
        stuck.park(BACKLOG_MAX);
        assert_eq!(stuck.room(), BACKLOG_MAX);
        assert_eq!(other.room(), SHARE);
        stuck.park(0);
        assert_eq!(other.room(), BACKLOG_MAX);
    }

    #[test]
    fn those_that_wait_are_woken_once_half_is_gone_and_may_wait_again() {
        let backlog: Rc<Backlog> = Rc::default();
        let (one, two) = (Owed::new(&backlog), Owed::new(&backlog));
        for _ in 0..2 {
            let mut held = one.hold(bytes(BACKLOG_MAX));
            let _share = two.hold(bytes(SHARE));
            for _ in 0..3 {
                assert!(two.poll_room(&context()).is_pending());
            }
            assert_eq!(backlog.waiting.borrow().len(), 1);
            held.advance(BACKLOG_MAX / 2 + SHARE);
            assert!(backlog.waiting.borrow().is_empty());
        }
    }
}
