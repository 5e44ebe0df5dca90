//! Where access records go.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use portreeve_config::AccessLogTo;

/// A place that can be opened, and opened again.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Stdout,
    File(PathBuf),
}

impl Place {
    /// `None` if no records are wanted.
    pub(super) fn wanted(to: &AccessLogTo) -> Option<Self> {
        match to {
            AccessLogTo::Off => None,
            AccessLogTo::Stdout => Some(Self::Stdout),
            AccessLogTo::File(path) => Some(Self::File(path.clone())),
        }
    }

    /// Opens it without a buffer of its own. Records hold addresses of people, so others than the owner and the group
    /// may not read a new file.
    pub(super) fn open(&self) -> io::Result<File> {
        match self {
            Self::Stdout => io::stdout().as_fd().try_clone_to_owned().map(File::from),
            Self::File(path) => OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o640)
                .open(path),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("stdout"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
