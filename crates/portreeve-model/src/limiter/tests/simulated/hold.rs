//! Those who wait for room, first come, first served, as long as pressure allows.

use std::collections::VecDeque;
use std::time::Duration;

use crate::pressure::{Crowd, Pressure};
use crate::tick::Tick;

/// Times are in microseconds.
#[derive(Default)]
pub(super) struct Hold {
    /// With when they came.
    waiting: VecDeque<(usize, u64)>,
    pressure: Pressure,
    unserved: u64,
    next_look: u64,
}

impl Hold {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn push(&mut self, number: usize, now: u64) {
        if self.waiting.is_empty() {
            self.next_look = now;
        }
        self.waiting.push_back((number, now));
    }

    pub(super) fn pop(&mut self) -> Option<(usize, u64)> {
        self.waiting.pop_front()
    }

    /// Whether he was among them.
    pub(super) fn leave(&mut self, number: usize) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|(waiting, _)| *waiting != number);
        let is_gone = self.waiting.len() < before;
        self.unserved += u64::from(is_gone);
        is_gone
    }

    /// The client of one that the backend had left.
    pub(super) fn note_left(&mut self) {
        self.unserved += 1;
    }

    pub(super) fn next_look(&self) -> Option<u64> {
        (!self.waiting.is_empty()).then_some(self.next_look)
    }

    /// How many are refused, where so many wait for backends, and these have answered so many.
    pub(super) fn look(&mut self, at_backends: u64, served: u64, now: u64) -> usize {
        self.next_look = now + EVERY;
        let crowd = Crowd {
            waiting: self.waiting.len() as u64 + at_backends,
            held: self.waiting.len() as u64,
            unserved: self.unserved,
            served,
        };
        let patience =
            match self
                .pressure
                .is_high(Duration::from_micros(TIMEOUT), Tick::of_micros(now), || crowd)
            {
                true => UNDER_PRESSURE,
                false => TIMEOUT,
            };
        let before = self.waiting.len();
        self.waiting.retain(|(_, came)| now < came + patience);
        let refused = before - self.waiting.len();
        self.unserved += refused as u64;
        refused
    }
}

const EVERY: u64 = 10_000;
const UNDER_PRESSURE: u64 = 20_000;
const TIMEOUT: u64 = 30_000_000;
