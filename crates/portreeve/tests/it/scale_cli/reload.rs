//! Files that change while their instances run.

use std::time::Duration;

use crate::scale_cli::fixture::{Load, POOL, Scaling, eventually, one_pool, with_another_command};

#[test]
fn another_command_replaces_all_and_no_request_fails_and_without_the_section_none_are_left() {
    let first = one_pool("min = 2\nmax = 4\nevery = \"200ms\"");
    let mut scaling = Scaling::start(&first);
    scaling.await_serving(2);
    let before = scaling.processes.pids();
    let load = Load::start(scaling.address, 2, Duration::from_millis(30));

    scaling.reload(&with_another_command(&first));

    eventually("two others run", || {
        let now = scaling.processes.pids();
        now.len() == 2 && now.is_disjoint(&before)
    });
    load.ends_without_a_failure();
    assert_eq!(scaling.get("/").status, 200);

    scaling.reload(&format!("{POOL}register = true\n"));

    scaling.processes.await_count(0);
    eventually("no fleet is told of", || scaling.fleets().is_empty());
    assert_each_line_was_passed_on_once(&scaling.log());
    assert_eq!(scaling.get("/").status, 503);
}

#[test]
fn other_sizes_are_followed_without_a_new_start_of_who_is_there() {
    let first = one_pool("min = 1\nmax = 4\nevery = \"200ms\"\ndown = { stabilisation = \"0s\" }");
    let mut scaling = Scaling::start(&first);
    scaling.await_serving(1);
    let before = scaling.processes.pids();

    scaling.reload(&first.replace("min = 1", "min = 3"));

    scaling.await_serving(3);
    assert!(before.is_subset(&scaling.processes.pids()));
}

/// Of instances that say nothing twice.
fn assert_each_line_was_passed_on_once(log: &str) {
    let lines = log.lines().filter_map(|line| line.split_once(" wrote "));
    let mut lines: Vec<&str> = lines.map(|(_, line)| line).collect();
    assert!(lines.len() >= 4, "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("\\u{0}")), "{lines:?}");
    lines.sort_unstable();
    assert!(lines.windows(2).all(|two| two[0] != two[1]), "{lines:?}");
}
