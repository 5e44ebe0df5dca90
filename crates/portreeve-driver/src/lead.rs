//! Who scales: a lock on a file, which the kernel gives back when its holder dies.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::folder::{Folder, part};
use crate::system_fault::{limit, plain};
use crate::{DriverFault, Leadership};

/// The lock of one fleet. Its file says who holds it, and is never removed: whoever removed it could remove another's.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    held: Option<File>,
}

impl Lock {
    pub(crate) fn of(folder: &Folder, pool: &str, fleet: &str) -> Self {
        Self {
            path: folder.join(&format!("{}.{}.lock", part(pool), part(fleet))),
            held: None,
        }
    }

    /// Asks for it, or makes sure that it is still ours. Does not wait.
    pub(crate) fn lead(&mut self, owner: &str) -> Result<Leadership, DriverFault> {
        if self.held.as_ref().is_some_and(|file| is_at(file, &self.path)) {
            return Ok(Leadership::Ours);
        }
        self.held = None;
        self.ask(owner).map_err(|error| self.fault(&error))
    }

    pub(crate) fn resign(&mut self) {
        self.held = None;
    }

    fn ask(&mut self, owner: &str) -> io::Result<Leadership> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(Leadership::Theirs(holder(&file)?)),
            Err(error) => return Err(error.into()),
        }
        if !is_at(&file, &self.path) {
            return Ok(Leadership::Theirs("whoever replaced the lock".to_owned()));
        }
        file.set_len(0)?;
        file.write_all(owner.as_bytes())?;
        self.held = Some(file);
        Ok(Leadership::Ours)
    }

    fn fault(&self, error: &io::Error) -> DriverFault {
        limit(error).unwrap_or_else(|| DriverFault::Failed {
            what: format!("locking {}", self.path.display()),
            reason: plain(error),
        })
    }
}

/// Whether the path still leads to this file, and not to another that came in its place.
fn is_at(file: &File, path: &Path) -> bool {
    let inode = |found: fs::Metadata| (found.dev(), found.ino());
    file.metadata().ok().map(inode) == fs::metadata(path).ok().map(inode)
}

fn holder(file: &File) -> io::Result<String> {
    let mut said = Vec::new();
    file.take(OWNER_BYTES_MAX).read_to_end(&mut said)?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

const OWNER_BYTES_MAX: u64 = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    fn lock(scratch: &Scratch) -> Lock {
        Lock::of(&Folder::open(scratch.path()).unwrap(), "api", "default")
    }

    #[test]
    fn of_two_one_leads_and_the_other_knows_who() {
        let scratch = Scratch::new();
        let (mut one, mut other) = (lock(&scratch), lock(&scratch));

        assert_eq!(one.lead("one"), Ok(Leadership::Ours));
        assert_eq!(other.lead("other"), Ok(Leadership::Theirs("one".into())));
        assert_eq!(one.lead("one"), Ok(Leadership::Ours));

        one.resign();
        assert_eq!(other.lead("other"), Ok(Leadership::Ours));
        assert_eq!(one.lead("one"), Ok(Leadership::Theirs("other".into())));
    }

    #[test]
    fn who_is_gone_leads_no_more() {
        let scratch = Scratch::new();
        let (mut one, mut other) = (lock(&scratch), lock(&scratch));
        one.lead("one").unwrap();
        drop(one);
        assert_eq!(other.lead("other"), Ok(Leadership::Ours));
    }

    #[test]
    fn whose_file_was_removed_does_not_lead_beside_another() {
        let scratch = Scratch::new();
        let (mut one, mut other) = (lock(&scratch), lock(&scratch));
        one.lead("one").unwrap();
        fs::remove_file(&one.path).unwrap();

        assert_eq!(other.lead("other"), Ok(Leadership::Ours));
        assert_eq!(one.lead("one"), Ok(Leadership::Theirs("other".into())));
    }

    #[test]
    fn a_lock_that_cannot_be_made_is_a_fault() {
        let scratch = Scratch::new();
        let mut one = lock(&scratch);
        fs::create_dir(&one.path).unwrap();
        assert_eq!(one.lead("one").unwrap_err().code(), "failed");
    }
}
