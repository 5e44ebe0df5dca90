//! One backend with slots and a queue, or none, and clients who come whether it is slow or not.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Backend;
use crate::digest::mix;
use crate::lease::Lease;
use crate::plan::InFlightPlan;
use crate::samples;
use crate::tick::Tick;

pub(super) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) struct Simulation {
    backend: Arc<Backend>,
    /// When each slot is free; none: everybody is served at once.
    slots: Option<BinaryHeap<Reverse<u64>>>,
    service: Duration,
    varies: bool,
    rate: u64,
    by_chance: bool,
    dice: u64,
    next_arrival: u64,
    now: u64,
    /// End, start and number of those in flight.
    ends: BinaryHeap<Reverse<(u64, u64, usize)>>,
    leases: Vec<Option<Lease>>,
    tunnels: Vec<Lease>,
}

/// What came of those that arrived.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) served: usize,
    pub(super) refused: usize,
    latencies: Vec<u64>,
}

impl Outcome {
    /// Of the served; at that percentile.
    pub(super) fn latency(&self, percent: usize) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        Duration::from_micros(sorted[(sorted.len() - 1) * percent / 100])
    }
}

impl Simulation {
    /// So many at a time, the others in a queue without end.
    pub(super) fn slots(slots: usize, service: Duration) -> Self {
        Self {
            slots: Some(std::iter::repeat_n(Reverse(0), slots).collect()),
            ..Self::delay(service)
        }
    }

    /// All at once.
    pub(super) fn delay(service: Duration) -> Self {
        let backend = samples::backend("simulated", 1);
        backend.set_limit(InFlightPlan::Adaptive);
        Self {
            backend,
            slots: None,
            service,
            varies: false,
            rate: 0,
            by_chance: false,
            dice: 1,
            next_arrival: 1,
            now: 1,
            ends: BinaryHeap::new(),
            leases: Vec::new(),
            tunnels: Vec::new(),
        }
    }

    pub(super) fn arriving(mut self, rate: u64) -> Self {
        self.rate = rate;
        self
    }

    pub(super) fn unlimited(self) -> Self {
        self.backend.set_limit(InFlightPlan::Unlimited);
        self
    }

    pub(super) fn seeded(mut self, seed: u64) -> Self {
        self.dice = mix(seed);
        self
    }

    /// Arrivals as a Poisson process.
    pub(super) fn by_chance(mut self) -> Self {
        self.by_chance = true;
        self
    }

    /// Service times between nothing and twice the mean.
    pub(super) fn varying(mut self) -> Self {
        self.varies = true;
        self
    }

    /// Answered, and in flight for good.
    pub(super) fn with_tunnels(mut self, tunnels: usize) -> Self {
        for _ in 0..tunnels {
            let mut lease = Lease::take(&self.backend, self.tick());
            lease.note_answer(self.service, self.tick());
            self.tunnels.push(lease);
        }
        self
    }

    pub(super) fn backend(&self) -> &Backend {
        &self.backend
    }

    pub(super) fn serve_in(&mut self, service: Duration) {
        self.service = service;
    }

    pub(super) fn set_rate(&mut self, rate: u64) {
        self.rate = rate;
        self.next_arrival = self.now + self.gap();
    }

    /// Until nobody waits that came before.
    pub(super) fn drain(&mut self) {
        while !self.ends.is_empty() {
            self.now = self.ends.peek().map_or(self.now, |Reverse((end, ..))| *end);
            self.end(&mut Outcome::default());
        }
        self.set_rate(self.rate);
    }

    pub(super) fn run(&mut self, time: Duration) -> Outcome {
        let until = self.now + Tick::after_start(time).micros();
        let mut outcome = Outcome::default();
        loop {
            let end = self.ends.peek().map_or(u64::MAX, |Reverse((end, ..))| *end);
            self.now = end.min(self.next_arrival).min(until);
            if self.now == until {
                return outcome;
            } else if end <= self.next_arrival {
                self.end(&mut outcome);
            } else {
                self.arrive(&mut outcome);
            }
        }
    }

    fn arrive(&mut self, outcome: &mut Outcome) {
        self.next_arrival = self.now + self.gap();
        match Lease::try_take(&self.backend, self.tick()) {
            Ok(lease) => self.start(lease),
            Err(_) => outcome.refused += 1,
        }
    }

    fn start(&mut self, lease: Lease) {
        let service = self.service_time();
        let mut end = self.now + service;
        if let Some(slots) = &mut self.slots {
            let Reverse(free) = slots.pop().expect("there is a slot");
            end = free.max(self.now) + service;
            slots.push(Reverse(end));
        }
        self.leases.push(Some(lease));
        self.ends.push(Reverse((end, self.now, self.leases.len() - 1)));
    }

    fn end(&mut self, outcome: &mut Outcome) {
        let Some(Reverse((end, start, number))) = self.ends.pop() else {
            return;
        };
        let latency = end - start;
        let now = self.tick();
        let mut lease = self.leases[number].take().expect("it ends once");
        lease.note_answer(Duration::from_micros(latency), now);
        self.backend.note_success(now);
        outcome.served += 1;
        outcome.latencies.push(latency);
    }

    fn tick(&self) -> Tick {
        Tick::of_micros(self.now)
    }

    fn gap(&mut self) -> u64 {
        if self.rate == 0 {
            return u64::MAX / 2;
        }
        let mean = 1_000_000 / self.rate;
        match self.by_chance {
            true => scaled(mean, -self.chance().ln()),
            false => mean,
        }
    }

    fn service_time(&mut self) -> u64 {
        let mean = Tick::after_start(self.service).micros();
        match self.varies {
            true => scaled(mean, self.chance() * 2.0) + 1,
            false => mean,
        }
    }

    /// Above 0, at most 1.
    fn chance(&mut self) -> f64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        ((mix(self.dice) >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }
}

fn scaled(mean: u64, times: f64) -> u64 {
    let mean = Duration::from_micros(mean);
    Tick::after_start(mean.mul_f64(times)).micros()
}
