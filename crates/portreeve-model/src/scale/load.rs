//! What is under way, averaged over a period.

use std::time::Duration;

use super::seen::Seen;
use crate::tick::Tick;

/// What was under way between decisions. A decision that comes early, because a request found nobody, looks at the period
/// before as well, so that a moment does not pass for a mean.
#[derive(Debug, Default)]
pub(super) struct Load {
    at: Option<Tick>,
    latest: u64,
    before: Span,
    lately: Span,
}

impl Load {
    pub(super) fn note(&mut self, seen: &Seen, now: Tick) {
        let time = self.at.map_or(Duration::ZERO, |at| now.since(at));
        self.at = Some(now);
        self.latest = seen.under_way();
        self.lately.note(seen, time);
    }

    /// As of now.
    pub(super) fn span(&self) -> Span {
        if self.is_whole() {
            self.lately
        } else {
            self.lately.with(&self.before)
        }
    }

    /// Requests in flight and waiting, on average.
    pub(super) fn mean(&self) -> f64 {
        let span = self.span();
        if span.micros == 0 {
            self.latest as f64
        } else {
            span.request_micros as f64 / span.micros as f64
        }
    }

    /// A decision was made. Whether a new period begins with it.
    pub(super) fn end_period(&mut self) -> bool {
        let is_whole = self.is_whole();
        if is_whole {
            self.before = std::mem::take(&mut self.lately);
        }
        is_whole
    }

    fn is_whole(&self) -> bool {
        self.lately.micros >= self.before.micros / 2
    }
}

/// What was seen in a time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    micros: u64,
    request_micros: u128,
    /// The most at any of the moments at which somebody looked.
    pub(super) peak: u64,
    /// Of a held request.
    pub(super) longest_wait: Duration,
}

impl Span {
    fn note(&mut self, seen: &Seen, time: Duration) {
        let micros = Tick::after_start(time).micros();
        self.micros = self.micros.saturating_add(micros);
        self.request_micros += u128::from(seen.under_way()) * u128::from(micros);
        self.peak = self.peak.max(seen.under_way());
        self.longest_wait = self.longest_wait.max(seen.longest_wait);
    }

    fn with(&self, other: &Self) -> Self {
        Self {
            micros: self.micros.saturating_add(other.micros),
            request_micros: self.request_micros + other.request_micros,
            peak: self.peak.max(other.peak),
            longest_wait: self.longest_wait.max(other.longest_wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(load: &mut Load, under_way: u64, at_ms: u64) {
        let seen = Seen {
            in_flight: under_way,
            ..Seen::default()
        };
        load.note(&seen, Tick::of_micros(at_ms * 1_000));
    }

    #[test]
    fn the_mean_is_that_of_time_not_of_looks() {
        let mut load = Load::default();
        note(&mut load, 0, 0);
        note(&mut load, 10, 9_000);
        note(&mut load, 100, 9_500);
        note(&mut load, 100, 10_000);
        assert!((load.mean() - 19.0).abs() < 1e-9, "{}", load.mean());
        assert_eq!(load.span().peak, 100);
    }

    #[test]
    fn the_first_look_is_all_there_is() {
        let mut load = Load::default();
        note(&mut load, 7, 5_000);
        assert_eq!(load.mean(), 7.0);
    }

    #[test]
    fn who_decides_early_looks_at_the_period_before_too() {
        let mut load = Load::default();
        note(&mut load, 0, 0);
        note(&mut load, 10, 10_000);
        assert!(load.end_period());
        note(&mut load, 1_000, 10_010);
        assert!(!load.end_period());
        assert!((load.mean() - 10.99).abs() < 0.01, "{}", load.mean());
        note(&mut load, 20, 20_000);
        assert!((load.mean() - 20.98).abs() < 0.01, "{}", load.mean());
    }
}
