//! Whether a backend may be given requests now: the one thing about it that changes while snapshots stay.

use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

/// Whether a backend may be given requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Standing {
    /// It may.
    Serving,
    /// It registered, and no probe has passed yet.
    Unproved,
    /// A probe or a connect failed; it is probed until it passes.
    Down,
    /// It finishes what it has.
    Draining,
    /// It is no more what it was: expired, removed, replaced, or its policies changed. Final.
    Gone,
}

impl Standing {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [
        Self::Serving,
        Self::Unproved,
        Self::Down,
        Self::Draining,
        Self::Gone,
    ];

    /// Its name in the API, records and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Unproved => "unproved",
            Self::Down => "down",
            Self::Draining => "draining",
            Self::Gone => "gone",
        }
    }

    fn of(number: u8) -> Self {
        Self::ALL
            .into_iter()
            .find(|one| *one as u8 == number)
            .unwrap_or(Self::Gone)
    }
}

/// A standing that all threads see.
///
/// The order of all reads and writes is total (`SeqCst`), together with the counts of requests in flight: a request is
/// counted before it looks here, and who drains writes here before it looks at the count, so one of the two sees the
/// other.
#[derive(Debug)]
pub(crate) struct SharedStanding(AtomicU8);

impl SharedStanding {
    pub(crate) fn new(standing: Standing) -> Self {
        Self(AtomicU8::new(standing as u8))
    }

    pub(crate) fn get(&self) -> Standing {
        Standing::of(self.0.load(SeqCst))
    }

    pub(crate) fn is_serving(&self) -> bool {
        self.0.load(SeqCst) == Standing::Serving as u8
    }

    /// Nothing follows [`Standing::Gone`]. Whether it serves now and did not before.
    pub(crate) fn set(&self, standing: Standing) -> bool {
        let before = self.0.fetch_update(SeqCst, SeqCst, |old| {
            (old != Standing::Gone as u8).then_some(standing as u8)
        });
        let serving = Standing::Serving as u8;
        standing == Standing::Serving && before.is_ok_and(|before| before != serving)
    }

    /// From serving to down; whether it was this call that did it.
    pub(crate) fn suspect(&self) -> bool {
        let (from, to) = (Standing::Serving as u8, Standing::Down as u8);
        self.0.compare_exchange(from, to, SeqCst, SeqCst).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_standing_survives_the_way_through_its_number() {
        for standing in Standing::ALL {
            assert_eq!(SharedStanding::new(standing).get(), standing);
        }
    }

    #[test]
    fn nothing_follows_gone() {
        let shared = SharedStanding::new(Standing::Serving);
        shared.set(Standing::Gone);
        shared.set(Standing::Serving);
        assert_eq!(shared.get(), Standing::Gone);
    }

    #[test]
    fn only_who_serves_can_be_suspected_and_once() {
        let shared = SharedStanding::new(Standing::Serving);
        assert!(shared.suspect());
        assert!(!shared.suspect());
        assert_eq!(shared.get(), Standing::Down);
        shared.set(Standing::Draining);
        assert!(!shared.suspect());
    }
}
