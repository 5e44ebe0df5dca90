//! The real binary as a child process, and a peer that plays the proxy's part on a raw socket.

#[path = "../shared/left_folder.rs"]
mod left_folder;
mod peer;
#[path = "../shared/program.rs"]
mod program;
mod start;

pub(crate) use left_folder::folder;
pub(crate) use peer::{Closed, Connection, Proxy};
pub(crate) use program::{Outcome, Program};
pub(crate) use start::{command, run};

use std::time::Duration;

/// How long anything may take before the test fails; far more than it ever needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
