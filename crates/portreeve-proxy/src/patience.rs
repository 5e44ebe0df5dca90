//! How long we wait for one peer in one direction: an idle limit, a least rate, and an end to it all.

use std::time::{Duration, Instant};

/// Counts only the time in which we waited for this peer, so that a slow other side is never held against it.
/// The least rate is judged as in Kestrel: bytes over waited time, after a grace.
pub(crate) struct Patience {
    idle: Duration,
    rate_min: Option<u32>,
    until: Option<Instant>,
    moved: u64,
    waited: Duration,
    since: Option<Instant>,
}

/// Which of the three bounds was overstepped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overdue {
    Idle,
    Rate,
    Total,
}

impl Patience {
    pub(crate) fn new(idle: Duration, rate_min: Option<u32>, until: Option<Instant>) -> Self {
        Self {
            idle,
            rate_min,
            until,
            moved: 0,
            waited: Duration::ZERO,
            since: None,
        }
    }

    /// Begins the wait at a moment that is known already.
    pub(crate) fn since(mut self, at: Instant) -> Self {
        self.since = Some(at);
        self
    }

    /// Says that the peer sent or took `count` bytes.
    pub(crate) fn moved(&mut self, count: usize) {
        self.moved += count as u64;
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
    }

    /// Until when the present wait may last; the first call begins it.
    pub(crate) fn deadline(&mut self) -> Instant {
        let since = *self.since.get_or_insert_with(Instant::now);
        let own = since + self.idle.min(self.left_by_rate());
        self.until.map_or(own, |until| until.min(own))
    }

    /// Why the deadline that has just passed was set.
    pub(crate) fn overdue(&self) -> Overdue {
        let since = self.since.unwrap_or_else(Instant::now);
        let own = since + self.idle.min(self.left_by_rate());
        match self.until {
            Some(until) if until <= own => Overdue::Total,
            _ if self.left_by_rate() < self.idle => Overdue::Rate,
            _ => Overdue::Idle,
        }
    }

    fn left_by_rate(&self) -> Duration {
        let Some(rate) = self.rate_min.filter(|rate| *rate > 0) else {
            return Duration::MAX;
        };
        let earned = Duration::from_secs(self.moved / u64::from(rate));
        earned.max(RATE_GRACE).saturating_sub(self.waited)
    }
}

/// For so long of waiting in all, no rate is asked.
const RATE_GRACE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(30);

    #[test]
    fn without_a_rate_the_idle_limit_counts_from_the_last_byte() {
        let mut patience = Patience::new(IDLE, None, None);
        let before = Instant::now();
        let first = patience.deadline();
        assert!(first >= before + IDLE && first <= Instant::now() + IDLE);
        patience.moved(1);
        assert!(patience.deadline() >= first);
        assert_eq!(patience.overdue(), Overdue::Idle);
    }

    #[test]
    fn a_trickle_runs_out_of_grace() {
        let mut patience = Patience::new(IDLE, Some(240), None);
        patience.waited = Duration::from_secs(4);
        patience.moved = 100;
        assert!(patience.deadline() <= Instant::now() + Duration::from_secs(1));
        assert_eq!(patience.overdue(), Overdue::Rate);
    }

    #[test]
    fn bytes_earn_waiting_time() {
        let mut patience = Patience::new(IDLE, Some(100), None);
        patience.waited = Duration::from_secs(8);
        patience.moved = 1_000;
        let left = patience.deadline() - Instant::now();
        assert!(
            left > Duration::from_millis(1_900) && left <= Duration::from_secs(2),
            "{left:?}"
        );
    }

    #[test]
    fn the_total_time_ends_every_wait() {
        let until = Instant::now() + Duration::from_secs(1);
        let mut patience = Patience::new(IDLE, None, Some(until));
        assert_eq!(patience.deadline(), until);
        assert_eq!(patience.overdue(), Overdue::Total);
    }
}
