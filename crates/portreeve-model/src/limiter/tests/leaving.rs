//! Clients that leave before their answer: what they say, and what they must not say.

use std::time::Duration;

use super::simulated::{Simulation, ms, seconds};
use super::{goodput, sixteen_slots};

/// Half of what can be served for five seconds, then so much; clients leave after a second.
fn overloaded(rate: u64, seed: u64, notices: bool) -> Simulation {
    let mut simulation = sixteen_slots(40)
        .leaving_after(seconds(1))
        .noticing(notices)
        .seeded(seed)
        .by_chance();
    let calm = simulation.run(seconds(5));
    assert_eq!((calm.refused, calm.left), (0, 0));
    simulation.set_rate(rate);
    simulation
}

/// Whether the backend drops the work of those who left, and some seeds.
fn cases() -> impl Iterator<Item = (bool, u64)> {
    [false, true]
        .into_iter()
        .flat_map(|notices| (0..SEEDS).map(move |seed| (notices, seed)))
}

#[test]
fn at_twice_the_load_from_clients_who_leave_after_a_second_goodput_stays_from_the_first_moment() {
    let mut all = 0.0;
    for (notices, seed) in cases() {
        let outcome = overloaded(160, seed, notices).run(seconds(4));
        let goodput = goodput(&outcome, seconds(4));
        assert!(goodput >= 68.0, "{goodput} of 80, seed {seed}, notices {notices}");
        all += goodput / CASES;
    }
    assert!(all >= 72.0, "{all} of 80 in the mean");
}

#[test]
fn at_twice_the_load_from_clients_who_leave_after_a_second_goodput_stays_for_good() {
    for (notices, seed) in cases() {
        let mut simulation = overloaded(160, seed, notices);
        simulation.run(seconds(4));
        let outcome = simulation.run(seconds(30));
        let goodput = goodput(&outcome, seconds(30));
        assert!(goodput >= 76.0, "{goodput} of 80, seed {seed}, notices {notices}");
        let p99 = outcome.latency(99);
        assert!(
            p99 < ms(400),
            "{p99:?}, unloaded 200 ms, seed {seed}, notices {notices}"
        );
    }
}

/// Four of these backends; who finds no room is held, as in the proxy.
fn four_overloaded(patience: Duration, seed: u64, notices: bool) -> Simulation {
    let mut simulation = sixteen_slots(40)
        .times(4)
        .holding()
        .leaving_after(patience)
        .noticing(notices)
        .seeded(seed)
        .by_chance();
    simulation.run(seconds(4));
    simulation.set_rate(640);
    simulation
}

#[test]
fn four_backends_with_a_hold_before_them_keep_their_goodput_too() {
    for patience in [seconds(1), seconds(5)] {
        let mut onset = 0.0;
        for (notices, seed) in cases() {
            let mut simulation = four_overloaded(patience, seed, notices);
            onset += goodput(&simulation.run(seconds(4)), seconds(4)) / CASES;
            let outcome = simulation.run(seconds(16));
            let goodput = goodput(&outcome, seconds(16));
            assert!(
                goodput >= 304.0,
                "{goodput} of 320, seed {seed}, notices {notices}"
            );
            let p99 = outcome.latency(99);
            assert!(p99 < ms(420), "{p99:?}, unloaded 200 ms, seed {seed}");
        }
        assert!(onset >= 290.0, "{onset} of 320 in the mean at the onset");
    }
}

#[test]
fn clients_who_ask_again_after_their_answer_are_held_and_never_refused() {
    for clients in [100, 300] {
        let mut simulation = sixteen_slots(0).holding().circling(clients);
        let outcome = simulation.run(seconds(60));
        assert_eq!(outcome.refused, 0, "{clients} clients");
        assert!(simulation.backend().limit().is_some(), "{clients} clients");
    }
}

#[test]
fn clients_who_come_one_after_the_other_and_ask_again_are_never_refused() {
    // As a load test fills up: h2load, wrk, or a browser farm, on a machine that is busy.
    for (service, clients, rate) in [(20, 256, 64), (20, 256, 256), (100, 120, 30), (5, 1_000, 200)] {
        for seed in 0..SEEDS {
            let mut simulation = Simulation::slots(16, ms(service))
                .holding()
                .seeded(seed)
                .varying()
                .joining(clients, rate);
            let outcome = simulation.run(seconds(30));
            assert_eq!(
                outcome.refused, 0,
                "{clients} clients, {rate} more in a second, {service} ms, seed {seed}"
            );
        }
    }
}

