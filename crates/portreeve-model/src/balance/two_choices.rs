//! Two choices: of two different backends drawn by weight, the one with fewer requests in flight per weight
//! (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001). On a tie the first drawn serves.

use std::sync::Arc;

use super::is_tried;
use super::least_requests::is_busier;
use super::shares::{Shares, draw_among};
use crate::ask::Ask;
use crate::backend::Backend;
use crate::digest::mix;

#[derive(Debug, Clone)]
pub(super) struct TwoChoices(Shares);

impl TwoChoices {
    pub(super) fn new(backends: &[Arc<Backend>]) -> Self {
        Self(Shares::new(backends))
    }

    pub(super) fn choose(&self, backends: &[Arc<Backend>], ask: &Ask<'_>) -> Option<usize> {
        let (first, second) = if ask.tried.is_empty() {
            let first = self.0.draw(ask.dice)?;
            (first, self.0.draw_other(mix(ask.dice), first))
        } else {
            draw_untried(backends, ask)?
        };
        Some(second.map_or(first, |second| less_busy(backends, first, second)))
    }
}

fn draw_untried(backends: &[Arc<Backend>], ask: &Ask<'_>) -> Option<(usize, Option<usize>)> {
    let first = draw_among(backends, ask.dice, |_, backend| !is_tried(backend, ask))?;
    let second = draw_among(backends, mix(ask.dice), |place, backend| {
        place != first && !is_tried(backend, ask)
    });
    Some((first, second))
}

fn less_busy(backends: &[Arc<Backend>], first: usize, second: usize) -> usize {
    if is_busier(&backends[first], &backends[second]) {
        second
    } else {
        first
    }
}
