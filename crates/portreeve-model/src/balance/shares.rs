//! Drawing a backend at random, by weight.

use std::sync::Arc;

use super::is_tried;
use crate::ask::Ask;
use crate::backend::Backend;
use crate::digest::mix;

/// The weights of a pool, laid end to end: backend `i` owns the numbers from the end of `i - 1` up to `ends[i]`.
#[derive(Debug, Clone)]
pub(super) struct Shares {
    ends: Arc<[u64]>,
}

impl Shares {
    pub(super) fn new(backends: &[Arc<Backend>]) -> Self {
        let weights = backends.iter().map(|backend| weight(backend));
        let sum = |total: &mut u64, weight| {
            *total += weight;
            Some(*total)
        };
        Self {
            ends: weights.scan(0, sum).collect(),
        }
    }

    /// Any of all.
    pub(super) fn draw(&self, dice: u64) -> Option<usize> {
        let total = *self.ends.last()?;
        Some(self.owner(scale(dice, total)))
    }

    /// Any but `taken`.
    pub(super) fn draw_other(&self, dice: u64, taken: usize) -> Option<usize> {
        let (start, end) = (self.start(taken), self.ends[taken]);
        let total = *self.ends.last()? - (end - start);
        let number = scale(dice, total);
        let skipped = if number < start {
            number
        } else {
            number + (end - start)
        };
        (total > 0).then(|| self.owner(skipped))
    }

    /// Two different untried ones, if there are two.
    pub(super) fn draw_two(
        &self,
        backends: &[Arc<Backend>],
        ask: &Ask<'_>,
    ) -> Option<(usize, Option<usize>)> {
        if !ask.tried.is_empty() {
            return draw_two_untried(backends, ask);
        }
        let first = self.draw(ask.dice)?;
        Some((first, self.draw_other(mix(ask.dice), first)))
    }

    /// Any untried one.
    pub(super) fn draw_untried(&self, backends: &[Arc<Backend>], ask: &Ask<'_>, dice: u64) -> Option<usize> {
        if ask.tried.is_empty() {
            return self.draw(dice);
        }
        draw_among(backends, dice, |_, backend| !is_tried(backend, ask))
    }

    /// The weight of all, shared out evenly.
    pub(super) fn mean(&self) -> f64 {
        let total = self.ends.last().copied().unwrap_or(0);
        total as f64 / self.ends.len().max(1) as f64
    }

    fn owner(&self, number: u64) -> usize {
        self.ends.partition_point(|end| *end <= number)
    }

    fn start(&self, place: usize) -> u64 {
        place.checked_sub(1).map_or(0, |before| self.ends[before])
    }
}

fn draw_two_untried(backends: &[Arc<Backend>], ask: &Ask<'_>) -> Option<(usize, Option<usize>)> {
    let first = draw_among(backends, ask.dice, |_, backend| !is_tried(backend, ask))?;
    let second = draw_among(backends, mix(ask.dice), |place, backend| {
        place != first && !is_tried(backend, ask)
    });
    Some((first, second))
}

/// Any that `is_open` lets pass, by weight. Walks over all backends: for retries.
pub(super) fn draw_among(
    backends: &[Arc<Backend>],
    dice: u64,
    is_open: impl Fn(usize, &Backend) -> bool,
) -> Option<usize> {
    let open = || {
        backends
            .iter()
            .enumerate()
            .filter(|(place, backend)| is_open(*place, backend))
    };
    let mut left = scale(dice, open().map(|(_, backend)| weight(backend)).sum());
    for (place, backend) in open() {
        match left.checked_sub(weight(backend)) {
            Some(rest) => left = rest,
            None => return Some(place),
        }
    }
    None
}

/// Any of these, by weight. Walks over all of them.
pub(crate) fn draw_of<'a>(
    open: impl Iterator<Item = &'a Arc<Backend>> + Clone,
    dice: u64,
) -> Option<&'a Arc<Backend>> {
    let mut left = scale(dice, open.clone().map(|backend| weight(backend)).sum());
    for backend in open {
        match left.checked_sub(weight(backend)) {
            Some(rest) => left = rest,
            None => return Some(backend),
        }
    }
    None
}

/// A weight of 0 counts as 1.
pub(crate) fn weight(backend: &Backend) -> u64 {
    u64::from(backend.weight).max(1)
}

/// A random number below `bound` (0 for 0), from one over all 64 bits.
pub(crate) fn scale(dice: u64, bound: u64) -> u64 {
    dice.carrying_mul(bound, 0).1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::backends;

    #[test]
    fn the_ends_of_the_dice_reach_the_first_and_the_last() {
        let shares = Shares::new(&backends(&[1, 2, 1]));
        assert_eq!(shares.draw(0), Some(0));
        assert_eq!(shares.draw(u64::MAX), Some(2));
        assert_eq!(shares.draw(u64::MAX / 2), Some(1));
    }

    #[test]
    fn nobody_is_drawn_from_none() {
        assert_eq!(Shares::new(&[]).draw(7), None);
        assert_eq!(Shares::new(&backends(&[4])).draw_other(7, 0), None);
        assert_eq!(draw_among(&[], 7, |_, _| true), None);
    }

    proptest! {
        #[test]
        fn the_walk_draws_as_the_table_does(weights in prop::collection::vec(1_u16..9, 1..9), dice: u64) {
            let backends = backends(&weights);
            let drawn = Shares::new(&backends).draw(dice);
            prop_assert_eq!(draw_among(&backends, dice, |_, _| true), drawn);
        }

        #[test]
        fn the_other_is_drawn_as_if_the_first_were_not_there(
            weights in prop::collection::vec(1_u16..9, 1..9), dice: u64, first: u64,
        ) {
            let backends = backends(&weights);
            let shares = Shares::new(&backends);
            let taken = shares.draw(first).unwrap();
            let other = draw_among(&backends, dice, |place, _| place != taken);
            prop_assert_eq!(shares.draw_other(dice, taken), other);
        }
    }
}