#[test]
fn clients_who_wait_long_and_ask_again_are_soon_refused_no_more() {
    for (clients, rate) in [(300, 75), (600, 100), (1_000, 400)] {
        let mut simulation = sixteen_slots(0).holding().joining(clients, rate);
        simulation.run(seconds(30));
        let outcome = simulation.run(seconds(60));
        assert_eq!(outcome.refused, 0, "{clients} clients, {rate} more in a second");
        assert!(outcome.served > 75 * 60, "{} served", outcome.served);
    }
}

#[test]
fn without_a_limit_a_backend_that_works_on_serves_nobody_then() {
    let mut simulation = overloaded(160, 1, false).unlimited();
    simulation.run(seconds(4));
    let outcome = simulation.run(seconds(30));
    assert!(outcome.served < 80, "{} in 30 s", outcome.served);
}

#[test]
fn who_is_overloaded_from_the_start_by_clients_who_leave_recovers() {
    for (notices, seed) in cases() {
        let mut simulation = sixteen_slots(160)
            .leaving_after(seconds(1))
            .noticing(notices)
            .seeded(seed)
            .by_chance();
        let outcome = simulation.run(seconds(30));
        let goodput = goodput(&outcome, seconds(30));
        assert!(goodput >= 72.0, "{goodput} of 80, seed {seed}, notices {notices}");
    }
}

#[test]
fn patience_that_is_shorter_than_what_is_slow_shows_the_overload_too() {
    for (notices, seed) in cases() {
        let mut simulation = sixteen_slots(40)
            .leaving_after(ms(300))
            .noticing(notices)
            .seeded(seed)
            .by_chance();
        simulation.run(seconds(5));
        simulation.set_rate(160);
        simulation.run(seconds(20));
        let outcome = simulation.run(seconds(30));
        let goodput = goodput(&outcome, seconds(30));
        assert!(goodput >= 30.0, "{goodput} of 80, seed {seed}, notices {notices}");
    }
}

#[test]
fn clients_who_leave_at_random_are_no_overload() {
    for (percent, within) in [
        (30, ms(200)),
        (50, ms(200)),
        (90, ms(200)),
        (30, seconds(1)),
        (100, ms(400)),
    ] {
        for (notices, seed) in cases() {
            let mut simulation = sixteen_slots(40)
                .fickle(percent, within)
                .noticing(notices)
                .seeded(seed)
                .by_chance()
                .varying();
            let outcome = simulation.run(seconds(120));
            assert!(outcome.left > 0);
            assert_eq!(outcome.refused, 0, "{percent} % within {within:?}, seed {seed}");
            assert_eq!(simulation.backend().limit(), None);
        }
    }
}

#[test]
fn requests_that_are_slow_by_nature_and_given_up_are_no_overload() {
    for (percent, patience) in [
        (5, seconds(5)),
        (30, seconds(5)),
        (95, seconds(5)),
        (98, seconds(20)),
        (100, seconds(5)),
    ] {
        for rate in [5, 20, 100, 400] {
            let mut simulation = Simulation::delay(ms(50))
                .with_slow(percent, seconds(60))
                .leaving_after(patience)
                .arriving(rate)
                .by_chance()
                .varying();
            let outcome = simulation.run(seconds(100));
            assert!(outcome.left > 0);
            assert_eq!(
                outcome.refused, 0,
                "{percent} % of {rate} a second, {} left",
                outcome.left
            );
        }
    }
}

#[test]
fn a_backend_that_stands_still_for_two_seconds_is_soon_open_again() {
    for seed in 0..8 {
        let mut simulation = sixteen_slots(40)
            .leaving_after(seconds(1))
            .seeded(seed)
            .by_chance();
        simulation.run(seconds(10));
        simulation.serve_in(seconds(2));
        simulation.run(ms(200));
        simulation.serve_in(ms(200));
        simulation.run(seconds(4));
        let outcome = simulation.run(seconds(30));
        assert_eq!(outcome.refused, 0, "seed {seed}");
        assert_eq!(simulation.backend().limit(), None);
    }
}

#[test]
fn a_backend_that_became_slow_for_all_and_not_for_their_number_is_not_limited_for_long() {
    let mut simulation = Simulation::delay(ms(200)).arriving(200).leaving_after(seconds(1));
    simulation.run(seconds(10));
    simulation.serve_in(ms(900));
    simulation.run(seconds(30));
    let outcome = simulation.run(seconds(30));
    assert_eq!((outcome.refused, outcome.left), (0, 0));
}

const SEEDS: u64 = 5;
const CASES: f64 = 2.0 * 5.0;
