//! What becomes of the instances when the proxy ends, and when it comes again.

use std::time::Duration;

use rustix::process::Signal;

use crate::scale_cli::fixture::{Load, Scaling, eventually, one_pool, throughout, with_another_command};

#[test]
fn after_a_kill_all_go_on_and_none_is_doubled_and_sigterm_ends_them() {
    let mut scaling = Scaling::of_one_pool("min = 2\nmax = 4\nevery = \"200ms\"");
    scaling.await_serving(2);
    let before = scaling.processes.pids();

    let outcome = scaling.end(Signal::KILL);
    assert_eq!(outcome.code, None);
    assert_eq!(scaling.processes.pids(), before);
    scaling.start_again();

    scaling.await_serving(2);
    assert_eq!(scaling.get("/").status, 200);
    throughout(Duration::from_secs(1), "the same two run", || {
        scaling.processes.pids() == before
    });
    let events = scaling.acts().events;
    assert_eq!(
        (events.get("ordered"), events.get("adopted")),
        (None, Some(&2)),
        "{events:?}"
    );

    let outcome = scaling.end(Signal::TERM);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(scaling.processes.pids().is_empty(), "{outcome:?}");
}

#[test]
fn who_is_kept_at_the_end_serves_the_next_proxy() {
    let mut scaling = Scaling::of_one_pool("min = 2\nmax = 4\non_exit = \"keep\"");
    scaling.await_serving(2);
    let before = scaling.processes.pids();

    let outcome = scaling.end(Signal::TERM);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(scaling.processes.pids(), before);
    scaling.start_again();

    scaling.await_serving(2);
    assert_eq!(scaling.get("/").status, 200);
    assert_eq!(scaling.processes.pids(), before);
}

#[test]
fn those_of_another_command_serve_the_next_proxy_until_others_do() {
    let file = one_pool("min = 2\nmax = 4\nevery = \"200ms\"");
    let mut scaling = Scaling::start(&file);
    scaling.await_serving(2);
    let before = scaling.processes.pids();
    scaling.end(Signal::KILL);

    scaling.write(&with_another_command(&file));
    scaling.start_again();
    let load = Load::start(scaling.address, 2, Duration::from_millis(30));

    eventually("two others run", || {
        let now = scaling.processes.pids();
        now.len() == 2 && now.is_disjoint(&before)
    });
    load.ends_without_a_failure();
    assert_eq!(scaling.end(Signal::TERM).code, Some(0));
    assert!(scaling.processes.pids().is_empty());
}

#[test]
fn a_second_proxy_of_the_same_state_ends_and_leaves_the_instances_alone() {
    let mut scaling = Scaling::of_one_pool("min = 2");
    scaling.await_serving(2);
    let before = scaling.processes.pids();

    let second = scaling.beside();

    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.stderr.contains("state"), "{second:?}");
    assert_eq!(scaling.processes.pids(), before);
    assert_eq!(scaling.end(Signal::TERM).code, Some(0));
}
