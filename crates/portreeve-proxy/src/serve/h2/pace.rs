//! How patient we are with a client that does not take what all its streams have for it.

use std::time::{Duration, Instant};

use portreeve_model::plan::ClientLimits;

/// Asks for the least rate over time, and for a byte now and then. As [`Patience`](crate::patience::Patience) asks it of
/// one answer, but without an end: so what was taken long ago earns no more than one more silence.
pub(super) struct Pace {
    idle: Duration,
    rate_min: Option<u32>,
    /// Bytes of the least rate that the client is ahead.
    credit: u64,
    /// Since when it does not take what is here.
    since: Option<Instant>,
    /// Whether that is more than a stream or two whose windows are shut: then a rate is asked.
    is_blocked: bool,
}

impl Pace {
    pub(super) fn new(limits: &ClientLimits) -> Self {
        let mut pace = Self {
            idle: limits.body_idle_timeout,
            rate_min: limits.rate_min.filter(|rate| *rate > 0),
            credit: 0,
            since: None,
            is_blocked: false,
        };
        pace.credit = pace.worth(GRACE);
        pace
    }

    /// There is something that the client could take. `is_blocked`: its connection takes no more, of whatever stream.
    pub(super) fn wait(&mut self, is_blocked: bool) {
        if self.is_blocked != is_blocked {
            self.spend();
            self.is_blocked = is_blocked;
        }
        self.since.get_or_insert_with(Instant::now);
    }

    /// It took so many bytes.
    pub(super) fn moved(&mut self, count: usize) {
        self.spend();
        self.credit = (self.credit + count as u64).min(self.worth(GRACE + self.idle));
    }

    /// There is nothing for it to take.
    pub(super) fn rest(&mut self) {
        if self.since.is_some() {
            self.spend();
            self.credit = self.credit.max(self.worth(GRACE));
        }
    }

    /// Until when it has to take some more; `None`: it owes nothing.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let rate = self.rate_min.filter(|_| self.is_blocked);
        let left = rate.map_or(Duration::MAX, |rate| {
            Duration::from_millis(self.credit.saturating_mul(1_000) / u64::from(rate))
        });
        Some(self.since? + self.idle.min(left))
    }

    fn spend(&mut self) {
        if let Some(since) = self.since.take().filter(|_| self.is_blocked) {
            self.credit = self.credit.saturating_sub(self.worth(since.elapsed()));
        }
    }

    /// Bytes that are to be taken in this time.
    fn worth(&self, time: Duration) -> u64 {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let rate = self.rate_min.unwrap_or_default();
        millis.saturating_mul(u64::from(rate)) / 1_000
    }
}

/// For so long no rate is asked.
const GRACE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(30);

    fn pace(rate_min: Option<u32>) -> Pace {
        Pace::new(&ClientLimits {
            body_idle_timeout: IDLE,
            rate_min,
            ..ClientLimits::default()
        })
    }

    /// Has it wait for so long.
    fn waits(pace: &mut Pace, time: Duration) {
        pace.wait(true);
        pace.since = pace.since.and_then(|since| since.checked_sub(time));
    }

    fn left(pace: &Pace) -> Duration {
        let deadline = pace.deadline().expect("something is waited for");
        deadline.saturating_duration_since(Instant::now())
    }

    fn is_about(time: Duration, secs: u64) -> bool {
        time.abs_diff(Duration::from_secs(secs)) < Duration::from_secs(1)
    }

    #[test]
    fn who_owes_nothing_has_no_deadline() {
        let mut pace = pace(Some(240));
        assert_eq!(pace.deadline(), None);
        pace.wait(true);
        pace.rest();
        assert_eq!(pace.deadline(), None);
    }

    #[test]
    fn without_a_rate_the_silence_counts_from_the_last_byte() {
        let mut pace = pace(None);
        waits(&mut pace, Duration::from_secs(20));
        assert!(is_about(left(&pace), 10));
        pace.moved(1);
        pace.wait(true);
        assert!(is_about(left(&pace), 30));
    }

    #[test]
    fn a_trickle_runs_out_of_grace() {
        let mut pace = pace(Some(240));
        for _ in 0..4 {
            waits(&mut pace, Duration::from_secs(1));
            pace.moved(1);
        }
        pace.wait(true);
        assert!(is_about(left(&pace), 1), "{:?}", left(&pace));
    }

    #[test]
    fn who_takes_the_least_rate_goes_on_for_ever() {
        let mut pace = pace(Some(240));
        for _ in 0..1_000 {
            waits(&mut pace, Duration::from_secs(1));
            assert!(left(&pace) > Duration::from_secs(2));
            pace.moved(250);
        }
    }

    #[test]
    fn a_large_answer_earns_one_silence_and_no_more() {
        let mut pace = pace(Some(240));
        pace.moved(100_000_000);
        waits(&mut pace, Duration::from_secs(29));
        assert!(is_about(left(&pace), 1));
        pace.moved(1);
        pace.wait(true);
        assert!(is_about(left(&pace), 6), "{:?}", left(&pace));
    }

    #[test]
    fn streams_whose_windows_are_shut_are_asked_for_no_rate() {
        let mut pace = pace(Some(240));
        pace.wait(false);
        pace.since = pace
            .since
            .and_then(|since| since.checked_sub(Duration::from_secs(20)));
        pace.wait(false);
        assert!(is_about(left(&pace), 10));
        pace.wait(true);
        assert!(is_about(left(&pace), 5), "{:?}", left(&pace));
    }

    #[test]
    fn who_has_taken_all_begins_anew() {
        let mut pace = pace(Some(240));
        waits(&mut pace, Duration::from_secs(5));
        pace.moved(1);
        pace.wait(true);
        pace.rest();
        pace.wait(true);
        assert!(is_about(left(&pace), 5));
    }
}
