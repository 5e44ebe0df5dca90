//! A folder that is left there to be looked at.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder `name` among those `of` a module: a test's own, empty at first.
pub(crate) fn left_folder(of: &str, name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(of).join(name);
    let _ = fs::remove_dir_all(&path); // it may be there from an earlier run
    fs::create_dir_all(&path).unwrap();
    path
}
