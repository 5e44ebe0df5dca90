//! The configuration file, read and watched.

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portreeve_config::{Config, ReadError};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// A configuration file that may be read again.
///
/// It is watched by reading it twice a second, which sees edits in place, atomic renames, changed symbolic links (as of
/// Kubernetes' ConfigMaps) and edits over NFS alike, and asks nothing of the machine.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    drain_timeout: Option<Duration>,
    /// What it held when it was last read for its configuration.
    read: Option<Print>,
}

/// A hash of what a file holds; `None`: it cannot be read.
type Print = Option<u64>;

impl ConfigFile {
    /// The file at `path`; `drain_timeout` overrides what it says.
    #[must_use]
    pub fn new(path: PathBuf, drain_timeout: Option<Duration>) -> Self {
        Self {
            path,
            drain_timeout,
            read: None,
        }
    }

    /// As it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it.
    ///
    /// # Errors
    /// It cannot be read, or has faults.
    pub fn read(&mut self) -> Result<Config, ReadError> {
        self.read = Some(print_of(&self.path)); // before, so that a change in between is seen later
        let mut config = portreeve_config::read(&self.path)?;
        if let Some(timeout) = self.drain_timeout {
            config.drain_timeout = timeout;
        }
        Ok(config)
    }

    /// Returns when the file holds something else than when it was last read, and did so at two looks in a row: then
    /// it is not in the midst of being written. A file that is gone is waited for.
    pub(crate) async fn changed(&self) {
        let mut seen = self.read;
        loop {
            sleep(LOOK_EVERY).await;
            let now = Some(self.look().await);
            if now != self.read && now == seen && now != Some(None) {
                return;
            }
            seen = now;
        }
    }

    async fn look(&self) -> Print {
        let path = self.path.clone();
        spawn_blocking(move || print_of(&path)).await.unwrap_or_default()
    }
}

fn print_of(path: &Path) -> Print {
    let mut content = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut content));
    read.ok().map(|_| hash(&content))
}

fn hash(content: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(content);
    hasher.finish()
}

const LOOK_EVERY: Duration = Duration::from_millis(500);

/// No configuration is longer.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tokio::time::timeout;

    const GOOD: &str = "drain_timeout = \"7s\"\n[pool.app]\nbackends = [\"127.0.0.1:1\"]\n";

    struct Written(ConfigFile);

    impl Written {
        fn new(name: &str, drain_timeout: Option<Duration>) -> Self {
            let path = std::env::temp_dir().join(format!("portreeve-file-{name}-{}", std::process::id()));
            fs::write(&path, GOOD).unwrap();
            Self(ConfigFile::new(path, drain_timeout))
        }

        async fn is_changed(&self) -> bool {
            timeout(LOOK_EVERY * 4, self.0.changed()).await.is_ok()
        }
    }

    impl Drop for Written {
        fn drop(&mut self) {
            let _ = fs::remove_file(self.0.path());
        }
    }

    #[test]
    fn the_flag_overrides_the_drain_timeout_at_each_reading() {
        let mut plain = Written::new("plain", None);
        let mut overridden = Written::new("overridden", Some(Duration::from_secs(1)));

        assert_eq!(plain.0.read().unwrap().drain_timeout, Duration::from_secs(7));
        for _ in 0..2 {
            assert_eq!(overridden.0.read().unwrap().drain_timeout, Duration::from_secs(1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn writing_the_same_again_is_no_change() {
        let mut file = Written::new("same", None);
        file.0.read().unwrap();

        fs::write(file.0.path(), GOOD).unwrap();
        assert!(!file.is_changed().await);

        fs::write(file.0.path(), "other").unwrap();
        assert!(file.is_changed().await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_faulty_file_is_read_once_and_not_again_until_it_changes() {
        let mut file = Written::new("faulty", None);
        fs::write(file.0.path(), "nonsense").unwrap();

        file.0.read().unwrap_err();

        assert!(!file.is_changed().await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_gone_is_waited_for() {
        let mut file = Written::new("gone", None);
        file.0.read().unwrap();

        fs::remove_file(file.0.path()).unwrap();
        assert!(!file.is_changed().await);

        fs::write(file.0.path(), "back").unwrap();
        assert!(file.is_changed().await);
    }
}
