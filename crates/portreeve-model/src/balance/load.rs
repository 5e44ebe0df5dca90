//! How busy a backend is for its share.

use std::cmp::Ordering;

use super::slow_start::SlowStart;
use crate::backend::Backend;
use crate::tick::Tick;

/// Requests in flight per share, as a fraction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    in_flight: f64,
    share: f64,
}

impl Load {
    pub(super) fn of(backend: &Backend, now: Tick, slow_start: SlowStart) -> Self {
        Self::new(f64::from(backend.in_flight()), slow_start.share(backend, now))
    }

    pub(super) fn new(in_flight: f64, share: f64) -> Self {
        Self { in_flight, share }
    }

    /// Exact where shares are weights: 32 bits times 10 are fewer than 53.
    pub(super) fn cmp(self, other: Self) -> Ordering {
        (self.in_flight * other.share).total_cmp(&(other.in_flight * self.share))
    }

    pub(super) fn is_above(self, other: Self) -> bool {
        self.cmp(other).is_gt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_fractions_are_equal_however_they_are_written() {
        let load = |in_flight, share| Load::new(in_flight, share);
        assert_eq!(load(1.0, 3.0).cmp(load(333.0, 999.0)), Ordering::Equal);
        assert_eq!(load(0.0, 1.0).cmp(load(0.0, 1_000.0)), Ordering::Equal);
        let most = f64::from(u32::MAX);
        assert!(load(most, 999.0).is_above(load(most, 1_000.0)));
        assert!(load(most, 1_000.0).is_above(load(most - 1.0, 1_000.0)));
    }
}
