//! Who has just come to serve gets a smaller share at first.

use std::time::Duration;

use super::shares::{scale, weight};
use crate::backend::Backend;
use crate::digest::mix;
use crate::tick::Tick;

/// Over how long a backend's share rises to all of it; zero: it has all of it at once, which costs nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SlowStart(Duration);

impl SlowStart {
    pub(crate) fn over(time: Duration) -> Self {
        Self(time)
    }

    /// The weight that counts now, for those who compare how busy backends are for theirs.
    pub(super) fn share(self, backend: &Backend, now: Tick) -> f64 {
        let whole = weight(backend) as f64;
        if self.0.is_zero() {
            return whole;
        }
        whole * f64::from(backend.warmth(now, self.0))
    }

    /// Whether a backend that was chosen takes this request: always once it is warm, else as often as its warmth says. `dice` may have chosen
    /// it already.
    pub(crate) fn lets(self, backend: &Backend, now: Tick, dice: u64) -> bool {
        self.0.is_zero() || is_within(backend.warmth(now, self.0), mix(!dice))
    }
}

fn is_within(share: f32, dice: u64) -> bool {
    (scale(dice, PARTS) as f32) < share * PARTS as f32
}

/// As fine as shares are told apart.
const PARTS: u64 = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::dice;

    #[test]
    fn a_share_is_met_as_often_as_it_says() {
        for (share, wanted) in [(0.1, 1_000), (0.5, 5_000), (1.0, 10_000)] {
            let met = dice(10_000).filter(|dice| is_within(share, *dice)).count();
            assert!(met.abs_diff(wanted) < 150, "{met} for {share}");
        }
    }
}
