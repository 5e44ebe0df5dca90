//! What a request is told for which there is no backend.

use std::fmt::Write as _;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use portreeve_model::{Cause, NotPicked, Standing};

use super::{Choice, Lack};
use crate::hold::time_to_come;
use crate::refusal::Refusal;
use crate::refusal::page::page;

impl Choice<'_> {
    /// At once.
    pub(super) fn refusal(&self, lack: &Lack<'_>) -> Refusal {
        match lack.why {
            NotPicked::Nobody => self.shown(lack),
            NotPicked::Full => self.overloaded(lack),
        }
    }

    /// Neither is there what is missing, nor room to wait for it.
    pub(super) fn overloaded(&self, lack: &Lack<'_>) -> Refusal {
        self.pool.shared.shed.fetch_add(1, Relaxed);
        match lack.fleet {
            Some(fleet) if lack.is_deserted => {
                Refusal::new(Cause::Overloaded).retry_after(time_to_come(fleet))
            }
            _ => self.later(Cause::Overloaded),
        }
    }

    /// With the time in which those who wait will have been served.
    pub(super) fn later(&self, cause: Cause) -> Refusal {
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

    /// Says what became of those who might have served, and if somebody else is to come, when to try again.
    pub(super) fn nobody(&self, lack: &Lack<'_>) -> Refusal {
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
        let refusal = Refusal::saying(Cause::NoBackend, detail);
        match lack.fleet {
            Some(fleet) if lack.is_deserted => refusal.retry_after(time_to_come(fleet)),
            _ => refusal,
        }
    }

    /// The same as a page, for those who get one.
    fn shown(&self, lack: &Lack<'_>) -> Refusal {
        let refusal = self.nobody(lack);
        match (self.page, lack.fleet) {
            (Some(wanted), Some(fleet)) if lack.shows(self.page) => {
                self.pool.shared.waiting_pages.fetch_add(1, Relaxed);
                refusal.showing(page(wanted, fleet.start_time()))
            }
            _ => refusal,
        }
    }
}

/// The longest that a client is told to wait, in seconds.
const RETRY_AFTER_MAX: f64 = 60.0;
