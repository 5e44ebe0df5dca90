//! Least requests: the fewest in flight per weight; those that tie take turns, by weight. A retry takes no turn but
//! goes to any of them: else, with two idle backends, one of them dead, every request would begin at the dead one.

use std::cmp::Ordering;
use std::sync::Arc;

use super::is_tried;
use super::load::Load;
use super::sequence::gcd;
use super::shares::{scale, weight};
use super::slow_start::SlowStart;
use crate::ask::Ask;
use crate::backend::Backend;
use crate::cursor::Cursor;

#[derive(Debug, Clone)]
pub(super) struct LeastRequests {
    /// The greatest common divisor of the weights, so that equal weights take turns one by one.
    divisor: u64,
    slow_start: SlowStart,
}

impl LeastRequests {
    pub(super) fn new(backends: &[Arc<Backend>], slow_start: SlowStart) -> Self {
        let divisor = backends.iter().map(|backend| weight(backend)).fold(0, gcd);
        Self {
            divisor: divisor.max(1),
            slow_start,
        }
    }

    /// Walks over all backends twice: who is least busy and how many tie, then whose turn it is among these. Where
    /// another thread takes a lease between the walks, the first one found serves.
    pub(super) fn choose(&self, backends: &[Arc<Backend>], ask: &Ask<'_>, cursor: &Cursor) -> Option<usize> {
        let mut untried = backends
            .iter()
            .enumerate()
            .filter(|(_, backend)| !is_tried(backend, ask));
        let mut again = untried.clone();
        let (place, first) = untried.next()?;
        let load = |backend: &Backend| Load::of(backend, ask.now, self.slow_start);
        let mut least = Least::only(place, first, load(first));
        untried.for_each(|(place, backend)| least.compare(place, backend, load(backend)));
        let turns = least.tied / self.divisor;
        let mut left = if ask.tried.is_empty() {
            cursor.turn() % turns
        } else {
            scale(ask.dice, turns)
        };
        let mut is_turn =
            |backend: &Backend| !load(backend).is_above(least.load) && self.is_turn(backend, &mut left);
        let turn = again.find(|(_, backend)| is_turn(backend));
        Some(turn.map_or(least.place, |(place, _)| place))
    }

    /// Counts `left` down by the backend's share of turns.
    fn is_turn(&self, backend: &Backend, left: &mut u64) -> bool {
        let rest = left.checked_sub(weight(backend) / self.divisor);
        *left = rest.unwrap_or(0);
        rest.is_none()
    }
}

/// The least busy so far.
struct Least {
    place: usize,
    load: Load,
    /// The weights of all that are as little busy.
    tied: u64,
}

impl Least {
    fn only(place: usize, backend: &Backend, load: Load) -> Self {
        Self {
            place,
            tied: weight(backend),
            load,
        }
    }

    fn compare(&mut self, place: usize, backend: &Backend, load: Load) {
        match load.cmp(self.load) {
            Ordering::Less => *self = Self::only(place, backend, load),
            Ordering::Equal => self.tied += weight(backend),
            Ordering::Greater => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::Lease;
    use crate::samples::{ask, backends, tried};
    use crate::tick::Tick;
    use crate::tried::Tried;

    fn picks(backends: &[Arc<Backend>], tried: &Tried, count: usize) -> Vec<usize> {
        let (balance, cursor) = (
            LeastRequests::new(backends, SlowStart::default()),
            Cursor::default(),
        );
        (0..count)
            .map(|_| balance.choose(backends, &ask(tried), &cursor).unwrap())
            .collect()
    }

    #[test]
    fn the_least_busy_serves() {
        let backends = backends(&[1, 1, 1]);
        let _leases = [
            Lease::take(&backends[0], Tick::default()),
            Lease::take(&backends[2], Tick::default()),
        ];
        assert_eq!(picks(&backends, &Tried::default(), 3), [1, 1, 1]);
    }

    #[test]
    fn idle_backends_take_turns() {
        assert_eq!(
            picks(&backends(&[1, 1, 1]), &Tried::default(), 6),
            [0, 1, 2, 0, 1, 2]
        );
        assert_eq!(picks(&backends(&[7, 7]), &Tried::default(), 4), [0, 1, 0, 1]);
    }

    #[test]
    fn a_busy_neighbour_does_not_double_anybodys_turns() {
        let backends = backends(&[1, 1, 1]);
        let _busy = Lease::take(&backends[1], Tick::default());
        assert_eq!(picks(&backends, &Tried::default(), 6), [0, 2, 0, 2, 0, 2]);
    }

    #[test]
    fn idle_backends_take_turns_by_weight() {
        let picks = picks(&backends(&[4, 2]), &Tried::default(), 300);
        assert_eq!(picks.iter().filter(|place| **place == 1).count(), 100);
    }

    #[test]
    fn held_leases_follow_weights() {
        let backends = backends(&[3, 1]);
        let (balance, cursor) = (
            LeastRequests::new(&backends, SlowStart::default()),
            Cursor::default(),
        );
        let choose = || {
            balance
                .choose(&backends, &ask(&Tried::default()), &cursor)
                .unwrap()
        };
        let _leases: Vec<Lease> = (0..400)
            .map(|_| Lease::take(&backends[choose()], Tick::default()))
            .collect();
        assert_eq!([backends[0].in_flight(), backends[1].in_flight()], [300, 100]);
    }

    #[test]
    fn a_tried_backend_is_passed_over_however_idle() {
        let backends = backends(&[1, 1]);
        let _busy = Lease::take(&backends[1], Tick::default());
        assert_eq!(picks(&backends, &tried([&backends[0]]), 2), [1, 1]);
    }

    #[test]
    fn a_retry_takes_no_turn() {
        let backends = backends(&[1, 1]);
        let (balance, cursor) = (
            LeastRequests::new(&backends, SlowStart::default()),
            Cursor::default(),
        );
        let choose = |tried: Tried| balance.choose(&backends, &ask(&tried), &cursor).unwrap();
        let first = [0; 4].map(|dead| {
            let first = choose(Tried::default());
            assert_eq!(choose(tried([&backends[dead]])), 1);
            first
        });
        assert_eq!(first, [0, 1, 0, 1]);
    }
}
