//! The folder for what must survive a restart.
//!
//! Registrations, the key of the admin listener, and the ledger's key and last head live there. Whoever keeps one of them
//! makes the folder; the check here does not. A path that is there and cannot serve as the folder is refused at the
//! start, before anything else is opened.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Checks that `path` is absent, or a folder that we may write to.
pub(crate) fn check(path: &Path) -> Result<(), StateFolderError> {
    match usable(path) {
        Ok(()) => Ok(()),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StateFolderError {
            path: path.to_owned(),
            source,
        }),
    }
}

fn usable(path: &Path) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok(access(
        path,
        Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK,
    )?)
}

/// The folder for state cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the state folder {}: {source}; name a folder that this user may write to, with --state DIR or `state`", path.display())]
pub struct StateFolderError {
    /// The folder.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub source: io::Error,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::DirBuilderExt;

    #[test]
    fn an_absent_folder_is_fine_and_is_not_created() {
        let path = std::env::temp_dir().join(format!("portreeve-absent-{}", std::process::id()));
        check(&path).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_file_is_not_a_folder() {
        let error = check(Path::new("/etc/passwd")).unwrap_err().to_string();
        assert!(
            error.contains("/etc/passwd") && error.contains("--state"),
            "{error}"
        );
    }

    #[test]
    fn a_path_through_a_file_is_refused() {
        check(Path::new("/etc/passwd/state")).unwrap_err();
    }

    #[test]
    fn a_folder_is_refused_exactly_to_those_who_may_not_write_to_it() {
        let path = std::env::temp_dir().join(format!("portreeve-locked-{}", std::process::id()));
        fs::DirBuilder::new().mode(0o500).create(&path).unwrap();

        let outcome = check(&path);
        fs::remove_dir(&path).unwrap();

        assert_eq!(
            outcome.is_ok(),
            rustix::process::geteuid().is_root(),
            "{outcome:?}"
        );
    }
}
