//! The files of a ledger, as they are named on the command line.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use portreeve_ledger::LINE_BYTES_MAX;
use serde::Deserialize;

use crate::failure::Failure;

/// A file of a ledger, open at its beginning.
#[derive(Debug)]
pub(super) struct LedgerFile {
    pub(super) name: String,
    pub(super) file: File,
    /// The number of its first record, as it says itself; 0 if it does not.
    first: u64,
}

impl LedgerFile {
    fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let unreadable = |error| Failure::failed(format_args!("{name}: cannot be read: {error}"));
        let mut file = File::open(path).map_err(unreadable)?;
        let line = first_line(&file).map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        let header: Option<Header> = serde_json::from_slice(&line).ok();
        Ok(Self {
            name,
            file,
            first: header.map_or(0, |header| header.first),
        })
    }
}

/// Opens the files and puts them in the order in which they were written: a shell sorts `ledger-1000` before `ledger-2`.
pub(super) fn open(paths: &[PathBuf]) -> Result<Vec<LedgerFile>, Failure> {
    let files: Result<Vec<_>, _> = paths.iter().map(|path| LedgerFile::open(path)).collect();
    let mut files = files?;
    files.sort_by_key(|file| file.first);
    Ok(files)
}

#[derive(Debug, Deserialize)]
struct Header {
    first: u64,
}

fn first_line(file: &File) -> std::io::Result<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(file.take(LINE_BYTES_MAX as u64)).read_until(b'\n', &mut line)?;
    Ok(line)
}
