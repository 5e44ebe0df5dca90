//! The signing key, in a file of the state folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use portreeve_ledger::SigningKey;

use super::LedgerError;
use super::files::{lock, sync_folder};

/// A key, and its file, locked as long as it is open.
#[derive(Debug)]
pub(super) struct HeldKey {
    pub(super) key: SigningKey,
    pub(super) lock: File,
}

impl HeldKey {
    /// The key of the state folder; the folder and the key are made if they are not there.
    pub(super) fn of(state: &Path) -> Result<Self, LedgerError> {
        make_folder(state).map_err(|source| LedgerError::State {
            path: state.to_owned(),
            source,
        })?;
        let path = state.join(FILE);
        let mut file = open_or_make(state, &path).map_err(|source| LedgerError::KeyFile {
            path: path.clone(),
            source,
        })?;
        lock(&file, &path)?;
        Ok(Self {
            key: read(&mut file, &path)?,
            lock: file,
        })
    }
}

fn make_folder(state: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(state)
}

fn open_or_make(state: &Path, path: &Path) -> io::Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(state, path)?;
            File::open(path)
        }
        opened => opened,
    }
}

/// Makes the key under another name first, so that it is there whole or not at all; if two do this at once, one key stays.
fn make(state: &Path, path: &Path) -> io::Result<()> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    let key = SigningKey::from_seed(&seed);
    let unfinished = state.join(format!("{FILE}.{}", std::process::id()));
    let _ = fs::remove_file(&unfinished); // of a process before us with our number
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    let made = file
        .write_all(key.to_text().as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&unfinished, path));
    fs::remove_file(&unfinished)?;
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            tracing::info!(file = %path.display(), key = %key.public(), "made a key for the ledger");
            sync_folder(state)
        }
    }
}

fn read(file: &mut File, path: &Path) -> Result<SigningKey, LedgerError> {
    let io = |source| LedgerError::KeyFile {
        path: path.to_owned(),
        source,
    };
    let mode = file.metadata().map_err(io)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(file = %path.display(), mode = format!("{:o}", mode & 0o777), "others may read the ledger's key; chmod 600 would stop them");
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes).map_err(io)?;
    SigningKey::parse(&String::from_utf8_lossy(&bytes)).map_err(|source| LedgerError::Key {
        path: path.to_owned(),
        source,
    })
}

const FILE: &str = "ledger.key";
/// More than a key's text.
const BYTES_MAX: u64 = 4096;
