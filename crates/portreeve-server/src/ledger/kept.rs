//! The last signed head, kept apart from the file that it proves.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use portreeve_ledger::Head;

/// `ledger.head` in the state folder.
#[derive(Debug)]
pub(super) struct KeptHead {
    path: PathBuf,
}

impl KeptHead {
    pub(super) fn of(state: &Path) -> Self {
        Self {
            path: state.join(FILE),
        }
    }

    /// What was kept. A broken file counts as none; the log says so.
    pub(super) fn read(&self) -> Option<Head> {
        let file = self.path.display();
        match fs::read(&self.path) {
            Ok(bytes) => Head::read(&bytes)
                .inspect_err(|error| {
                    tracing::error!(%file, %error, "the kept head of the ledger is broken: whether records are missing at the ledger's end cannot be seen");
                })
                .ok(),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                tracing::error!(%file, %error, "the kept head of the ledger cannot be read: whether records are missing at the ledger's end cannot be seen");
                None
            }
        }
    }

    /// Keeps the line of a head in the place of the one before.
    pub(super) fn write(&self, line: &[u8]) -> io::Result<()> {
        let fresh = self.path.with_extension("head.new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(line)?;
        file.sync_data()?;
        fs::rename(&fresh, &self.path)
    }
}

const FILE: &str = "ledger.head";
