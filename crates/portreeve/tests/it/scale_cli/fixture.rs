//! The real binary with instances that are real processes, clients of it, and what can be seen of it from outside.

mod client;
mod load;
mod processes;
mod scaling;

pub(crate) use client::{Answer, Request};
pub(crate) use load::Load;
pub(crate) use processes::Processes;
pub(crate) use scaling::{
    POOL, Scaling, app, checked, command_line, example_folder, one_pool, with_another_command,
};

pub(crate) use crate::shared::PATIENCE;

use std::time::{Duration, Instant};

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
