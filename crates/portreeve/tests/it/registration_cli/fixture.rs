//! The real binary as a child process, an app for it to run, and a proxy that says what it is told to.

mod app;
mod proxy;

pub(crate) use app::{App, LONG_ENOUGH};
pub(crate) use portreeve_testkit::Scratch;
pub(crate) use proxy::{Proxy, Said};

pub(crate) use crate::shared::{Outcome, PATIENCE, Program};

use std::time::{Duration, Instant};

/// Looks until it is so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "it never came true that {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
