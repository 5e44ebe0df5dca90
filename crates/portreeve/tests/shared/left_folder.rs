//! A folder that is left there to be looked at.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder of this test's own, empty at first.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(env!("CARGO_CRATE_NAME"))
        .join(name);
    let _ = fs::remove_dir_all(&path); // it may be there from an earlier run
    fs::create_dir_all(&path).unwrap();
    path
}
