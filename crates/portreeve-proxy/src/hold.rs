//! Requests that wait for a backend: for room at one, or for one to come back. Whoever is done with a backend hands it to
//! the first of them, so that nobody who comes later goes before.

mod awaited;

use std::collections::HashMap;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use portreeve_model::plan::{FailMode, InFlightPlan, Name};
use portreeve_model::{
    Ask, Backend, Crowd, HoldQueue, Lease, Policies, Pool, Pressure, Room, Snapshot, Tick, Ticket, Tried,
};

pub(crate) use self::awaited::{Awaited, time_to_come};

use crate::worker::Worker;

/// Those who wait, of all pools and all threads. It is only looked at while somebody waits: the pool's count says so.
#[derive(Default)]
pub(crate) struct Holds(Mutex<HashMap<Name, Line>>);

/// Those of one pool.
#[derive(Default)]
struct Line {
    queue: HoldQueue<Lane, Arc<Waiter>>,
    pressure: Pressure,
    /// How many of the pool's clients left without an answer while some of its requests were held.
    left: u64,
}

/// Those who can be served by the same backends. Who has been somewhere already stands apart, so that he is in nobody's
/// way for whom that one has room.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Lane {
    policies: Policies,
    is_retry: bool,
}

/// One who waits.
struct Waiter {
    lane: Lane,
    tried: Tried,
    key: u64,
    sticky: Option<u64>,
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
    bytes: u64,
}

/// Who asks for a place.
pub(crate) struct Wish<'a> {
    pub(crate) policies: &'a Policies,
    pub(crate) tried: &'a Tried,
    /// What consistent hashing looks at.
    pub(crate) key: u64,
    /// Where a sticky client has been.
    pub(crate) sticky: Option<u64>,
    /// 0 goes first, 7 last.
    pub(crate) priority: u8,
    /// What of the request was read and is kept.
    pub(crate) bytes: u64,
}

