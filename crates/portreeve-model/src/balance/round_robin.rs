//! Round robin: each in turn, by weight, smoothly.
//!
//! One shared counter numbers the picks of all threads, and pick `n` goes to place `n mod length` of a sequence that
//! is worked out beforehand. So counts are exact whatever the threads do: two equal backends get 1,2,1,2, and at any
//! moment equal backends differ by at most 1.
//!
//! A retry takes no turn; it goes to any untried backend, by weight. If it took one, then with two backends, one of
//! them dead, every request would begin at the dead one; if it went to the next in the sequence, the neighbour of a
//! dead backend would carry its share alone.

use std::sync::Arc;

use super::extent::Extent;
use super::is_tried;
use super::sequence::Sequence;
use super::shares::draw_among;
use crate::ask::Ask;
use crate::backend::Backend;
use crate::cursor::Cursor;

#[derive(Debug, Clone)]
pub(super) struct RoundRobin {
    sequence: Sequence,
    /// Added to the number of a turn.
    offset: u64,
}

impl RoundRobin {
    pub(super) fn new(backends: &[Arc<Backend>], extent: Extent) -> Self {
        let weights: Vec<u16> = backends.iter().map(|backend| backend.weight).collect();
        Self {
            sequence: Sequence::smooth(&weights, extent.turns_max(weights.len())),
            offset: 0,
        }
    }

    /// Goes on, with turn number `turn`, at the backend whose turn it would have been in `before`; if that is gone, at
    /// the one after it.
    pub(super) fn go_on(
        &mut self,
        backends: &[Arc<Backend>],
        before: &Self,
        backends_before: &[Arc<Backend>],
        turn: u64,
    ) {
        let expected = |step| {
            before
                .at(turn + step)
                .and_then(|place| backends_before.get(place))
        };
        let place_of = |gone: &Arc<Backend>| {
            let is_it = |one: &Arc<Backend>| one.id == gone.id || one.label == gone.label;
            backends.iter().position(is_it)
        };
        let next = (0..STEPS_MAX).map_while(expected).find_map(place_of);
        self.offset = next.map_or(before.offset, |next| self.sequence.distance(turn, next));
    }

    fn at(&self, turn: u64) -> Option<usize> {
        self.sequence.at(turn.wrapping_add(self.offset))
    }

    pub(super) fn choose(&self, backends: &[Arc<Backend>], ask: &Ask<'_>, cursor: &Cursor) -> Option<usize> {
        if ask.tried.is_empty() {
            return self.at(cursor.turn());
        }
        draw_among(backends, ask.dice, |_, backend| !is_tried(backend, ask))
    }

    pub(super) fn is_weight_rounded(&self) -> bool {
        self.sequence.is_rounded()
    }
}

/// How far the turns of the past are followed to find one who is still there.
const STEPS_MAX: u64 = 64;

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;
    use crate::plan::BalancePlan;
    use crate::pool::Pool;
    use crate::samples::{ask, backends, dice, pool, tried};
    use crate::tried::Tried;

    fn picks(weights: &[u16], count: usize) -> Vec<usize> {
        let backends = backends(weights);
        let (balance, cursor) = (RoundRobin::new(&backends, Extent::Fixed), Cursor::default());
        let tried = Tried::default();
        (0..count)
            .map(|_| balance.choose(&backends, &ask(&tried), &cursor).unwrap())
            .collect()
    }

    #[test]
    fn two_backends_serve_one_two_one_two() {
        assert_eq!(picks(&[1, 1], 6), [0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn weights_are_spread_and_not_bunched() {
        assert_eq!(picks(&[3, 1], 8), [0, 0, 1, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn a_retry_takes_no_turn_so_a_dead_backend_is_first_no_more_often_than_its_share() {
        let backends = backends(&[1, 1]);
        let (balance, cursor) = (RoundRobin::new(&backends, Extent::Fixed), Cursor::default());
        let mut first = Vec::new();
        for _ in 0..6 {
            first.push(
                balance
                    .choose(&backends, &ask(&Tried::default()), &cursor)
                    .unwrap(),
            );
            let retry = balance.choose(&backends, &ask(&tried([&backends[0]])), &cursor);
            assert_eq!(retry, Some(1));
        }
        assert_eq!(first, [0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn retries_spread_over_all_others_by_weight() {
        let backends = backends(&[1000, 3, 1]);
        let (balance, cursor) = (RoundRobin::new(&backends, Extent::Fixed), Cursor::default());
        let tried = tried([&backends[0]]);
        let retry = |dice| {
            balance
                .choose(
                    &backends,
                    &Ask {
                        key: 0,
                        dice,
                        tried: &tried,
                        now: crate::tick::Tick::default(),
                        sticky: None,
                    },
                    &cursor,
                )
                .unwrap()
        };
        let light = dice(4_000).filter(|dice| retry(*dice) == 2).count();
        assert!(light.abs_diff(1_000) < 100, "{light}");
        assert!(dice(4_000).all(|dice| retry(dice) != 0));
    }

    /// What four threads that begin together count on each backend.
    #[expect(clippy::disallowed_methods, reason = "the claim is about several threads")]
    fn counts_over_threads(pool: &Pool, picks_each: u32) -> Vec<u64> {
        let start = Barrier::new(4);
        let pick_many = || {
            start.wait();
            (0..picks_each).for_each(|_| drop(pool.everyone().pick(&ask(&Tried::default()))));
        };
        std::thread::scope(|threads| (0..4).for_each(|_| drop(threads.spawn(pick_many))));
        pool.backends
            .iter()
            .map(|backend| backend.vitals.requests_total())
            .collect()
    }

    #[test]
    fn counts_stay_within_one_of_each_other_over_several_threads() {
        let pool = pool(BalancePlan::RoundRobin, &[1, 1, 1]);
        let counts = counts_over_threads(&pool, 100_001);
        assert_eq!(counts.iter().sum::<u64>(), 400_004);
        assert!(
            counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1,
            "{counts:?}"
        );
        assert!(pool.backends.iter().all(|backend| backend.in_flight() == 0));
    }

    #[test]
    fn weighted_counts_are_exact_over_several_threads() {
        let pool = pool(BalancePlan::RoundRobin, &[5, 2, 1]);
        assert_eq!(counts_over_threads(&pool, 80_000), [200_000, 80_000, 40_000]);
    }
}
