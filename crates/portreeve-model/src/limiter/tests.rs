//! Backends as they are simulated, in virtual time.

mod leaving;
mod simulated;

use std::time::Duration;

use proptest::prelude::*;

use self::simulated::{Outcome, Simulation, ms, seconds};

/// What the figures are for: 16 requests at a time, 200 ms each, so 80 a second.
fn sixteen_slots(rate: u64) -> Simulation {
    Simulation::slots(16, ms(200)).arriving(rate)
}

fn goodput(outcome: &Outcome, time: Duration) -> f64 {
    outcome.served as f64 / time.as_secs_f64()
}

#[test]
fn at_twice_the_load_goodput_stays_and_latency_too() {
    let mut simulation = sixteen_slots(60);
    simulation.run(seconds(5));
    simulation.set_rate(160);
    let first = simulation.run(seconds(2));
    assert!(
        first.latency(99) < ms(1_100),
        "{:?} while it finds out",
        first.latency(99)
    );
    let outcome = simulation.run(seconds(60));
    let goodput = goodput(&outcome, seconds(60));
    assert!(goodput >= 76.0, "{goodput} of 80 a second");
    let p99 = outcome.latency(99);
    assert!(p99 < ms(400), "{p99:?}, unloaded 200 ms");
}

#[test]
fn without_a_limit_the_same_load_collapses() {
    let outcome = sixteen_slots(160).unlimited().run(seconds(60));
    assert!(outcome.latency(50) > seconds(5));
}

#[test]
fn at_three_quarters_of_capacity_nothing_is_refused() {
    for seed in 0..5 {
        let outcome = sixteen_slots(60).seeded(seed).by_chance().run(seconds(120));
        assert_eq!(outcome.refused, 0, "seed {seed}");
    }
}

#[test]
fn close_to_capacity_hardly_anybody_is_refused() {
    for seed in 0..5 {
        let outcome = sixteen_slots(72).seeded(seed).by_chance().run(seconds(120));
        assert!(
            outcome.refused * 50 < outcome.served,
            "seed {seed}: {} of {}",
            outcome.refused,
            outcome.served
        );
    }
}

#[test]
fn latency_without_queueing_is_accepted_and_refusals_end() {
    let mut simulation = Simulation::delay(ms(200)).arriving(200);
    assert_eq!(simulation.run(seconds(30)).refused, 0);
    simulation.serve_in(ms(800));
    simulation.run(seconds(15));
    let after = simulation.run(seconds(60));
    assert_eq!(after.refused, 0, "of {}", after.served);
    assert!(after.latency(1) >= ms(800));
}

#[test]
fn jumps_of_latency_up_and_down_cost_little() {
    let mut simulation = Simulation::delay(ms(100)).arriving(300);
    let mut refused = 0;
    for round in 0..10 {
        simulation.serve_in(ms(if round % 2 == 0 { 100 } else { 500 }));
        refused += simulation.run(seconds(30)).refused;
    }
    assert!(refused < 300 * 300 / 50, "{refused} of 90,000: more than 2 %");
}

#[test]
fn a_backend_that_got_slower_is_limited_by_what_it_can_do_now() {
    let mut simulation = sixteen_slots(70);
    simulation.run(seconds(30));
    simulation.serve_in(ms(400));
    simulation.run(seconds(10));
    let outcome = simulation.run(seconds(60));
    let goodput = goodput(&outcome, seconds(60));
    assert!(goodput >= 38.0, "{goodput} of 40 a second");
    assert!(outcome.latency(99) < ms(900), "{:?}", outcome.latency(99));
}

#[test]
fn a_limit_that_helps_is_not_taken_for_one_in_vain() {
    for seed in 0..20 {
        let mut simulation = sixteen_slots(40).seeded(seed).by_chance();
        simulation.run(seconds(4));
        simulation.set_rate(160);
        simulation.run(seconds(4));
        for _ in 0..40 {
            simulation.run(ms(500));
            assert!(simulation.backend().limit().is_some(), "seed {seed}");
        }
    }
}

#[test]
fn after_the_rush_there_is_no_limit() {
    let mut simulation = sixteen_slots(160);
    simulation.run(seconds(20));
    assert!(simulation.backend().limit().is_some());
    simulation.set_rate(50);
    simulation.run(seconds(30));
    assert_eq!(simulation.backend().limit(), None);
}

#[test]
fn a_fast_backend_at_twice_the_load_keeps_its_goodput() {
    let outcome = Simulation::slots(16, ms(4)).arriving(8_000).run(seconds(20));
    let goodput = goodput(&outcome, seconds(20));
    assert!(goodput >= 3_800.0, "{goodput} of 4,000 a second");
    assert!(outcome.latency(90) < ms(40), "{:?}", outcome.latency(90));
}

#[test]
fn service_times_that_vary_do_not_starve_it() {
    for seed in 0..5 {
        let mut simulation = sixteen_slots(160).seeded(seed).by_chance().varying();
        let outcome = simulation.run(seconds(60));
        let goodput = goodput(&outcome, seconds(60));
        assert!(goodput >= 74.0, "seed {seed}: {goodput} of 80 a second");
    }
}

#[test]
fn tunnels_do_not_count_against_the_limit() {
    let mut simulation = sixteen_slots(160).with_tunnels(300);
    let outcome = simulation.run(seconds(60));
    let goodput = goodput(&outcome, seconds(60));
    assert!(goodput >= 74.0, "{goodput} of 80 a second");
}

#[test]
fn a_limit_is_never_below_sixteen() {
    let mut simulation = Simulation::slots(1, ms(100)).arriving(40);
    for _ in 0..60 {
        simulation.run(seconds(1));
        assert!(simulation.backend().limit().is_none_or(|limit| limit >= 16));
    }
    assert!(simulation.backend().limit().is_some());
}

#[test]
fn what_was_given_out_comes_back() {
    let mut simulation = sixteen_slots(160);
    simulation.run(seconds(10));
    simulation.set_rate(0);
    simulation.run(seconds(10));
    assert_eq!(simulation.backend().in_flight(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_happens_a_calm_time_leaves_no_limit_and_no_count(
        slots in 1..64_usize,
        seed in any::<u64>(),
        weather in prop::collection::vec((1..400_u64, 1..1_000_u64, 1..8_u64), 1..8),
        (leave, within, notices) in (0..100_u64, 1..3_000_u64, any::<bool>()),
    ) {
        let mut simulation = Simulation::slots(slots, ms(1)).seeded(seed).by_chance().varying();
        simulation = simulation.fickle(leave, ms(within)).noticing(notices);
        for (rate, service, length) in weather {
            simulation.serve_in(ms(service));
            simulation.set_rate(rate);
            for _ in 0..length * 4 {
                simulation.run(ms(250));
                prop_assert!(simulation.backend().limit().is_none_or(|limit| limit >= 16));
            }
        }
        simulation.serve_in(ms(5));
        simulation.set_rate(20);
        simulation.drain();
        simulation.run(seconds(60));
        prop_assert_eq!(simulation.backend().limit(), None);
        simulation.set_rate(0);
        simulation.run(seconds(5));
        prop_assert_eq!(simulation.backend().in_flight(), 0);
        prop_assert_eq!(simulation.backend().vitals.waiting(), 0);
    }
}