impl Holds {
    /// A place in the pool's queue; `None` if as many wait as may, or as much. Whoever gets one lets
    /// [`Worker::look_at`] look once more before it waits: what it waits for may have come just before.
    pub(crate) fn enter<'a>(worker: &'a Worker, pool: &'a Pool, wish: &Wish<'_>) -> Option<Held<'a>> {
        let waiter = Arc::new(Waiter::of(wish));
        let (plan, shared) = (&pool.plan().hold, &pool.shared);
        let mut lines = worker.holds.lock();
        if shared.hold_bytes.load(Relaxed) + wish.bytes > plan.bytes_max {
            return None;
        }
        let line = lines.entry(Arc::clone(&pool.name)).or_default();
        let pushed = line.queue.push(
            plan.requests_max,
            &waiter.lane,
            wish.priority,
            Arc::clone(&waiter),
        );
        let ticket = pushed.ok()?;
        shared.hold_bytes.fetch_add(wish.bytes, Relaxed);
        shared.waiting.fetch_add(1, SeqCst);
        drop(lines);
        Some(Held {
            worker,
            pool,
            ticket,
            waiter,
            bytes: wish.bytes,
        })
    }

    /// How long one may wait in this pool: less where its limits were found out and more come than are served.
    pub(crate) fn patience(&self, pool: &Pool, now: Tick) -> Duration {
        let plan = pool.plan();
        if plan.in_flight != InFlightPlan::Adaptive || plan.fail_mode == FailMode::Hold {
            return plan.hold.timeout;
        }
        let mut lines = self.lock();
        let line = lines.entry(Arc::clone(&pool.name)).or_default();
        let left = line.left;
        match line
            .pressure
            .is_high(plan.hold.timeout, now, || crowd(pool, left))
        {
            true => plan.hold.timeout.min(UNDER_PRESSURE),
            false => plan.hold.timeout,
        }
    }

    /// A client left without an answer, or its time was up: while requests are held, that is one more than could be
    /// served.
    pub(crate) fn note_left(&self, pool: &Pool) {
        if pool.shared.waiting.load(Relaxed) == 0 {
            return;
        }
        if let Some(line) = self.lock().get_mut(&pool.name) {
            line.left += 1;
        }
    }

    /// Ends a lease: the first who waits for this backend gets it.
    pub(crate) fn release(&self, pool: &Pool, lease: Lease, now: Tick) {
        // Mostly nobody waits, and a count that nobody else needs is not touched. Who comes to wait in this very moment
        // looks for himself once he is in the queue, and all workers look now and then.
        if pool.shared.waiting.load(SeqCst) == 0 {
            return;
        }
        let backend = Arc::clone(lease.backend());
        drop(lease);
        self.offer(pool, &backend, now);
    }

    /// Somebody may have come, or come back: those who wait are served as far as there is room. `dice` gives a random
    /// number each time.
    pub(crate) fn look(&self, snapshot: &Snapshot, dice: &dyn Fn() -> u64, now: Tick) {
        for pool in &snapshot.pools {
            self.serve(pool, dice, now);
        }
    }

    /// The same in one pool. Who serves is chosen as for any request, and he who finds nobody bars the way for those
    /// behind him alone whom the same could serve.
    pub(crate) fn serve(&self, pool: &Pool, dice: &dyn Fn() -> u64, now: Tick) {
        let mut in_vain: Vec<Lane> = Vec::new();
        while pool.shared.waiting.load(SeqCst) > 0
            && let Some((ticket, waiter)) = self.first_beside(&in_vain, pool)
        {
            match waiter.pick(pool, dice(), now) {
                // If he is not there any more, he left in the same moment, and the next one is asked.
                Some(lease) => drop(
                    self.take(pool, &waiter.lane, ticket)
                        .and_then(|it| it.give(lease)),
                ),
                None => in_vain.push(waiter.lane.clone()),
            }
        }
    }

    /// Gives the backend to those who wait for it, as often as it has room.
    fn offer(&self, pool: &Pool, backend: &Arc<Backend>, now: Tick) {
        // A lease counts as a request: none is taken for nobody, and none that cannot be had.
        while pool.shared.waiting.load(SeqCst) > 0
            && matches!(backend.room(now), Room::Free | Room::Shy)
            && let Some((ticket, first)) = self.first(pool, backend)
            && let Ok(lease) = Lease::try_take(backend, now)
        {
            // If he is not there any more, he left in the same moment.
            drop(self.take(pool, &first.lane, ticket).and_then(|it| it.give(lease)));
        }
    }

    /// The first who may be served by this backend.
    fn first(&self, pool: &Pool, backend: &Backend) -> Option<(Ticket, Arc<Waiter>)> {
        let lines = self.lock();
        let first = lines.get(&pool.name)?.queue.first(
            |lane| backend.may_serve(&lane.policies),
            |waiter| !waiter.tried.contains(backend.id),
        );
        first.map(|(ticket, waiter)| (ticket, Arc::clone(waiter)))
    }

    /// The first who stands in none of these lanes.
    fn first_beside(&self, lanes: &[Lane], pool: &Pool) -> Option<(Ticket, Arc<Waiter>)> {
        let lines = self.lock();
        let queue = &lines.get(&pool.name)?.queue;
        let first = queue.first(|lane| !lanes.contains(lane), |_| true);
        first.map(|(ticket, waiter)| (ticket, Arc::clone(waiter)))
    }

    /// He waits no more; `None` if he did not anyway.
    fn take(&self, pool: &Pool, lane: &Lane, ticket: Ticket) -> Option<Arc<Waiter>> {
        let mut lines = self.lock();
        let waiter = lines.get_mut(&pool.name)?.queue.take(lane, ticket)?;
        pool.shared.waiting.fetch_sub(1, SeqCst);
        Some(waiter)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    fn of(wish: &Wish<'_>) -> Self {
        Self {
            lane: Lane {
                policies: wish.policies.clone(),
                is_retry: !wish.tried.is_empty(),
            },
            tried: *wish.tried,
            key: wish.key,
            sticky: wish.sticky,
            state: Mutex::new(State::Waiting(Waker::noop().clone())),
        }
    }

    /// Somebody of the pool who serves him.
    fn pick(&self, pool: &Pool, dice: u64, now: Tick) -> Option<Lease> {
        let ask = Ask {
            key: self.key,
            dice,
            tried: &self.tried,
            now,
            sticky: self.sticky,
        };
        pool.group_of(&self.lane.policies)?.pick(&ask).ok()
    }

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
        drop(holds.take(self.pool, &self.waiter.lane, self.ticket));
        self.pool.shared.hold_bytes.fetch_sub(self.bytes, Relaxed);
        let left = std::mem::replace(&mut *self.waiter.lock(), State::Gone);
        if let State::Given(lease) = left {
            holds.release(self.pool, lease, self.worker.now());
        }
    }
}

/// What there is of a pool's requests, of whose clients so many left.
fn crowd(pool: &Pool, left: u64) -> Crowd {
    let shared = &pool.shared;
    let held = u64::from(shared.waiting.load(SeqCst));
    let mut crowd = Crowd {
        waiting: held,
        held,
        unserved: shared.shed.load(Relaxed) + shared.hold_timeouts.load(Relaxed) + left,
        served: 0,
    };
    for backend in &pool.backends {
        crowd.waiting += u64::from(backend.vitals.waiting());
        crowd.served += backend.vitals.answers_total();
    }
    crowd
}

/// How long one waits where waiting only makes all wait: enough to bridge the chance of arrivals.
const UNDER_PRESSURE: Duration = Duration::from_millis(20);
