//! The real binary as a child process, and a peer that plays the proxy's part on a raw socket.

mod peer;
mod start;

pub(crate) use peer::{Closed, Connection, Proxy};
pub(crate) use start::{command, run};

pub(crate) use crate::shared::{Outcome, PATIENCE, Program};

use std::path::PathBuf;

use crate::shared::left_folder;

/// A folder of this test's own, empty at first.
pub(crate) fn folder(name: &str) -> PathBuf {
    left_folder("packets_cli", name)
}
