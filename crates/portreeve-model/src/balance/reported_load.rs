//! Reported load: two choices in which a backend counts for less the more load it reports.
//!
//! A report is old by the time it counts, so going to the least loaded each time would send everybody there until it
//! says otherwise, and then elsewhere. Here a weight is divided by the square root of the load: two backends that say 0.2
//! and 0.8 get two thirds and one third, and as shares follow loads less than loads follow shares, the two settle. What
//! is in flight is known at once, and the fewer of two per share decide. Loads below 0.05 count as 0.05, so nobody
//! gets more than 4.5 times another's share by what it says; who says nothing counts as half loaded.

use std::sync::Arc;

use super::load::Load;
use super::shares::{Shares, scale};
use super::slow_start::SlowStart;
use crate::ask::Ask;
use crate::backend::Backend;
use crate::digest::mix;

#[derive(Debug, Clone)]
pub(super) struct ReportedLoad {
    shares: Shares,
    slow_start: SlowStart,
}

impl ReportedLoad {
    pub(super) fn new(backends: &[Arc<Backend>], slow_start: SlowStart) -> Self {
        Self {
            shares: Shares::new(backends),
            slow_start,
        }
    }

    pub(super) fn choose(&self, backends: &[Arc<Backend>], ask: &Ask<'_>) -> Option<usize> {
        let mut dice = ask.dice;
        let first = self.draw(backends, ask, &mut dice)?;
        let second = self.draw(backends, ask, &mut dice)?;
        let load = |place: usize| self.load(&backends[place], ask);
        let is_second = load(first).is_above(load(second));
        Some(if is_second { second } else { first })
    }

    /// Anybody, by weight and by the load it reports.
    fn draw(&self, backends: &[Arc<Backend>], ask: &Ask<'_>, dice: &mut u64) -> Option<usize> {
        let mut place = self.shares.draw_untried(backends, ask, *dice)?;
        for _ in 1..DRAWS_MAX {
            *dice = mix(*dice);
            let throw = (scale(*dice, PARTS) as f64) / PARTS as f64;
            if throw < share(&backends[place], ask) {
                break;
            }
            *dice = mix(*dice);
            place = self.shares.draw_untried(backends, ask, *dice)?;
        }
        *dice = mix(*dice);
        Some(place)
    }

    fn load(&self, backend: &Backend, ask: &Ask<'_>) -> Load {
        let weight = self.slow_start.share(backend, ask.now);
        Load::new(f64::from(backend.in_flight()), weight * share(backend, ask))
    }
}

/// How much of its weight counts: all of it if it is not loaded, less than a quarter if it can take no more.
fn share(backend: &Backend, ask: &Ask<'_>) -> f64 {
    let said = backend.reported(ask.now).and_then(|report| report.load);
    let load = said.map_or(UNSAID, f64::from).clamp(LEAST, 1.0);
    (LEAST / load).sqrt()
}

const UNSAID: f64 = 0.5;
const LEAST: f64 = 0.05;
/// The last one drawn serves whatever it reports.
const DRAWS_MAX: u32 = 8;
const PARTS: u64 = 1 << 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;
    use crate::samples::{ask, backends, dice, tried};
    use crate::tick::Tick;
    use crate::tried::Tried;

    /// How many of 12,000 each gets who reports that load, where each request ends before the next begins.
    fn counts(loads: &[Option<f32>], weights: &[u16]) -> Vec<usize> {
        let backends = backends(weights);
        for (backend, load) in backends.iter().zip(loads) {
            backend.report(
                Report {
                    load: *load,
                    in_flight: None,
                },
                Tick::default(),
            );
        }
        let balance = ReportedLoad::new(&backends, SlowStart::default());
        let tried = Tried::default();
        let mut counts = vec![0; loads.len()];
        for dice in dice(12_000) {
            counts[balance.choose(&backends, &Ask { dice, ..ask(&tried) }).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn who_reports_four_times_the_load_gets_half_as_much() {
        let counts = counts(&[Some(0.2), Some(0.8)], &[1, 1]);
        assert!(counts[0].abs_diff(8_000) < 200, "{counts:?}");
    }

    #[test]
    fn a_liar_gets_no_more_than_a_bounded_share() {
        let counts = counts(&[Some(0.0), Some(1.0)], &[1, 1]);
        let times = counts[0] as f64 / counts[1] as f64;
        assert!((4.0..5.0).contains(&times), "{times}");
    }

    #[test]
    fn where_nobody_reports_weights_alone_count() {
        let counts = counts(&[None, None], &[2, 1]);
        assert!(counts[0].abs_diff(8_000) < 200, "{counts:?}");
    }

    #[test]
    fn the_last_untried_one_serves_however_loaded_it_is() {
        let backends = backends(&[1, 1]);
        let report = Report {
            load: Some(1.0),
            in_flight: None,
        };
        backends[1].report(report, Tick::default());
        let balance = ReportedLoad::new(&backends, SlowStart::default());
        let tried = tried([&backends[0]]);
        let choose = |dice| balance.choose(&backends, &Ask { dice, ..ask(&tried) });
        assert!(dice(50).all(|dice| choose(dice) == Some(1)));
    }
}
