//! Instances that die, and instances that hang.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::scale_cli::fixture::{Load, Processes, Scaling};

#[test]
fn one_that_is_killed_is_replaced_at_once_and_no_request_fails() {
    let mut scaling = two();
    let before = scaling.processes.pids();
    let load = Load::start(scaling.address, 4, Duration::from_millis(10));

    let begin = Instant::now();
    Processes::signal(*before.first().unwrap(), Signal::KILL);
    let said = scaling.told("ended by itself");
    scaling.told("starting");
    let took = begin.elapsed();

    scaling.await_serving(2);
    load.ends_without_a_failure();
    assert!(took < TWO_PROBES + SPARE, "it took {took:?}");
    assert!(said.contains("SIGKILL"), "{said}");
    let after = scaling.processes.pids();
    assert_eq!(after.intersection(&before).count(), 1, "{before:?} {after:?}");
}

#[test]
fn one_that_hangs_is_replaced_and_no_request_fails() {
    let mut scaling = two();
    let before = scaling.processes.pids();
    let hung = *before.first().unwrap();
    let load = Load::start(scaling.address, 4, Duration::from_millis(10));

    let begin = Instant::now();
    Processes::signal(hung, Signal::STOP);
    scaling.told("starting");
    let took = begin.elapsed();

    scaling.await_serving(2);
    load.ends_without_a_failure();
    assert!(
        took < TWO_PROBES + PROBE_TIMEOUT + REPLACE_AFTER + SPARE,
        "it took {took:?}"
    );
    assert!(!scaling.processes.pids().contains(&hung));
}

/// Two that serve.
fn two() -> Scaling {
    let mut scaling = Scaling::of_one_pool(
        "min = 2\nmax = 4\nreplace_after = \"200ms\"\nstop_timeout = \"500ms\"\ndrain_timeout = \"500ms\"",
    );
    scaling.await_serving(2);
    scaling.told("an instance serves");
    scaling.told("an instance serves");
    scaling
}

const TWO_PROBES: Duration = Duration::from_secs(1);
const REPLACE_AFTER: Duration = Duration::from_millis(200);
/// A probe takes no longer than what lies between two.
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);
/// For a machine that is busy with other tests.
const SPARE: Duration = Duration::from_secs(2);
