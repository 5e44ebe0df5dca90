//! Finding the backend that is asked next: at once, or after a wait.

mod refuse;
mod wait;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use portreeve_model::plan::{FailMode, WaitingPage};
use portreeve_model::{Ask, Cause, FleetShared, Group, Lease, NotPicked, Pool, Tried};

use super::turn::Turn;
use crate::conn::Conn;
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
    /// Bytes of it that were read, but for those that are still in the client's input.
    pub(crate) bytes: u64,
    /// What its client is shown instead of waiting until a fleet has brought somebody.
    pub(crate) page: Option<&'a WaitingPage>,
}

/// What a request lacks.
#[derive(Clone, Copy)]
struct Lack<'a> {
    why: NotPicked,
    /// Whether there is nobody at all, wherever it has been.
    is_deserted: bool,
    /// Who is to bring somebody, where the pool scales.
    fleet: Option<&'a FleetShared>,
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
            Err(why) => {
                let lack = self.lack(why, tried, worker, record);
                if !self.may_wait(&lack, tried) {
                    return Err(self.refusal(&lack));
                }
                Box::pin(self.wait(&lack, tried, client, worker, record)).await?
            }
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

    /// What is missing. If that is anybody at all, the fleet that is to bring somebody hears of it.
    fn lack(&self, why: NotPicked, tried: &Tried, worker: &Worker, record: &Record<'_>) -> Lack<'a> {
        let fleet = self.pool.fleet_for(self.group.policies());
        // Whoever has an answer already, and would only like a better one, is no reason to start anything.
        let may_wake = record.phases.first_byte.is_none();
        let is_deserted =
            why == NotPicked::Nobody && may_wake && (tried.is_empty() || self.group.is_deserted());
        let fleet = fleet.map(|fleet| &**fleet);
        if let Some(fleet) = fleet.filter(|_| is_deserted) {
            worker.wake(fleet);
        }
        Lack {
            why,
            is_deserted,
            fleet,
        }
    }

    /// For room always. For somebody to come if the request has met nobody, as a retry fails of what the last one failed
    /// of; but where a fleet brings another in the place of one that is gone, that one is worth the wait.
    fn may_wait(&self, lack: &Lack<'_>, tried: &Tried) -> bool {
        let holds = || self.pool.plan().fail_mode == FailMode::Hold;
        match lack.why {
            NotPicked::Full => true,
            NotPicked::Nobody => {
                let is_new = tried.is_empty() || lack.fleet.is_some();
                lack.is_deserted && is_new && holds() && !lack.shows(self.page)
            }
        }
    }
}

impl Lack<'_> {
    /// Whether a fleet is to bring somebody, and the client is shown a page until then.
    fn shows(&self, page: Option<&WaitingPage>) -> bool {
        self.is_deserted && self.fleet.is_some() && page.is_some()
    }
}
