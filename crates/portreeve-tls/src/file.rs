//! Files that are read again when they change.

use std::fs::{self, File, Metadata};
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::fault::Wrong;

/// A file as it was when it was read last.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    path: PathBuf,
    stamp: Option<Stamp>,
    digest: u64,
    mode: u32,
}

impl Seen {
    /// Reads it.
    pub(crate) fn read(path: &Path) -> (Self, Result<Vec<u8>, Wrong>) {
        let stamp = Stamp::of(path);
        let read = contents(path);
        let seen = Self {
            path: path.to_owned(),
            stamp,
            digest: digest(&read),
            mode: fs::metadata(path).map_or(0, |about| about.mode() & 0o7777),
        };
        (seen, read)
    }

    /// Whether it is another file by now, or has other contents. Looks at its dates, and reads it only if those are
    /// others, or were so young at the time that they might not tell.
    pub(crate) fn has_changed(&mut self) -> bool {
        let stamp = Stamp::of(&self.path);
        if stamp == self.stamp && !self.stamp.is_some_and(Stamp::is_young) {
            return false;
        }
        let digest = digest(&contents(&self.path));
        self.stamp = stamp;
        std::mem::replace(&mut self.digest, digest) != digest
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A digest of its contents, good for comparing with what it was.
    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    /// Its permissions, if others than its owner and group may read it.
    pub(crate) fn open_mode(&self) -> Option<u32> {
        (self.mode & OTHERS_READ != 0).then_some(self.mode)
    }
}

/// What tells a file from the one before it, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    is_young: bool,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let about = fs::metadata(path).ok()?;
        Some(Self {
            device: about.dev(),
            inode: about.ino(),
            bytes: about.size(),
            modified: (about.mtime(), about.mtime_nsec()),
            changed: (about.ctime(), about.ctime_nsec()),
            is_young: is_young(&about),
        })
    }

    fn is_young(self) -> bool {
        self.is_young
    }
}

/// The kernel's dates are as coarse as its ticks: two writes within one look the same.
fn is_young(about: &Metadata) -> bool {
    let age = about
        .modified()
        .map(|modified| SystemTime::now().duration_since(modified));
    age.is_ok_and(|age| age.unwrap_or_default() < TICK)
}

fn contents(path: &Path) -> Result<Vec<u8>, Wrong> {
    let unreadable = |fault: io::Error| Wrong::Unreadable {
        file: path.to_owned(),
        reason: unreadable_since(&fault),
    };
    let mut read = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(BYTES_MAX + 1)
        .read_to_end(&mut read)
        .map_err(unreadable)?;
    if read.len() as u64 > BYTES_MAX {
        return Err(Wrong::TooLarge {
            file: path.to_owned(),
            bytes_max: BYTES_MAX,
        });
    }
    Ok(read)
}

fn unreadable_since(fault: &io::Error) -> String {
    match fault.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "not permitted; whoever Portreeve runs as has to be allowed to read it".to_owned()
        }
        _ => fault.to_string(),
    }
}

fn digest(read: &Result<Vec<u8>, Wrong>) -> u64 {
    let mut hasher = DefaultHasher::new();
    match read {
        Ok(bytes) => hasher.write(bytes),
        Err(wrong) => hasher.write(wrong.to_string().as_bytes()),
    }
    hasher.finish()
}

/// Lists of revoked certificates can be long.
const BYTES_MAX: u64 = 16 * 1024 * 1024;
const OTHERS_READ: u32 = 0o004;
const TICK: Duration = Duration::from_millis(1_500);
