//! What the backend does: so many at once, and a line before them.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};

/// Requests are numbers; times are in microseconds.
#[derive(Clone)]
pub(super) struct Origin {
    slots: usize,
    /// Whether it drops the work of a client that left; else it works on.
    pub(super) notices: bool,
    /// By the end of the work.
    at_work: BinaryHeap<Reverse<(u64, usize)>>,
    /// With how long it takes.
    in_line: VecDeque<(usize, u64)>,
    /// Dropped while they were in line or at work; their ends are no events.
    dropped: BTreeSet<usize>,
    busy: usize,
}

impl Origin {
    pub(super) fn with_slots(slots: usize) -> Self {
        Self {
            slots,
            notices: false,
            at_work: BinaryHeap::new(),
            in_line: VecDeque::new(),
            dropped: BTreeSet::new(),
            busy: 0,
        }
    }

    pub(super) fn begin(&mut self, number: usize, service: u64, now: u64) {
        self.in_line.push_back((number, service));
        self.fill(now);
    }

    /// When the first of those at work is done.
    pub(super) fn next_end(&self) -> Option<u64> {
        self.at_work.peek().map(|Reverse((end, _))| *end)
    }

    /// The first of them is done; which it was, unless it had been dropped.
    pub(super) fn end(&mut self) -> Option<usize> {
        let Reverse((end, number)) = self.at_work.pop()?;
        if self.dropped.remove(&number) {
            return None;
        }
        self.busy -= 1;
        self.fill(end);
        Some(number)
    }

    /// Nobody waits for it any more.
    pub(super) fn forget(&mut self, number: usize, now: u64) {
        if !self.notices {
            return;
        }
        let before = self.in_line.len();
        self.in_line.retain(|(waiting, _)| *waiting != number);
        if self.in_line.len() == before {
            self.dropped.insert(number);
            self.busy -= 1;
            self.fill(now);
        }
    }

    fn fill(&mut self, now: u64) {
        while self.busy < self.slots
            && let Some((number, service)) = self.in_line.pop_front()
        {
            self.busy += 1;
            self.at_work.push(Reverse((now + service, number)));
        }
    }
}
