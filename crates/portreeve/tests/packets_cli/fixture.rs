//! The real binary as a child process, and a peer that plays the proxy's part on a raw socket.

mod peer;
mod program;

pub(crate) use peer::{Closed, Connection, Proxy};
pub(crate) use program::{Outcome, Program, command, run};

use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long anything may take before the test fails; far more than it ever needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A folder of this test's own, empty at first.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("packets_cli")
        .join(name);
    let _ = std::fs::remove_dir_all(&path); // it may be there from an earlier run
    std::fs::create_dir_all(&path).unwrap();
    path
}
