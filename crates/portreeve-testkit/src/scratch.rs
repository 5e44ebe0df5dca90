//! A folder for one test's files and sockets.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// An empty folder of its own, removed with all that is in it on drop. Its path is short enough for a Unix socket.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes the folder under the system's temporary one.
    ///
    /// # Panics
    /// If the folder cannot be made.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("pr-{}-{number}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // Left by a process of the same number that was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => panic!("the temporary folder takes no new folder: {error}"),
            }
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A path in the folder; nothing is made there.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A file in the folder that holds `content`; whatever it held before is gone.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, content).expect("the temporary folder takes files");
        path
    }

    /// Puts `content` in the place of a file at one stroke, as editors do.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn replace(&self, name: &str, content: &str) {
        let fresh = self.write(&format!("{name}.new"), content);
        std::fs::rename(fresh, self.file(name)).expect("both are in one folder");
    }

    /// What a file of the folder holds; empty if it is not there.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left behind in a temporary folder harms nobody; a panic in a drop would hide the test's own.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
