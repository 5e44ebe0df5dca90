//! The tasks that serve streams outlive them: to make one for each would cost more than many a request.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Poll, Waker};

use super::stream::{self, Asked};
use crate::worker::Worker;

/// A worker's tasks that wait for a stream. The one that was busy last is taken first: its memory is still in the cache.
#[derive(Default)]
pub(crate) struct Seats {
    free: RefCell<Vec<Rc<Seat>>>,
}

/// Where a task is given its next stream.
#[derive(Default)]
struct Seat {
    asked: RefCell<Option<Asked>>,
    waker: RefCell<Option<Waker>>,
}

/// Has a stream served, by a task that is free or by a new one.
pub(super) fn serve(asked: Asked, worker: &Rc<Worker>) {
    let free = worker.seats.free.borrow_mut().pop();
    if let Some(seat) = free {
        return seat.give(asked);
    }
    let seat = Rc::new(Seat::default());
    seat.give(asked);
    tokio::task::spawn_local(stay(seat, worker.clone()));
}

/// Serves one stream after the other, until there are more free tasks than are worth keeping.
async fn stay(seat: Rc<Seat>, worker: Rc<Worker>) {
    loop {
        stream::serve(seat.next().await).await;
        let mut free = worker.seats.free.borrow_mut();
        if free.len() >= FREE_MAX {
            return;
        }
        free.push(seat.clone());
    }
}

impl Seat {
    fn give(&self, asked: Asked) {
        *self.asked.borrow_mut() = Some(asked);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    async fn next(&self) -> Asked {
        std::future::poll_fn(|context| {
            if let Some(asked) = self.asked.borrow_mut().take() {
                return Poll::Ready(asked);
            }
            *self.waker.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// A task has about 5 KiB.
const FREE_MAX: usize = 256;
