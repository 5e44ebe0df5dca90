//! Handshakes under way on a listener: at most so many, the others wait for one of them to end.

use std::cell::Cell;
use std::task::Poll;

use super::queue::Queue;

/// Those of one listener on one worker.
#[derive(Default)]
pub(crate) struct Crowd {
    under_way: Cell<u32>,
    waiting: Queue,
}

/// One that is under way, until it is dropped.
pub(super) struct UnderWay<'a>(&'a Crowd);

impl Crowd {
    /// Waits until less than `most` are under way.
    pub(super) async fn enter(&self, most: u32) -> UnderWay<'_> {
        let ticket = self.waiting.join();
        std::future::poll_fn(|context| {
            if ticket.is_first(context) && self.under_way.get() < most {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        self.under_way.set(self.under_way.get() + 1);
        UnderWay(self)
    }

    /// Whether others wait for one of these to end.
    pub(super) fn is_full(&self) -> bool {
        !self.waiting.is_empty()
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.set(self.0.under_way.get() - 1);
        self.0.waiting.wake_first();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn the_next_one_enters_when_one_leaves() {
        let crowd = Crowd::default();
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(first) = pin!(crowd.enter(1)).poll(&mut context) else {
            panic!("there is room");
        };
        let mut second = pin!(crowd.enter(1));
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert!(crowd.is_full());
        drop(first);
        assert!(second.as_mut().poll(&mut context).is_ready());
        assert!(!crowd.is_full());
    }

    #[test]
    fn who_gives_up_waiting_leaves_its_place_to_the_next() {
        let crowd = Crowd::default();
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(first) = pin!(crowd.enter(1)).poll(&mut context) else {
            panic!("there is room");
        };
        {
            let mut second = pin!(crowd.enter(1));
            assert!(second.as_mut().poll(&mut context).is_pending());
        }
        let mut third = pin!(crowd.enter(1));
        assert!(third.as_mut().poll(&mut context).is_pending());
        drop(first);
        assert!(third.as_mut().poll(&mut context).is_ready());
    }
}
