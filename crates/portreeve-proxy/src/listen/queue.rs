//! A queue of tasks of one thread. Who is first looks for itself whether it can go; who goes or gives up lets the next
//! one look.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Waker};

/// The queue; in order of coming.
#[derive(Default)]
pub(super) struct Queue(RefCell<VecDeque<Rc<Waiting>>>);

/// A place in it, left by dropping it.
pub(super) struct Ticket<'a> {
    queue: &'a Queue,
    waiting: Rc<Waiting>,
}

#[derive(Default)]
struct Waiting {
    is_gone: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Queue {
    pub(super) fn join(&self) -> Ticket<'_> {
        let waiting = Rc::<Waiting>::default();
        self.0.borrow_mut().push_back(waiting.clone());
        Ticket { queue: self, waiting }
    }

    /// Lets the first one look whether it can go; false if nobody waits.
    pub(super) fn wake_first(&self) -> bool {
        let Some(first) = self.first() else { return false };
        let waker = first.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first().is_none()
    }

    fn first(&self) -> Option<Rc<Waiting>> {
        let mut waiting = self.0.borrow_mut();
        while waiting.front().is_some_and(|first| first.is_gone.get()) {
            waiting.pop_front();
        }
        waiting.front().cloned()
    }
}

impl Ticket<'_> {
    /// Whether it is the first; if not, or if its time has not come yet, its task is woken when it may be.
    pub(super) fn is_first(&self, context: &Context<'_>) -> bool {
        self.waiting.waker.replace(Some(context.waker().clone()));
        self.queue
            .first()
            .is_some_and(|first| Rc::ptr_eq(&first, &self.waiting))
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.waiting.is_gone.set(true);
        self.queue.wake_first();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet<T>(look: impl FnOnce(&Context<'_>) -> T) -> T {
        look(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn who_came_first_is_first_and_who_leaves_makes_room() {
        let queue = Queue::default();
        let (first, second, third) = (queue.join(), queue.join(), queue.join());
        assert!(quiet(|context| first.is_first(context)));
        assert!(!quiet(|context| second.is_first(context)));
        drop(second);
        drop(first);
        assert!(quiet(|context| third.is_first(context)));
        drop(third);
        assert!(queue.is_empty());
        assert!(!queue.wake_first());
    }
}
