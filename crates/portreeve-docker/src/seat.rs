//! Whether a lease was ours before a restart.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// A name that outlives the proxy, and that no other has as long as this lives: it is in a file of the proxy's state,
/// which is locked. The kernel frees the lock when the process dies, however it does.
#[derive(Debug)]
pub(crate) struct Seat {
    name: String,
    /// Locked.
    _file: File,
}

impl Seat {
    /// `None` if another has it, or if no file can be written.
    pub(crate) fn take(path: &Path) -> Option<Self> {
        Self::open(path).inspect_err(|fault| {
            tracing::debug!(%fault, path = %path.display(), "no seat: after a restart the lease has to run out first");
        })
        .ok()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn open(path: &Path) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(path);
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        file.try_lock()?;
        let mut name = String::new();
        Read::by_ref(&mut file).take(NAME_LEN).read_to_string(&mut name)?;
        if !is_name(&name) {
            name = fresh_name()?;
            file.set_len(0)?;
            io::Seek::rewind(&mut file)?;
            file.write_all(name.as_bytes())?;
        }
        Ok(Self { name, _file: file })
    }
}

fn is_name(text: &str) -> bool {
    text.len() as u64 == NAME_LEN && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn fresh_name() -> io::Result<String> {
    let low = getrandom::u64().map_err(io::Error::other)?;
    let high = getrandom::u64().map_err(io::Error::other)?;
    Ok(format!("{high:016x}{low:016x}"))
}

/// Hexadecimal digits.
const NAME_LEN: u64 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_outlives_who_had_it_and_is_had_by_one() {
        let folder = std::env::temp_dir().join(format!("portreeve-seat-{}", std::process::id()));
        let path = folder.join("instances").join("api.seat");
        let first = Seat::take(&path).expect("nobody has it");
        let name = first.name().to_owned();
        assert!(is_name(&name), "{name}");
        assert!(Seat::take(&path).is_none());
        drop(first);
        assert_eq!(Seat::take(&path).expect("nobody has it").name(), name);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn where_nothing_can_be_written_there_is_none() {
        assert!(Seat::take(Path::new("/proc/nowhere/api.seat")).is_none());
    }
}
