//! The real binary with instances that are real processes, clients of it, and what can be seen of it from outside.

#[path = "../shared/address.rs"]
mod address;
mod client;
mod load;
mod processes;
#[path = "../shared/program.rs"]
mod program;
mod scaling;

pub(crate) use client::{Answer, Request};
pub(crate) use load::Load;
pub(crate) use processes::Processes;
pub(crate) use scaling::{
    POOL, Scaling, app, checked, command_line, example_folder, one_pool, with_another_command,
};

use std::time::{Duration, Instant};

/// How long anything may take before the test fails; far more than it ever needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until it is so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "it never came true that {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Looks again and again for that long: it must be so each time.
#[track_caller]
pub(crate) fn throughout(time: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        assert!(is_so(), "it was not so that {what}, after {:?}", begin.elapsed());
        std::thread::sleep(Duration::from_millis(100));
    }
}
