//! Least requests: the fewest in flight per weight; those that tie take turns, by weight.

use std::cmp::Ordering;
use std::sync::Arc;

use super::is_tried;
use super::sequence::gcd;
use super::shares::weight;
use crate::ask::Ask;
use crate::backend::Backend;
use crate::cursor::Cursor;

#[derive(Debug, Clone)]
pub(super) struct LeastRequests {
    /// The greatest common divisor of the weights, so that equal weights take turns one by one.
    divisor: u64,
}

impl LeastRequests {
    pub(super) fn new(backends: &[Arc<Backend>]) -> Self {
        let divisor = backends.iter().map(|backend| weight(backend)).fold(0, gcd);
        Self {
            divisor: divisor.max(1),
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
        let mut least = Least::only(place, first);
        untried.for_each(|(place, backend)| least.compare(place, backend));
        let mut left = cursor.turn() % (least.tied / self.divisor);
        let turn = again.find(|(_, backend)| {
            least.load.cmp(&Load::of(backend)).is_ge() && self.is_turn(backend, &mut left)
        });
        Some(turn.map_or(least.place, |(place, _)| place))
    }

    /// Counts `left` down by the backend's share of turns.
    fn is_turn(&self, backend: &Backend, left: &mut u64) -> bool {
        let rest = left.checked_sub(weight(backend) / self.divisor);
        *left = rest.unwrap_or(0);
        rest.is_none()
    }
}

/// Whether `one` has more in flight per weight than `other`.
pub(super) fn is_busier(one: &Backend, other: &Backend) -> bool {
    Load::of(one).cmp(&Load::of(other)).is_gt()
}

/// The least busy so far.
struct Least {
    place: usize,
    load: Load,
    /// The weights of all that are as little busy.
    tied: u64,
}

impl Least {
    fn only(place: usize, backend: &Backend) -> Self {
        let load = Load::of(backend);
        Self {
            place,
            tied: load.weight,
            load,
        }
    }

    fn compare(&mut self, place: usize, backend: &Backend) {
        let load = Load::of(backend);
        match load.cmp(&self.load) {
            Ordering::Less => {
                *self = Self {
                    place,
                    tied: load.weight,
                    load,
                }
            }
            Ordering::Equal => self.tied += load.weight,
            Ordering::Greater => {}
        }
    }
}

/// Requests in flight per weight, as a fraction.
#[derive(Clone, Copy)]
struct Load {
    in_flight: u64,
    weight: u64,
}

impl Load {
    fn of(backend: &Backend) -> Self {
        Self {
            in_flight: u64::from(backend.in_flight()),
            weight: weight(backend),
        }
    }

    /// Exact: 32 bits times 16.
    fn cmp(self, other: &Self) -> Ordering {
        (self.in_flight * other.weight).cmp(&(other.in_flight * self.weight))
    }
}
