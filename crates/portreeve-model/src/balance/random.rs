//! Random: any, by weight, with the caller's dice.

use std::sync::Arc;

use super::is_tried;
use super::shares::{Shares, draw_among};
use crate::ask::Ask;
use crate::backend::Backend;

#[derive(Debug, Clone)]
pub(super) struct Random(Shares);

impl Random {
    pub(super) fn new(backends: &[Arc<Backend>]) -> Self {
        Self(Shares::new(backends))
    }

    pub(super) fn choose(&self, backends: &[Arc<Backend>], ask: &Ask<'_>) -> Option<usize> {
        if ask.tried.is_empty() {
            return self.0.draw(ask.dice);
        }
        draw_among(backends, ask.dice, |_, backend| !is_tried(backend, ask))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{backends, dice, tried};
    use crate::tried::Tried;

    fn counts(backends: &[Arc<Backend>], tried: &Tried) -> Vec<u32> {
        let random = Random::new(backends);
        let mut counts = vec![0; backends.len()];
        for dice in dice(60_000) {
            counts[random
                .choose(
                    backends,
                    &Ask {
                        key: 0,
                        dice,
                        tried,
                        now: crate::tick::Tick::default(),
                        sticky: None,
                    },
                )
                .unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn shares_follow_weights() {
        let counts = counts(&backends(&[3, 2, 1]), &Tried::default());
        let wanted = [30_000, 20_000, 10_000];
        assert!(
            counts
                .iter()
                .zip(wanted)
                .all(|(count, wanted)| count.abs_diff(wanted) < 600),
            "{counts:?}"
        );
    }

    #[test]
    fn those_left_share_by_weight_what_a_tried_one_cannot_have() {
        let backends = backends(&[3, 2, 1]);
        let counts = counts(&backends, &tried([&backends[0]]));
        assert_eq!(counts[0], 0);
        assert!(counts[1].abs_diff(40_000) < 600, "{counts:?}");
    }
}
