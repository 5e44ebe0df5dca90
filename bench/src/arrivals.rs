use std::time::Duration;

/// Times between arrivals that know nothing of each other (exponentially distributed), the same in each run.
pub struct Arrivals {
    state: u64,
}

impl Arrivals {
    /// From the beginning.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "no arrivals are more usual than others"
    )]
    pub fn new() -> Arrivals {
        Arrivals { state: SEED }
    }

    /// The time until the next one, with so many a second on average.
    pub fn gap(&mut self, rate: f64) -> Duration {
        Duration::from_secs_f64(-self.share().ln() / rate)
    }

    /// Above 0 and at most 1, all alike probable: the xorshift generator of Marsaglia (2003).
    fn share(&mut self) -> f64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let even = ((self.state >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        even
    }
}

const SEED: u64 = 0x2545_f491_4f6c_dd1d;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_come_at_their_rate() {
        let mut arrivals = Arrivals::new();
        let time: Duration = (0..10_000).map(|_| arrivals.gap(1000.0)).sum();
        assert!((9.5..10.5).contains(&time.as_secs_f64()), "{time:?}");
    }
}
