//! Loads that waver: requests come by chance, and take their time by chance.

use super::*;
use crate::digest::mix;

/// Requests that come independently of each other (Poisson), each of which takes a time that is spread exponentially: looked
/// at once a second.
struct Requests {
    dice: u64,
    per_second: f64,
    mean_seconds: f64,
    in_flight: u64,
    total: u64,
}

impl Requests {
    fn new(seed: u64, in_flight: f64, mean_seconds: f64) -> Self {
        Self {
            dice: mix(seed),
            per_second: in_flight / mean_seconds,
            mean_seconds,
            in_flight: 0,
            total: 0,
        }
    }

    fn second(&mut self) {
        let stays = (-1.0 / self.mean_seconds).exp();
        let old = (0..self.in_flight).filter(|_| self.throw() < stays).count();
        let came = self.poisson(self.per_second);
        let share = (1.0 - stays) * self.mean_seconds;
        let new = (0..came).filter(|_| self.throw() < share).count();
        self.in_flight = (old + new) as u64;
        self.total += came;
    }

    /// Knuth's way, for means of at most 30 at a time.
    fn poisson(&mut self, mean: f64) -> u64 {
        let (mut left, mut count) = (mean, 0);
        while left > 0.0 {
            let end = (-left.min(30.0)).exp();
            let mut product = self.throw();
            while product > end {
                count += 1;
                product *= self.throw();
            }
            left -= 30.0;
        }
        count
    }

    fn throw(&mut self) -> f64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (mix(self.dice) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl World {
    fn wavering_period(&mut self, requests: &mut Requests) -> Decision {
        for second in 1..=10 {
            requests.second();
            self.seen.in_flight = requests.in_flight;
            self.seen.requests_total = requests.total;
            self.pass(seconds(1));
            if second < 10 {
                self.scaler.sample(&self.seen, self.now);
            }
        }
        self.decide()
    }
}

/// The sizes of a day, six hours after its beginning, without repetitions.
fn sizes_of_a_day(rule: RulePlan, mut requests: Requests) -> Vec<u32> {
    let mut world = World::new(plan(1, 20, vec![rule]));
    let sizes = (0..30 * 360).map(|_| world.wavering_period(&mut requests).size);
    let mut sizes: Vec<u32> = sizes.skip(6 * 360).collect();
    sizes.dedup();
    sizes
}

#[test]
fn a_day_of_a_load_that_only_wavers_changes_nothing() {
    for (seed, load) in (1..).zip([4.0, 12.0, 18.0, 20.0, 34.0]) {
        let sizes = sizes_of_a_day(in_flight(20), Requests::new(seed, load, 0.2));
        let [size] = sizes[..] else {
            panic!("{load}: {sizes:?}")
        };
        let needed = load / 20.0;
        assert!(
            (needed / 1.1..needed + 1.5).contains(&f64::from(size)),
            "{load}: {size}"
        );
    }
}

/// Where the mean of ten seconds is beyond the tolerance once in many hours.
#[test]
fn a_load_that_is_rarely_too_much_lets_it_grow_once_and_for_all() {
    for (seed, load) in (1..).zip([16.0, 16.5, 17.0, 17.5, 19.0]) {
        let sizes = sizes_of_a_day(in_flight(20), Requests::new(seed, load, 0.2));
        assert!(
            sizes == [1] || sizes == [2] || sizes == [1, 2],
            "{load}: {sizes:?}"
        );
    }
}

#[test]
fn a_day_of_requests_that_come_by_chance_changes_nothing() {
    let rule = RulePlan::Requests {
        per_backend: 120,
        within: seconds(60),
    };
    for (seed, per_second) in (1..).zip([0.5, 1.0, 1.5, 2.0, 2.5]) {
        let sizes = sizes_of_a_day(rule.clone(), Requests::new(seed, per_second * 0.2, 0.2));
        assert!(sizes.len() == 1, "{per_second}: {sizes:?}");
    }
}

#[test]
fn a_wavering_load_that_steps_is_followed_without_a_reversal() {
    for seed in 0..20 {
        let mut world = World::new(plan(1, 20, vec![in_flight(20)]));
        let mut requests = Requests::new(seed, 12.0, 0.2);
        (0..60).for_each(|_| drop(world.wavering_period(&mut requests)));
        for _ in 0..3 {
            requests.per_second *= 10.0;
            let ups: Vec<_> = (0..60)
                .map(|_| world.wavering_period(&mut requests).size)
                .collect();
            assert!(ups.is_sorted() && ups[1] >= 6, "{seed}: {ups:?}");
            requests.per_second /= 10.0;
            let downs: Vec<_> = (0..60)
                .map(|_| world.wavering_period(&mut requests).size)
                .collect();
            assert!(
                downs.iter().rev().is_sorted() && downs[30] == 1,
                "{seed}: {downs:?}"
            );
        }
    }
}
