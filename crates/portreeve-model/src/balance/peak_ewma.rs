//! Peak EWMA: of two different backends drawn by weight, the one whose answer is expected first, as in Twitter Finagle
//! and linkerd: expected latency, which a peak raises at once and which falls slowly, times what is before the request.
//!
//! Unlike theirs it does not take the lower of two noisy numbers each time: where latencies are about the same, the
//! fewer requests in flight per weight decide, and where these are the same too, who was drawn first. So backends that
//! are alike get the same, by weight; one that is ten times slower gets next to nothing. One that has not answered yet is
//! taken to be as quick as the other, so what it has in flight is bounded by what others have.

use std::sync::Arc;

use super::latency::{Sooner, compare, expected};
use super::load::Load;
use super::shares::Shares;
use super::slow_start::SlowStart;
use crate::ask::Ask;
use crate::backend::Backend;

#[derive(Debug, Clone)]
pub(super) struct PeakEwma {
    shares: Shares,
    /// Of the weights, against which one is heavy or light.
    mean: f64,
    slow_start: SlowStart,
}

impl PeakEwma {
    pub(super) fn new(backends: &[Arc<Backend>], slow_start: SlowStart) -> Self {
        let shares = Shares::new(backends);
        Self {
            mean: shares.mean(),
            shares,
            slow_start,
        }
    }

    pub(super) fn choose(&self, backends: &[Arc<Backend>], ask: &Ask<'_>) -> Option<usize> {
        let (first, second) = self.shares.draw_two(backends, ask)?;
        let is_better = |second: &usize| self.is_worse(&backends[first], &backends[*second], ask);
        Some(second.filter(is_better).unwrap_or(first))
    }

    /// Whether an answer of `one` is to be expected later than one of `other`.
    fn is_worse(&self, one: &Backend, other: &Backend, ask: &Ask<'_>) -> bool {
        let latencies = [one, other].map(|backend| expected(backend, ask.now));
        if compare(latencies[0], latencies[1]) == Sooner::Neither {
            let [one, other] = [one, other].map(|backend| Load::of(backend, ask.now, self.slow_start));
            return one.is_above(other);
        }
        let cost = |backend, latency: Option<f64>| latency.unwrap_or(0.0) * self.queue(backend, ask);
        cost(one, latencies[0]) > cost(other, latencies[1])
    }

    /// What a request has to wait through: those before it, as many as count for one of its weight, and itself.
    fn queue(&self, backend: &Backend, ask: &Ask<'_>) -> f64 {
        let share = self.slow_start.share(backend, ask.now) / self.mean;
        f64::from(backend.in_flight()) / share + 1.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::lease::Lease;
    use crate::samples::{ask, backends, dice};
    use crate::tick::Tick;
    use crate::tried::Tried;

    fn answer(backend: &Backend, ms: u64) {
        backend
            .vitals
            .note_answer(Duration::from_millis(ms), Tick::default());
    }

    /// How many of 1,000 go to the first.
    fn of_first(backends: &[Arc<Backend>], now: Tick) -> usize {
        let balance = PeakEwma::new(backends, SlowStart::default());
        let tried = Tried::default();
        let choose = |dice| {
            balance.choose(
                backends,
                &Ask {
                    dice,
                    now,
                    ..ask(&tried)
                },
            )
        };
        dice(1_000).filter(|dice| choose(*dice) == Some(0)).count()
    }

    #[test]
    fn the_slow_one_waits_until_the_quick_one_has_a_longer_queue() {
        let backends = backends(&[1, 1]);
        answer(&backends[0], 100);
        answer(&backends[1], 10);
        let mut leases = Vec::new();
        for _ in 0..9 {
            assert_eq!(of_first(&backends, Tick::default()), 0);
            leases.push(Lease::take(&backends[1], Tick::default()));
        }
        leases.push(Lease::take(&backends[1], Tick::default()));
        assert_eq!(of_first(&backends, Tick::default()), 1_000);
    }

    #[test]
    fn a_peak_is_forgiven_when_it_is_old() {
        let backends = backends(&[1, 1]);
        answer(&backends[0], 1_000);
        assert!(
            of_first(&backends, Tick::default()).abs_diff(500) < 60,
            "nobody knows the other"
        );
        let later = Tick::after_start(Duration::from_secs(60));
        backends[1].vitals.note_answer(Duration::from_millis(3), later);
        assert!(of_first(&backends, later).abs_diff(500) < 60);
        backends[0].vitals.note_answer(Duration::from_secs(1), later);
        assert_eq!(of_first(&backends, later), 0);
    }

    #[test]
    fn to_fail_fast_is_no_merit() {
        let backends = backends(&[1, 1]);
        answer(&backends[0], 1);
        answer(&backends[1], 10);
        assert_eq!(of_first(&backends, Tick::default()), 1_000);
        for _ in 0..4 {
            backends[0].vitals.note_failure_in_a_row();
        }
        assert_eq!(of_first(&backends, Tick::default()), 0);
        backends[0].vitals.note_success();
        assert_eq!(of_first(&backends, Tick::default()), 1_000);
    }

    #[test]
    fn one_that_has_never_answered_gets_no_more_than_the_others_have() {
        let backends = backends(&[1, 1]);
        answer(&backends[1], 10);
        let balance = PeakEwma::new(&backends, SlowStart::default());
        let tried = Tried::default();
        let mut leases = Vec::new();
        for dice in dice(40) {
            let place = balance.choose(&backends, &Ask { dice, ..ask(&tried) }).unwrap();
            leases.push(Lease::take(&backends[place], Tick::default()));
        }
        assert_eq!([backends[0].in_flight(), backends[1].in_flight()], [20, 20]);
    }
}
