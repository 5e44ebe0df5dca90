//! The ledger's file, and those that it leaves behind.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::LedgerError;
use super::kept::KeptHead;

/// Where the writer puts its lines.
pub(super) trait Disk {
    /// Appends some of `bytes`; says how many.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Returns when all is where a loss of power cannot reach it.
    fn sync(&mut self) -> io::Result<()>;
    /// Keeps the line of a signed head apart.
    fn keep(&mut self, head: &[u8]) -> io::Result<()>;
    /// Sets the file aside, and goes on with a new one that holds `begin`; its first record will be `first`. Says where
    /// the old one is. After an error the old one is still in use.
    fn rotate(&mut self, begin: &[u8], first: u64) -> io::Result<PathBuf>;
    /// Whether our file is no longer the one under its name: somebody removed, moved or replaced it.
    fn is_lost(&self) -> bool;
    /// Goes on with a new file that holds `begin`, under the name that ours has lost; its first record will be `first`.
    /// What lies there by now gets another name; says which. After an error the old file is still in use.
    fn replace(&mut self, begin: &[u8], first: u64) -> io::Result<Option<PathBuf>>;
    /// Bytes of the file.
    fn size(&self) -> u64;
}

/// The real one.
#[derive(Debug)]
pub(super) struct Files {
    path: PathBuf,
    file: File,
    size: u64,
    /// The `n` with which the file begins: what it is called when it is set aside.
    first: u64,
    kept: KeptHead,
}

impl Files {
    /// Opens or makes the file, and locks it.
    pub(super) fn open(path: &Path, kept: KeptHead) -> Result<Self, LedgerError> {
        let failed = |source| LedgerError::File {
            path: path.to_owned(),
            source,
        };
        let file = options().open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(failed(io::Error::other("it is not a regular file")));
        }
        lock(&file, path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            size: metadata.len(),
            first: 0,
            kept,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file, to read from its beginning.
    pub(super) fn reader(&self) -> io::Result<&File> {
        (&self.file).rewind()?;
        Ok(&self.file)
    }

    pub(super) fn begins_with(&mut self, first: u64) {
        self.first = first;
    }

    /// Cuts the file to its first `size` bytes; what was behind them goes into a file of its own.
    pub(super) fn cut(&mut self, size: u64) -> io::Result<PathBuf> {
        let mut tail = self.reader()?;
        tail.seek(io::SeekFrom::Start(size))?;
        let (mut side, path) = self.side_file("torn")?;
        io::copy(&mut tail, &mut side)?;
        side.sync_all()?;
        self.file.set_len(size)?;
        self.file.sync_all()?;
        self.size = size;
        Ok(path)
    }

    /// A new file beside the ledger's.
    fn side_file(&self, word: &str) -> io::Result<(File, PathBuf)> {
        for path in self.beside(word) {
            match options().create_new(true).open(&path) {
                Ok(file) => return Ok((file, path)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(taken())
    }

    /// `ledger-WORD.jsonl`, `ledger-WORD.2.jsonl`, … for `ledger.jsonl`.
    fn beside(&self, word: &str) -> impl Iterator<Item = PathBuf> + use<'_> {
        let word = word.to_owned();
        (1..=NAMES_MAX).map(move |number| {
            let mut name = OsString::from(self.path.file_stem().unwrap_or_default());
            match number {
                1 => name.push(format!("-{word}")),
                _ => name.push(format!("-{word}.{number}")),
            }
            if let Some(extension) = self.path.extension() {
                name.push(".");
                name.push(extension);
            }
            self.path.with_file_name(name)
        })
    }

    /// Gives the file its second name, for when the first one is given to its successor.
    fn set_aside(&self) -> io::Result<PathBuf> {
        for path in self.beside(&self.first.to_string()) {
            match fs::hard_link(&self.path, &path) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    if self.is_at(&path) {
                        return Ok(path); // we were killed between this and the rename
                    }
                }
                // A file system without links: for a moment there is no file under the first name.
                Err(_) if !path.try_exists()? => {
                    fs::rename(&self.path, &path)?;
                    return Ok(path);
                }
                Err(error) => return Err(error),
            }
        }
        Err(taken())
    }

    /// Gives what lies under our name, if anything does, a name of its own: nothing is overwritten.
    fn move_foreign(&self) -> io::Result<Option<PathBuf>> {
        if fs::symlink_metadata(&self.path).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Ok(None);
        }
        for path in self.beside("foreign") {
            if fs::symlink_metadata(&path).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
                fs::rename(&self.path, &path)?;
                return Ok(Some(path));
            }
        }
        Err(taken())
    }

    fn go_on_in(&mut self, file: File, begin: &[u8], first: u64) {
        (self.file, self.size, self.first) = (file, begin.len() as u64, first);
        if let Err(error) = sync_folder(folder(&self.path)) {
            tracing::warn!(file = %self.path.display(), %error, "a loss of power now may undo the ledger's new file");
        }
    }

    fn is_at(&self, path: &Path) -> bool {
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let ours = self.file.metadata().map(identity).ok();
        ours.is_some() && fs::metadata(path).map(identity).ok() == ours
    }

    /// The successor, whole, under another name.
    fn successor(&self, begin: &[u8]) -> io::Result<(File, PathBuf)> {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".new");
        let path = PathBuf::from(name);
        let _ = fs::remove_file(&path); // of a process that was killed before it came into use
        let mut file = options().create_new(true).open(&path)?;
        file.write_all(begin)?;
        file.sync_all()?;
        file.try_lock()?;
        Ok((file, path))
    }
}

impl Disk for Files {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.size += count as u64;
        Ok(count)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn keep(&mut self, head: &[u8]) -> io::Result<()> {
        self.kept.write(head)
    }

    fn rotate(&mut self, begin: &[u8], first: u64) -> io::Result<PathBuf> {
        let (file, successor) = self.successor(begin)?;
        let aside = self.set_aside()?;
        fs::rename(&successor, &self.path)?;
        self.go_on_in(file, begin, first);
        Ok(aside)
    }

    fn is_lost(&self) -> bool {
        !self.is_at(&self.path)
    }

    fn replace(&mut self, begin: &[u8], first: u64) -> io::Result<Option<PathBuf>> {
        let (file, successor) = self.successor(begin)?;
        let foreign = self.move_foreign()?;
        fs::rename(&successor, &self.path)?;
        self.go_on_in(file, begin, first);
        Ok(foreign)
    }

    fn size(&self) -> u64 {
        self.size
    }
}

/// Takes the file for this process alone, as long as it is open.
pub(super) fn lock(file: &File, path: &Path) -> Result<(), LedgerError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(LedgerError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(LedgerError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Returns when names that were given in the folder outlast a loss of power.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Records say who asked for what: others than the owner and the group may not read them.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o640);
    options
}

fn taken() -> io::Error {
    io::Error::new(ErrorKind::AlreadyExists, "all names for it are taken")
}

/// Names that are tried for a file that is set aside.
const NAMES_MAX: u32 = 1000;
