//! Balancing over virtual time: requests come at random moments, backends answer after random times.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use crate::ask::Ask;
use crate::digest::mix;
use crate::lease::Lease;
use crate::plan::BalancePlan;
use crate::pool::Pool;
use crate::samples::pool;
use crate::tick::Tick;
use crate::tried::Tried;

/// A pool whose backends take each its mean time, exponentially distributed, however many requests they have.
struct World {
    pool: Arc<Pool>,
    means_us: Vec<f64>,
    now: Tick,
    dice: u64,
    ends: BinaryHeap<Reverse<(Tick, Tick, usize)>>,
    leases: Vec<Option<Lease>>,
    given: Vec<u64>,
    latencies: Vec<Duration>,
}

impl World {
    fn new(balance: BalancePlan, means_ms: &[f64], weights: &[u16]) -> Self {
        Self {
            pool: pool(balance, weights),
            means_us: means_ms.iter().map(|ms| ms * 1_000.0).collect(),
            now: Tick::default(),
            dice: 1,
            ends: BinaryHeap::new(),
            leases: Vec::new(),
            given: vec![0; weights.len()],
            latencies: Vec::new(),
        }
    }

    /// Lets so many requests come, so many a second.
    fn run(mut self, requests: usize, per_second: f64) -> Self {
        for _ in 0..requests {
            let pause = self.exponential(1e6 / per_second);
            let next = self.now.plus(pause);
            self.end_until(next);
            self.now = next;
            self.begin();
        }
        self.end_until(Tick::of_micros(u64::MAX));
        assert!(self.pool.backends.iter().all(|backend| backend.in_flight() == 0));
        self
    }

    fn begin(&mut self) {
        let tried = Tried::default();
        let ask = Ask {
            key: 0,
            dice: self.roll(),
            tried: &tried,
            now: self.now,
            sticky: None,
        };
        let lease = self.pool.everyone().pick(&ask).unwrap();
        let id = lease.backend().id;
        let place = self.pool.backends.iter().position(|one| one.id == id).unwrap();
        self.given[place] += 1;
        let takes = self.exponential(self.means_us[place]);
        self.latencies.push(takes);
        let end = self.now.plus(takes);
        self.ends.push(Reverse((end, self.now, self.leases.len())));
        self.leases.push(Some(lease));
    }

    fn end_until(&mut self, until: Tick) {
        while let Some(Reverse((end, begun, number))) = self
            .ends
            .peek()
            .copied()
            .filter(|Reverse(first)| first.0 <= until)
        {
            self.ends.pop();
            let mut lease = self.leases[number].take().unwrap();
            lease.note_answer(end.since(begun), end);
        }
    }

    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.dice)
    }

    fn exponential(&mut self, mean_us: f64) -> Duration {
        let throw = (self.roll() >> 11) as f64 / (1_u64 << 53) as f64;
        Duration::from_secs_f64(-(1.0 - throw).ln() * mean_us / 1e6)
    }

    /// What each got of what it should have got by weight.
    fn shares(&self) -> Vec<f64> {
        let weights: Vec<f64> = self
            .pool
            .backends
            .iter()
            .map(|backend| backend.weight.into())
            .collect();
        let (all, total) = (self.given.iter().sum::<u64>() as f64, weights.iter().sum::<f64>());
        let share = |(given, weight): (&u64, &f64)| *given as f64 / all / (weight / total);
        self.given.iter().zip(&weights).map(share).collect()
    }

    fn p99(mut self) -> Duration {
        self.latencies.sort_unstable();
        self.latencies[self.latencies.len() * 99 / 100]
    }
}

fn of_load_and_latency() -> [BalancePlan; 5] {
    [
        BalancePlan::LeastRequests,
        BalancePlan::TwoChoices,
        BalancePlan::PeakEwma,
        BalancePlan::Prequal,
        BalancePlan::ReportedLoad,
    ]
}

#[test]
fn equal_backends_get_the_same_within_five_percent() {
    for balance in of_load_and_latency() {
        for per_second in [200.0, 5_000.0] {
            let world = World::new(balance.clone(), &[5.0; 4], &[1; 4]).run(40_000, per_second);
            let shares = world.shares();
            assert!(
                shares.iter().all(|share| (0.95..1.05).contains(share)),
                "{balance:?} at {per_second}: {shares:?}"
            );
        }
    }
}

#[test]
fn one_that_is_ten_times_slower_gets_little_where_latency_counts() {
    let means = [5.0, 5.0, 50.0, 5.0];
    let p99 = |balance, per_second| World::new(balance, &means, &[1; 4]).run(20_000, per_second).p99();
    for per_second in [400.0, 4_000.0] {
        let in_turn = p99(BalancePlan::RoundRobin, per_second);
        for balance in [BalancePlan::PeakEwma, BalancePlan::Prequal] {
            let world = World::new(balance.clone(), &means, &[1; 4]).run(20_000, per_second);
            let shares = world.shares();
            assert!(shares[2] < 0.1, "{balance:?} at {per_second}: {shares:?}");
            let p99 = world.p99();
            assert!(
                p99 * 3 <= in_turn,
                "{balance:?} at {per_second}: {p99:?} of {in_turn:?}"
            );
        }
    }
}

#[test]
fn weights_are_heeded_within_a_tenth_where_nobody_is_slow() {
    for balance in of_load_and_latency() {
        let world = World::new(balance.clone(), &[5.0; 4], &[1, 1, 2, 4]).run(40_000, 5_000.0);
        let shares = world.shares();
        assert!(
            shares.iter().all(|share| (0.9..1.1).contains(share)),
            "{balance:?}: {shares:?}"
        );
    }
}
