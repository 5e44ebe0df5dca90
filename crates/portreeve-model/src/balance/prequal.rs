//! Prequal: of some backends drawn by weight, the quickest of those that are not hot (Wydrowski, Kleinberg, Rumble and
//! Archer, "Load is not what you should balance: Introducing Prequal", NSDI 2024).
//!
//! Hot is who has more requests in flight than 84 of 100 backends that were looked at lately (their 2^-0.25). A backend
//! that is not hot is better than a hot one; of those the lower latency is better, and of hot ones the fewer requests in
//! flight. What they send probes for is known here for our own requests at every moment; for those of others a backend
//! may say it ([`Report`](crate::Report): in a heartbeat, the answer to a probe or a response), and the larger number
//! counts.
//!
//! The 84th percentile is not kept by remembering samples, but as one number that each sample moves a little (Ma,
//! Muthukrishnan and Sandler, "Frugal Streaming for Estimating Quantiles", 2013).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::latency::{Sooner, compare, expected};
use super::shares::Shares;
use super::slow_start::SlowStart;
use crate::ask::Ask;
use crate::backend::Backend;
use crate::digest::mix;
use crate::padded::Padded;

#[derive(Debug, Clone)]
pub(super) struct Prequal {
    shares: Shares,
    mean: f64,
    slow_start: SlowStart,
    hot: Arc<Padded<Percentile>>,
}

impl Prequal {
    pub(super) fn new(backends: &[Arc<Backend>], slow_start: SlowStart) -> Self {
        let shares = Shares::new(backends);
        Self {
            mean: shares.mean(),
            shares,
            slow_start,
            hot: Arc::default(),
        }
    }

    /// Two different ones, if there are two, and three that may be any.
    pub(super) fn choose(&self, backends: &[Arc<Backend>], ask: &Ask<'_>) -> Option<usize> {
        let (first, second) = self.shares.draw_two(backends, ask)?;
        let mut best = self.look(backends, first, ask);
        if ask.dice.is_multiple_of(NOTED_EACH) {
            self.hot.note(best.in_flight);
        }
        let hot = self.hot.get();
        let mut dice = !ask.dice;
        let more = std::iter::from_fn(|| {
            dice = mix(dice);
            self.shares.draw_untried(backends, ask, dice)
        });
        for place in second.into_iter().chain(more.take(MORE_DRAWN)) {
            let other = self.look(backends, place, ask);
            if best.is_worse(&other, hot) {
                best = other;
            }
        }
        Some(best.place)
    }

    fn look(&self, backends: &[Arc<Backend>], place: usize, ask: &Ask<'_>) -> Sample {
        let backend = &backends[place];
        let said = backend.reported(ask.now).and_then(|report| report.in_flight);
        let in_flight = backend.in_flight().max(said.unwrap_or(0));
        Sample {
            place,
            in_flight: f64::from(in_flight) * self.mean / self.slow_start.share(backend, ask.now),
            latency: expected(backend, ask.now),
        }
    }
}

/// What is known of a backend that was drawn.
struct Sample {
    place: usize,
    /// As many as count for one of middle weight.
    in_flight: f64,
    latency: Option<f64>,
}

impl Sample {
    fn is_worse(&self, other: &Self, hot: f64) -> bool {
        match (self.in_flight > hot, other.in_flight > hot) {
            (false, false) => match compare(self.latency, other.latency) {
                Sooner::One => false,
                Sooner::Other => true,
                Sooner::Neither => self.in_flight > other.in_flight,
            },
            (true, true) => self.in_flight > other.in_flight,
            (is_hot, _) => is_hot,
        }
    }
}

/// About the number below which [`SHARE`] of all samples are. Threads race; what is lost is a sample.
#[derive(Debug, Default)]
struct Percentile(AtomicU32);

impl Percentile {
    /// Above this a backend is hot; never one with a single request.
    fn get(&self) -> f64 {
        self.exactly().ceil().max(1.0)
    }

    fn exactly(&self) -> f64 {
        f64::from(f32::from_bits(self.0.load(Relaxed)))
    }

    fn note(&self, sample: f64) {
        let before = self.exactly();
        let step = (before / 16.0).max(0.25);
        let after = if sample > before {
            before + step * SHARE
        } else if sample < before {
            before - step * (1.0 - SHARE)
        } else {
            before
        };
        self.0.store(narrow(after).to_bits(), Relaxed);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "what is lost is precision")]
fn narrow(number: f64) -> f32 {
    number.clamp(0.0, f64::from(u32::MAX)) as f32
}

/// With two or three in all, it happens too often that all are hot but one that is slow.
const MORE_DRAWN: usize = 3;
/// Of how many requests one moves the percentile: it is shared by all threads.
const NOTED_EACH: u64 = 4;
const SHARE: f64 = 0.84;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::Lease;
    use crate::report::Report;
    use crate::samples::{ask, backends, dice};
    use crate::tick::Tick;
    use crate::tried::Tried;

    fn sample(in_flight: f64, ms: f64) -> Sample {
        Sample {
            place: 0,
            in_flight,
            latency: Some(ms * 1_000.0),
        }
    }

    #[test]
    fn the_percentile_follows_what_is_seen() {
        let percentile = Percentile::default();
        assert!((percentile.get() - 1.0).abs() < 1e-9);
        for dice in dice(20_000) {
            percentile.note((dice % 100) as f64);
        }
        assert!((74.0..94.0).contains(&percentile.get()), "{percentile:?}");
        for dice in dice(20_000) {
            percentile.note((dice % 10) as f64);
        }
        assert!((6.0..10.5).contains(&percentile.get()), "{percentile:?}");
    }

    #[test]
    fn of_those_who_are_not_hot_the_quickest_is_best_and_of_the_hot_the_least_busy() {
        let (quick, slow) = (sample(5.0, 1.0), sample(1.0, 100.0));
        assert!(slow.is_worse(&quick, 6.0) && !quick.is_worse(&slow, 6.0));
        assert!(quick.is_worse(&slow, 4.0) && !slow.is_worse(&quick, 4.0));
        assert!(quick.is_worse(&slow, 0.5) && !slow.is_worse(&quick, 0.5));
        assert!(
            !quick.is_worse(&sample(5.0, 1.0), 6.0),
            "the first drawn of equals"
        );
    }

    #[test]
    fn what_others_have_under_way_there_counts_too() {
        let backends = backends(&[1, 1]);
        let prequal = Prequal::new(&backends, SlowStart::default());
        let _own = Lease::take(&backends[1], Tick::default());
        backends[0].report(
            Report {
                load: None,
                in_flight: Some(40),
            },
            Tick::default(),
        );
        let tried = Tried::default();
        let choose = |dice| prequal.choose(&backends, &Ask { dice, ..ask(&tried) });
        assert!(dice(100).all(|dice| choose(dice) == Some(1)));
    }
}
