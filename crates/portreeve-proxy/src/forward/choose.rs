//! Finding the backend that is asked next: at once, or after a wait.

use std::cell::Cell;
use std::fmt::Write as _;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::{Duration, Instant};

use portreeve_model::plan::FailMode;
use portreeve_model::{Ask, Cause, Group, Lease, NotPicked, Pool, Standing, Tried, Why};

use super::turn::Turn;
use crate::conn::{Conn, Gone};
use crate::hold::{Held, Holds, Wish};
use crate::record::Record;
use crate::refusal::Refusal;
use crate::worker::Worker;

/// What stays the same however often a request chooses.
pub(crate) struct Choice<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) group: &'a Group,
    /// What consistent hashing looks at.
    pub(crate) key: u64,
    /// Where a sticky client has been.
    pub(crate) sticky: Option<u64>,
    /// Its place among those that are held.
    pub(crate) priority: u8,
    /// When all must be over.
    pub(crate) until: Option<Instant>,
    /// Where those are counted that are ejected because of how they served it.
    pub(crate) ejections: &'a Cell<u8>,
}

impl<'a> Choice<'a> {
    /// The backend that is asked next, one that was not tried. Waits where the pool holds requests, and as long as the
    /// client, if there is one to look at, waits.
    pub(crate) async fn turn(
        &self,
        tried: &Tried,
        client: Option<&mut Conn>,
        worker: &Rc<Worker>,
        record: &mut Record<'_>,
    ) -> Result<Turn<'a>, Refusal> {
        let lease = match self.pick(tried, worker, record) {
            Ok(lease) => lease,
            Err(NotPicked::Nobody) if self.is_outdated(tried, record) => {
                return Err(Refusal::new(Cause::NoBackend));
            }
            Err(why) if self.may_wait(why, tried) => {
                Box::pin(self.wait(why, tried, client, worker, record)).await?
            }
            Err(why) => return Err(self.refusal(why)),
        };
        Ok(Turn::new(lease, self.pool, worker).counted(self.ejections))
    }

    /// Another one at once, or none.
    pub(crate) fn other(&self, tried: &Tried, worker: &Rc<Worker>, record: &Record<'_>) -> Option<Turn<'a>> {
        let lease = self.pick(tried, worker, record).ok()?;
        Some(Turn::new(lease, self.pool, worker).counted(self.ejections))
    }

    fn pick(&self, tried: &Tried, worker: &Worker, record: &Record<'_>) -> Result<Lease, NotPicked> {
        self.group.pick(&Ask {
            key: self.key,
            dice: worker.dice(),
            tried,
            // The first choice is made at once: looking at the clock again would only measure the clock.
            now: if tried.is_empty() && record.phases.held.is_none() {
                worker.tick(record.started)
            } else {
                worker.now()
            },
            sticky: self.sticky,
        })
    }

    /// Whether there were backends to choose from, but none that is still what it was: the next snapshot is looked at.
    fn is_outdated(&self, tried: &Tried, record: &mut Record<'_>) -> bool {
        record.is_outdated = tried.is_empty() && !record.is_outdated && self.group.is_outdated();
        record.is_outdated
    }

    /// For room always; for somebody to come back only if the request has met nobody: a retry fails of what the last
    /// one failed of.
    fn may_wait(&self, why: NotPicked, tried: &Tried) -> bool {
        why == NotPicked::Full || tried.is_empty() && self.pool.plan().fail_mode == FailMode::Hold
    }

    async fn wait(
        &self,
        why: NotPicked,
        tried: &Tried,
        client: Option<&mut Conn>,
        worker: &Rc<Worker>,
        record: &mut Record<'_>,
    ) -> Result<Lease, Refusal> {
        let wish = Wish {
            policies: self.group.policies(),
            tried,
            priority: self.priority,
        };
        let Some(held) = Holds::enter(worker, self.pool, &wish) else {
            return Err(self.overloaded());
        };
        let began = Instant::now();
        let waited = self.waiting(held, tried, client, worker, record).await;
        record.phases.held = Some(began.elapsed());
        self.pool.shared.held.fetch_add(1, Relaxed);
        match waited {
            Some(Ok(lease)) => Ok(lease.because(Why::Held)),
            Some(Err(Gone)) => {
                worker.holds.note_left(self.pool);
                Err(Refusal::new(Cause::ClientLeft))
            }
            None => {
                self.pool.shared.hold_timeouts.fetch_add(1, Relaxed);
                Err(match why {
                    NotPicked::Nobody => self.nobody(),
                    NotPicked::Full => self.later(Cause::HoldTimeout),
                })
            }
        }
    }

    /// The lease that was given, or the client's leaving; `None` when the time is over. What time alone brings back,
    /// as an ejection that ends, tells nobody: so it is looked for now and then.
    async fn waiting(
        &self,
        mut held: Held<'_>,
        tried: &Tried,
        mut client: Option<&mut Conn>,
        worker: &Rc<Worker>,
        record: &Record<'_>,
    ) -> Option<Result<Lease, Gone>> {
        let began = Instant::now();
        loop {
            if let Ok(lease) = self.pick(tried, worker, record) {
                return Some(Ok(lease));
            }
            let end = began + worker.holds.patience(self.pool, worker.now());
            let end = self.until.map_or(end, |until| end.min(until));
            let look = end.min(Instant::now() + LOOK_EVERY);
            let mut time = pin!(tokio::time::sleep_until(look.into()));
            let found = std::future::poll_fn(|context| {
                if let Poll::Ready(lease) = held.poll(context) {
                    return Poll::Ready(Some(Ok(lease)));
                }
                if let Some(client) = &mut client
                    && client.poll_gone(context).is_ready()
                {
                    return Poll::Ready(Some(Err(Gone)));
                }
                time.as_mut().poll(context).map(|()| None)
            });
            match found.await {
                Some(found) => return Some(found),
                None if Instant::now() >= end => return None,
                None => {}
            }
        }
    }

    fn refusal(&self, why: NotPicked) -> Refusal {
        match why {
            NotPicked::Nobody => self.nobody(),
            NotPicked::Full => self.overloaded(),
        }
    }

    /// Nobody has room, and the request is not held for it.
    fn overloaded(&self) -> Refusal {
        self.pool.shared.shed.fetch_add(1, Relaxed);
        self.later(Cause::Overloaded)
    }

    /// With the time in which those who wait will have been served.
    fn later(&self, cause: Cause) -> Refusal {
        let now_serving: f64 = self
            .pool
            .backends
            .iter()
            .map(|backend| f64::from(backend.in_flight()))
            .sum();
        let waiting = f64::from(self.pool.shared.waiting.load(Relaxed));
        let latency = self.pool.mean_latency().unwrap_or_default().as_secs_f64();
        let seconds = latency * (now_serving + waiting) / now_serving.max(1.0);
        Refusal::new(cause).retry_after(Duration::from_secs_f64(seconds.min(RETRY_AFTER_MAX)))
    }

    /// Says what became of those who might have served.
    fn nobody(&self) -> Refusal {
        let mut detail = String::from(Cause::NoBackend.title());
        let counts = Standing::ALL.map(|standing| {
            let fitting = self.pool.backends.iter().filter(|backend| {
                backend.standing() == standing && backend.policies.uphold(self.group.policies())
            });
            (standing, fitting.count())
        });
        let mut parts = counts.iter().filter(|(_, count)| *count > 0);
        if let Some((standing, count)) = parts.next() {
            let _ = write!(detail, ": {count} {}", standing.code());
            for (standing, count) in parts {
                let _ = write!(detail, ", {count} {}", standing.code());
            }
        }
        Refusal::saying(Cause::NoBackend, detail)
    }
}

/// How often a request that waits looks for itself.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The longest that a client is told to wait, in seconds.
const RETRY_AFTER_MAX: f64 = 60.0;
