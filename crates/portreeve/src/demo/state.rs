//! A folder for state of the demo's own.

use std::env;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process;

use crate::failure::Failure;

/// An empty folder that only this user can read; removed with the value, and all that is in it.
#[derive(Debug)]
pub(super) struct StateFolder(PathBuf);

impl StateFolder {
    pub(super) fn new() -> Result<Self, Failure> {
        let base = env::temp_dir().join(format!("portreeve-demo-{}", process::id()));
        for number in 0..NAMES_MAX {
            let path = match number {
                0 => base.clone(),
                number => base.with_added_extension(number.to_string()),
            };
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {} // of one that was killed
                Err(error) => return Err(cannot_make(&path, &error)),
            }
        }
        Err(cannot_make(&base, &ErrorKind::AlreadyExists.into()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for StateFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0); // a temporary folder is cleared by others too
    }
}

fn cannot_make(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format_args!("cannot make the folder {}: {error}", path.display()))
}

const NAMES_MAX: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn two_folders_are_two_and_go_with_all_that_is_in_them() {
        let (one, other) = (StateFolder::new().unwrap(), StateFolder::new().unwrap());
        assert_ne!(one.path(), other.path());
        let mode = fs::metadata(one.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);

        let path = one.path().to_owned();
        fs::write(path.join("file"), "x").unwrap();
        drop(one);
        assert!(!path.exists() && other.path().exists());
    }
}
