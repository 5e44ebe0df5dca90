//! Round robin: each in turn, by weight, smoothly.
//!
//! One shared counter numbers the picks of all threads, and pick `n` goes to place `n mod length` of a sequence that
//! is worked out beforehand. So counts are exact whatever the threads do: two equal backends get 1,2,1,2, and at any
//! moment equal backends differ by at most 1. A retry takes a turn like any other pick; if it falls on a tried
//! backend, the next untried in the sequence serves.

use std::sync::Arc;

use super::is_tried;
use super::sequence::Sequence;
use crate::ask::Ask;
use crate::backend::Backend;
use crate::cursor::Cursor;

#[derive(Debug, Clone)]
pub(super) struct RoundRobin(Sequence);

impl RoundRobin {
    pub(super) fn new(backends: &[Arc<Backend>]) -> Self {
        let weights: Vec<u16> = backends.iter().map(|backend| backend.weight).collect();
        Self(Sequence::smooth(&weights))
    }

    pub(super) fn choose(&self, backends: &[Arc<Backend>], ask: &Ask<'_>, cursor: &Cursor) -> Option<usize> {
        let turn = cursor.turn();
        let place = self.0.at(turn)?;
        if ask.tried.is_empty() || !is_tried(&backends[place], ask) {
            return Some(place);
        }
        self.next_untried(backends, ask, turn)
    }

    pub(super) fn is_weight_rounded(&self) -> bool {
        self.0.is_rounded()
    }

    fn next_untried(&self, backends: &[Arc<Backend>], ask: &Ask<'_>, turn: u64) -> Option<usize> {
        let later = (1..self.0.len()).filter_map(|step| self.0.at(turn.wrapping_add(step)));
        later.into_iter().find(|place| !is_tried(&backends[*place], ask))
    }
}
