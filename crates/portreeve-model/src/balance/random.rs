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
