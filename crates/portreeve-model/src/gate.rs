//! What keeps requests from a backend that serves, apart from its standing.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

use crate::ejection::Ejection;
use crate::limiter::Limiter;
use crate::tick::Tick;
use crate::vitals::Vitals;

/// Whether a backend that serves may be given one request more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Room {
    /// It may.
    Free,
    /// It may, but others should be asked first: it gives no answers, or said that it wants to be left alone.
    Shy,
    /// It has as many in flight as it may have.
    Full,
    /// It is ejected.
    Out,
}

/// What keeps requests away: an ejection, a `Retry-After`, a limit. Only one number of it is looked at where none of
/// these is at work.
#[derive(Debug)]
pub(crate) struct Gate {
    /// How many may be in flight without a closer look: the limit, and none where anything else is at work, as is one
    /// that was found out.
    open_to: AtomicU32,
    pub(crate) ejection: Ejection,
    /// 0: it is not passed over.
    passed_over_until: AtomicU64,
    pub(crate) limiter: Limiter,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            open_to: AtomicU32::new(u32::MAX),
            ejection: Ejection::default(),
            passed_over_until: AtomicU64::new(0),
            limiter: Limiter::default(),
        }
    }
}

impl Gate {
    /// Whether so many may be in flight, and nothing else is to be looked at.
    pub(crate) fn is_open_to(&self, in_flight: u32) -> bool {
        in_flight <= self.open_to.load(Relaxed)
    }

    /// What there is for one of so many in flight, the asker's included, but for stalls.
    #[cold]
    pub(crate) fn look_closer(&self, in_flight: u32, vitals: &Vitals, now: Tick) -> Room {
        if self.ejection.keeps_out(now) {
            return Room::Out;
        }
        if !self.limiter.allows(in_flight, vitals, now) {
            return Room::Full;
        }
        if self.is_passed_over(now) {
            return Room::Shy;
        }
        Room::Free
    }

    /// Until then others should be asked first; a later moment said before holds.
    pub(crate) fn pass_over(&self, until: Tick) {
        self.passed_over_until.fetch_max(until.micros(), SeqCst);
        self.settle();
    }

    fn is_passed_over(&self, now: Tick) -> bool {
        let until = self.passed_over_until.load(SeqCst);
        if until == 0 || now.micros() < until {
            return until != 0;
        }
        // It is over: nobody need look any more. Who said it again meanwhile is right.
        let _ = self.passed_over_until.compare_exchange(until, 0, SeqCst, SeqCst);
        self.settle();
        false
    }

    /// To be called after each change of anything in it.
    ///
    /// Whoever stores last has looked at all of it after that, so what is stored in the end is what follows from it.
    pub(crate) fn settle(&self) {
        loop {
            let open_to = self.follows();
            self.open_to.store(open_to, SeqCst);
            if self.follows() == open_to {
                return;
            }
        }
    }

    fn follows(&self) -> u32 {
        let is_passed_over = self.passed_over_until.load(SeqCst) != 0;
        if is_passed_over || !self.ejection.is_admitted() {
            return 0;
        }
        self.limiter.open_to()
    }
}
