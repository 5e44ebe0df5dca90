//! The real binary as a child process, a backend to stand behind it, and just enough HTTP to talk to them.

#[path = "../shared/address.rs"]
mod address;
mod backend;
mod http;
#[path = "../shared/program.rs"]
mod program;
mod start;

pub(crate) use backend::Backend;
pub(crate) use http::Connection;
pub(crate) use portreeve_testkit::Scratch;
pub(crate) use program::{Outcome, Program};
pub(crate) use start::run;

use std::time::Duration;

/// How long anything may take before the test fails; far more than it ever needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
