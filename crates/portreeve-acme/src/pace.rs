//! How long to wait after failures.

use std::time::Duration;

/// How failures slow orders down: after the first one `first` passes, after each further one twice as much, up to `most`;
/// each a fifth more or less by chance, so that many proxies do not come back at the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Default 1 min.
    pub first: Duration,
    /// Default 6 h.
    pub most: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(60),
            most: Duration::from_secs(6 * 3_600),
        }
    }
}

impl Pace {
    /// After so many failures in a row; `dice` is at least 0 and less than 1.
    pub(crate) fn after(&self, failures: u32, dice: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(DOUBLINGS_MAX);
        let plain = self.first.saturating_mul(1 << doublings).min(self.most);
        plain.mul_f64(0.8 + 0.4 * dice)
    }
}

/// At least 0 and less than 1.
pub(crate) fn dice() -> f64 {
    // Where the kernel has no randomness, all proxies are equally early: that harms nothing.
    let bits = getrandom::u32().unwrap_or_default();
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

const DOUBLINGS_MAX: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_wait_up_to_six_hours() {
        let pace = Pace::default();
        let minutes = |failures| pace.after(failures, 0.5).as_secs() / 60;

        assert_eq!([1, 2, 3, 4, 9].map(minutes), [1, 2, 4, 8, 256]);
        assert_eq!([10, 100, u32::MAX].map(minutes), [360; 3]);
    }

    #[test]
    fn chance_moves_it_by_a_fifth_at_most() {
        let pace = Pace::default();

        assert_eq!(pace.after(1, 0.0), Duration::from_secs(48));
        assert!(pace.after(1, 0.999_999) < Duration::from_secs(72));
    }

    #[test]
    fn dice_are_a_share_of_one() {
        assert!((0..1_000).all(|_| (0.0..1.0).contains(&dice())));
    }
}
