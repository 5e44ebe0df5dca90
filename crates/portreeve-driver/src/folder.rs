//! The folder where drivers keep what belongs to instances: their output, notes and locks.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::DriverFault;
use crate::system_fault::plain;

/// `instances` in the folder for state: ours alone, mode 0700.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
    mark: String,
}

impl Folder {
    /// Makes it if it is not there, and both if need be.
    pub(crate) fn open(state: &Path) -> Result<Self, DriverFault> {
        let path = state.join("instances");
        made(&path).map_err(|error| refused(&path, &error))
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What tells it from the folders of other proxies, also of those that have another root. The same as long as it is
    /// mounted.
    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }
}

fn made(path: &Path) -> io::Result<Folder> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o700))?;
    let path = fs::canonicalize(path)?;
    let device = fs::metadata(&path)?.dev();
    let mark = format!("{device:x}:{}", path.display());
    Ok(Folder { path, mark })
}

fn refused(path: &Path, error: &io::Error) -> DriverFault {
    let what = format!("the folder {}", path.display());
    let reason = format!(
        "{}; name one that this user may write to, with `state`",
        plain(error)
    );
    match error.kind() {
        io::ErrorKind::PermissionDenied => DriverFault::Denied { what, reason },
        _ => DriverFault::Failed { what, reason },
    }
}

/// A name of a pool or fleet, so that two of them and a dot between are no other two.
pub(crate) fn part(name: &str) -> String {
    name.replace('%', "%25").replace('.', "%2E").replace('/', "%2F")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    #[test]
    fn it_is_made_for_us_alone() {
        let scratch = Scratch::new();
        let folder = Folder::open(&scratch.path().join("deep/state")).unwrap();
        let mode = fs::metadata(folder.path()).unwrap().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(folder.path().ends_with("deep/state/instances"));
        assert_eq!(
            folder.mark(),
            Folder::open(&scratch.path().join("deep/state")).unwrap().mark()
        );
    }

    #[test]
    fn a_file_in_its_place_is_a_fault_that_names_it() {
        let scratch = Scratch::new();
        fs::write(scratch.path().join("instances"), "").unwrap();
        let fault = Folder::open(scratch.path()).unwrap_err();
        assert_eq!(fault.code(), "failed");
        assert!(fault.to_string().contains("/instances"), "{fault}");
    }

    #[test]
    fn names_with_dots_do_not_meet() {
        assert_eq!(
            ["a.b", "c", "a"].map(part).join("."),
            "a%2Eb.c.a",
            "{}",
            part("a.b")
        );
    }
}
