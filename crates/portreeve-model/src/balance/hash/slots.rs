//! Which backend owns which slot: a weighted rendezvous, held once per slot.
//!
//! Drawing every backend's waiting time in every slot would cost slots times backends. But only short times can win.
//! So each backend's times are drawn shortest first, as the arrivals of a Poisson process whose rate is its weight times
//! the number of slots and each of which falls into a random slot; then the first arrival in any one slot waits
//! exponentially with the weight as its rate, just as wanted. Time runs on for all until every slot has an owner,
//! after about `slots * ln(slots)` arrivals of all backends together (the coupon collector), however many they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::extent::Extent;
use super::super::shares::weight;
use crate::backend::Backend;
use crate::digest::{digest, mix};

/// Slots and their owners; none if there is no backend.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    owners: Arc<[u32]>,
    extent: Extent,
}

impl Slots {
    pub(super) fn share_out(backends: &[Arc<Backend>], extent: Extent) -> Self {
        let owners = match backends.len() {
            0 => Vec::new(),
            1 => vec![0; extent.slots()],
            _ => Contest::held_by(backends, extent),
        };
        Self {
            owners: owners.into(),
            extent,
        }
    }

    pub(super) fn owner(&self, key: u64) -> Option<usize> {
        self.owners
            .get(self.extent.slot(key))
            .map(|place| *place as usize)
    }
}

/// The best time so far in each slot, and whose it is.
struct Contest {
    best: Vec<(f64, u32)>,
    vacant: usize,
}

impl Contest {
    fn held_by(backends: &[Arc<Backend>], extent: Extent) -> Vec<u32> {
        let mut contest = Self {
            best: vec![(f64::INFINITY, 0); extent.slots()],
            vacant: extent.slots(),
        };
        let mut processes = processes(backends, extent);
        let rate: f64 = processes.iter().map(|process| process.rate).sum();
        let mut end = 0.0;
        while contest.vacant > 0 {
            end += extent.slots() as f64 / rate;
            processes.iter_mut().for_each(|process| contest.run(process, end));
        }
        contest.best.into_iter().map(|(_, place)| place).collect()
    }

    /// Lets one backend's arrivals happen until `end`.
    fn run(&mut self, process: &mut Process, end: f64) {
        while process.next.time < end {
            let best = &mut self.best[process.next.slot];
            self.vacant -= usize::from(best.0.is_infinite());
            if process.next.time < best.0 {
                *best = (process.next.time, process.place);
            }
            process.advance();
        }
    }
}

/// Backends with one label are told apart by their number among these.
fn processes(backends: &[Arc<Backend>], extent: Extent) -> Vec<Process> {
    let mut twins: BTreeMap<&str, u64> = BTreeMap::new();
    let mut processes = Vec::with_capacity(backends.len());
    for (place, backend) in (0..).zip(backends) {
        let twin = twins.entry(&backend.label).or_default();
        let seed = digest(backend.label.as_bytes()) ^ mix(*twin);
        processes.push(Process::new(place, seed, weight(backend), extent));
        *twin += 1;
    }
    processes
}

/// One backend's arrivals, in the order of time.
struct Process {
    place: u32,
    extent: Extent,
    /// Arrivals per unit of time.
    rate: f64,
    random: u64,
    next: Arrival,
}

#[derive(Default)]
struct Arrival {
    time: f64,
    slot: usize,
}

impl Process {
    fn new(place: u32, seed: u64, weight: u64, extent: Extent) -> Self {
        let rate = weight as f64 * extent.slots() as f64;
        let mut process = Self {
            place,
            extent,
            rate,
            random: seed,
            next: Arrival::default(),
        };
        process.advance();
        process
    }

    /// High bits say where, low bits how much later: `-ln(u) / rate`, `u` above 0 and at most 1.
    fn advance(&mut self) {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let random = mix(self.random);
        let uniform = ((random & LOW_BITS) + 1) as f64 / (LOW_BITS + 1) as f64;
        self.next.time -= uniform.ln() / self.rate;
        self.next.slot = self.extent.slot(random);
    }
}

const LOW_BITS: u64 = (1 << 48) - 1;
