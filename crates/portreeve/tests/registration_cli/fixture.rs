//! The real binary as a child process, an app for it to run, and a proxy that says what it is told to.

#[path = "../shared/address.rs"]
mod address;
mod app;
#[path = "../shared/program.rs"]
mod program;
mod proxy;
mod start;

pub(crate) use app::{App, LONG_ENOUGH};
pub(crate) use portreeve_testkit::Scratch;
pub(crate) use program::{Outcome, Program};
pub(crate) use proxy::{Proxy, Said};

use std::time::{Duration, Instant};

/// How long anything may take before the test fails; far more than it ever needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Looks until it is so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "it never came true that {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
