//! Requests that wait for a backend: for room at one, or for one to come back. Whoever is done with a backend hands it to
//! the first of them, so that nobody who comes later goes before.

mod pressure;

use std::collections::HashMap;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use portreeve_model::plan::{FailMode, InFlightPlan, Name};
use portreeve_model::{Backend, HoldQueue, Lease, Policies, Pool, Snapshot, Tick, Ticket, Tried};

use self::pressure::Pressure;
use crate::worker::Worker;

/// Those who wait, of all pools and all threads. It is only looked at while somebody waits: the pool's count says so.
#[derive(Default)]
pub(crate) struct Holds(Mutex<HashMap<Name, Line>>);

/// Those of one pool.
#[derive(Default)]
struct Line {
    queue: HoldQueue<Arc<Waiter>>,
    pressure: Pressure,
    /// How many of their clients left.
    left: u64,
}

/// One who waits.
struct Waiter {
    policies: Policies,
    tried: Tried,
    state: Mutex<State>,
}

enum State {
    Waiting(Waker),
    Given(Lease),
    Gone,
}

/// A place in the queue. Dropping it gives it up, and what it was given in the last moment goes to the next.
pub(crate) struct Held<'a> {
    worker: &'a Worker,
    pool: &'a Pool,
    ticket: Ticket,
    waiter: Arc<Waiter>,
}

/// Who asks for a place.
pub(crate) struct Wish<'a> {
    pub(crate) policies: &'a Policies,
    pub(crate) tried: &'a Tried,
    /// 0 goes first, 7 last.
    pub(crate) priority: u8,
}

impl Holds {
    /// A place in the pool's queue; `None` if as many wait as may. Whoever gets one looks for room once more before it
    /// waits: it may have come free just before.
    pub(crate) fn enter<'a>(worker: &'a Worker, pool: &'a Pool, wish: &Wish<'_>) -> Option<Held<'a>> {
        let waiter = Arc::new(Waiter {
            policies: wish.policies.clone(),
            tried: *wish.tried,
            state: Mutex::new(State::Waiting(Waker::noop().clone())),
        });
        let most = pool.plan().hold.requests_max;
        let mut queues = worker.holds.lock();
        let line = queues.entry(Arc::clone(&pool.name)).or_default();
        let ticket = line.queue.push(most, wish.priority, Arc::clone(&waiter)).ok()?;
        pool.shared.waiting.fetch_add(1, SeqCst);
        drop(queues);
        Some(Held {
            worker,
            pool,
            ticket,
            waiter,
        })
    }

    /// How long one may wait in this pool: less where its limits were found out and more come than are served.
    pub(crate) fn patience(&self, pool: &Pool, now: Tick) -> Duration {
        let (plan, shared) = (pool.plan(), &pool.shared);
        if plan.in_flight != InFlightPlan::Adaptive || plan.fail_mode == FailMode::Hold {
            return plan.hold.timeout;
        }
        let refused = shared.shed.load(Relaxed) + shared.hold_timeouts.load(Relaxed);
        let waiting = u64::from(shared.waiting.load(SeqCst));
        let mut lines = self.lock();
        let line = lines.entry(Arc::clone(&pool.name)).or_default();
        match line.pressure.is_high(waiting, refused + line.left, now) {
            true => plan.hold.timeout.min(UNDER_PRESSURE),
            false => plan.hold.timeout,
        }
    }

    /// A client left while its request waited: it counts as one more than could be served.
    pub(crate) fn note_left(&self, pool: &Pool) {
        if let Some(line) = self.lock().get_mut(&pool.name) {
            line.left += 1;
        }
    }

    /// Ends a lease: the first who waits for this backend gets it.
    pub(crate) fn release(&self, pool: &Pool, lease: Lease, now: Tick) {
        // Mostly nobody waits, and a count that nobody else needs is not touched. Who comes to wait in this very moment
        // looks for himself once he is in the queue, and then now and then.
        if pool.shared.waiting.load(SeqCst) == 0 {
            return;
        }
        let backend = Arc::clone(lease.backend());
        drop(lease);
        self.offer(pool, &backend, now);
    }

    /// Somebody may have come back: those who wait are served as far as there is room.
    pub(crate) fn look(&self, snapshot: &Snapshot, now: Tick) {
        for pool in &snapshot.pools {
            for backend in &pool.backends {
                if pool.shared.waiting.load(SeqCst) == 0 {
                    break;
                }
                self.offer(pool, backend, now);
            }
        }
    }

    /// Gives the backend to those who wait for it, as often as it has room.
    fn offer(&self, pool: &Pool, backend: &Arc<Backend>, now: Tick) {
        // A lease counts as a request: none is taken for nobody.
        while pool.shared.waiting.load(SeqCst) > 0
            && let Ok(lease) = Lease::try_take(backend, now)
        {
            let Some(waiter) = self.first(pool, backend) else {
                return;
            };
            if let Some(lease) = waiter.give(lease) {
                // He left in the same moment.
                drop(lease);
            }
        }
    }

    /// The first who may be served by this backend; it waits no more.
    fn first(&self, pool: &Pool, backend: &Backend) -> Option<Arc<Waiter>> {
        let mut queues = self.lock();
        let line = queues.get_mut(&pool.name)?;
        let fits =
            |waiter: &Arc<Waiter>| backend.may_serve(&waiter.policies) && !waiter.tried.contains(backend.id);
        let first = line.queue.take_first(fits)?;
        pool.shared.waiting.fetch_sub(1, SeqCst);
        Some(first)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    /// The lease comes back if he waits no more.
    fn give(&self, lease: Lease) -> Option<Lease> {
        let mut state = self.lock();
        if !matches!(*state, State::Waiting(_)) {
            return Some(lease);
        }
        if let State::Waiting(waker) = std::mem::replace(&mut *state, State::Given(lease)) {
            waker.wake();
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held<'_> {
    /// Ready with the backend that was given.
    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<Lease> {
        let mut state = self.waiter.lock();
        match std::mem::replace(&mut *state, State::Gone) {
            State::Given(lease) => Poll::Ready(lease),
            _ => {
                *state = State::Waiting(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let holds = &self.worker.holds;
        let mut queues = holds.lock();
        let line = queues.get_mut(&self.pool.name);
        if line.and_then(|line| line.queue.remove(self.ticket)).is_some() {
            self.pool.shared.waiting.fetch_sub(1, SeqCst);
        }
        drop(queues);
        let left = std::mem::replace(&mut *self.waiter.lock(), State::Gone);
        if let State::Given(lease) = left {
            holds.release(self.pool, lease, self.worker.now());
        }
    }
}

/// How long one waits where waiting only makes all wait: enough to bridge the chance of arrivals.
const UNDER_PRESSURE: Duration = Duration::from_millis(20);
