//! Two choices: of two different backends drawn by weight, the one with fewer requests in flight per weight
//! (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001). On a tie the first drawn serves.

use std::sync::Arc;

use super::load::Load;
use super::shares::Shares;
use super::slow_start::SlowStart;
use crate::ask::Ask;
use crate::backend::Backend;

#[derive(Debug, Clone)]
pub(super) struct TwoChoices {
    shares: Shares,
    slow_start: SlowStart,
}

impl TwoChoices {
    pub(super) fn new(backends: &[Arc<Backend>], slow_start: SlowStart) -> Self {
        Self {
            shares: Shares::new(backends),
            slow_start,
        }
    }

    pub(super) fn choose(&self, backends: &[Arc<Backend>], ask: &Ask<'_>) -> Option<usize> {
        let (first, second) = self.shares.draw_two(backends, ask)?;
        let load = |place: usize| Load::of(&backends[place], ask.now, self.slow_start);
        let better = second.filter(|second| load(first).is_above(load(*second)));
        Some(better.unwrap_or(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::Lease;
    use crate::samples::{backends, dice, tried};
    use crate::tick::Tick;
    use crate::tried::Tried;

    fn choose(backends: &[Arc<Backend>], dice: u64) -> usize {
        TwoChoices::new(backends, SlowStart::default())
            .choose(
                backends,
                &Ask {
                    key: 0,
                    dice,
                    tried: &Tried::default(),
                    now: crate::tick::Tick::default(),
                    sticky: None,
                },
            )
            .unwrap()
    }

    #[test]
    fn of_two_the_less_busy_always_serves() {
        let backends = backends(&[1, 1]);
        let _busy = Lease::take(&backends[0], Tick::default());
        assert!(dice(100).all(|dice| choose(&backends, dice) == 1));
    }

    #[test]
    fn the_busiest_of_all_never_serves() {
        let backends = backends(&[1, 1, 1, 1]);
        let _busy = Lease::take(&backends[2], Tick::default());
        assert!(dice(1000).all(|dice| choose(&backends, dice) != 2));
    }

    #[test]
    fn busy_means_per_weight() {
        let backends = backends(&[4, 1]);
        let _leases = [
            Lease::take(&backends[0], Tick::default()),
            Lease::take(&backends[0], Tick::default()),
            Lease::take(&backends[1], Tick::default()),
        ];
        assert!(dice(100).all(|dice| choose(&backends, dice) == 0));
    }

    #[test]
    fn ties_are_spread_by_weight() {
        let backends = backends(&[3, 1]);
        let light = dice(40_000).filter(|dice| choose(&backends, *dice) == 1).count();
        assert!(light.abs_diff(10_000) < 500, "{light}");
    }

    #[test]
    fn held_leases_spread_almost_evenly() {
        let backends = backends(&[1; 20]);
        let leases: Vec<Lease> = dice(2_000)
            .map(|dice| Lease::take(&backends[choose(&backends, dice)], Tick::default()))
            .collect();
        let most = backends.iter().map(|backend| backend.in_flight()).max().unwrap();
        assert!(
            most <= 104,
            "{most} of {} on one; one choice alone gives about 120",
            leases.len()
        );
    }

    #[test]
    fn a_single_backend_and_a_last_untried_one_serve_alone() {
        assert_eq!(choose(&backends(&[1]), 9), 0);
        let backends = backends(&[1, 1, 1]);
        let tried = tried([&backends[0], &backends[2]]);
        let balance = TwoChoices::new(&backends, SlowStart::default());
        assert!(dice(50).all(|dice| balance.choose(
            &backends,
            &Ask {
                key: 0,
                dice,
                tried: &tried,
                now: crate::tick::Tick::default(),
                sticky: None
            }
        ) == Some(1)));
    }
}
