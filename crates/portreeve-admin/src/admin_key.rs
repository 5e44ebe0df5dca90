//! The key that whoever changes something through the admin listener has to show.

use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use portreeve_api::AdminFile;
use subtle::ConstantTimeEq as _;

/// 256 random bits as 64 hex digits, new at each start. Its debug form does not show it.
#[derive(Clone)]
pub struct AdminKey(String);

impl AdminKey {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, AdminKeyError> {
        let mut bits = [0_u8; 32];
        getrandom::fill(&mut bits).map_err(|error| AdminKeyError::NoRandomness {
            reason: error.to_string(),
        })?;
        Ok(Self(bits.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Writes `admin.json` with the key and the address of the admin listener into the folder for state, for the command
    /// line: readable by this user only, and in the place of the one before at one stroke. Makes the folder if need be.
    ///
    /// # Errors
    /// The folder cannot be made or written to. Nothing else stops working then: figures are shown, only changes by the
    /// command line find no key.
    pub fn store(&self, state: &Path, address: SocketAddr) -> Result<(), AdminKeyError> {
        let path = state.join(AdminFile::NAME);
        let file = AdminFile {
            address,
            key: self.0.clone(),
        };
        let text = serde_json::to_vec(&file).expect("an address and a text are JSON");
        replace(state, &path, &text).map_err(|source| AdminKeyError::Store { path, source })
    }

    /// Whether this is it, in a time that does not depend on how much of it is right.
    pub(crate) fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }

    #[cfg(test)]
    pub(crate) fn shown(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AdminKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("AdminKey(…)")
    }
}

fn replace(folder: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let fresh = path.with_extension("json.new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(text)?;
    fs::rename(&fresh, path)
}

/// There is no key, or nobody will find it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminKeyError {
    /// The system has no random numbers.
    #[error("the system gives no random numbers for the admin key: {reason}")]
    NoRandomness {
        /// What it says.
        reason: String,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {source}; `portreeve backends` and `portreeve token` need it to change anything", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("portreeve-key-{name}-{}", std::process::id())))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn only_the_very_key_is_it_and_no_two_are_the_same() {
        let key = AdminKey::generate().unwrap();
        let shown = key.shown().to_owned();
        assert_eq!(shown.len(), 64);
        assert!(key.is(&shown));
        for wrong in [
            "",
            &shown[1..],
            &shown.to_uppercase().replace(char::is_numeric, "G"),
            &format!("{shown}0"),
        ] {
            assert!(!key.is(wrong), "{wrong}");
        }
        assert!(!AdminKey::generate().unwrap().is(&shown));
        assert!(!format!("{key:?}").contains(&shown));
    }

    #[test]
    fn the_file_is_for_this_user_only_and_takes_the_place_of_the_one_before() {
        let folder = Scratch::new("mode");
        let address = "127.0.0.1:9091".parse().unwrap();
        AdminKey::generate().unwrap().store(&folder.0, address).unwrap();
        let key = AdminKey::generate().unwrap();

        key.store(&folder.0, address).unwrap();

        let path = folder.0.join("admin.json");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder.0), mode(&path)), (0o700, 0o600));
        let file: AdminFile = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(file.address, address);
        assert!(key.is(&file.key));
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told() {
        let key = AdminKey::generate().unwrap();
        let error = key
            .store(Path::new("/etc/passwd/state"), "127.0.0.1:1".parse().unwrap())
            .unwrap_err();
        assert!(
            error.to_string().contains("/etc/passwd/state/admin.json"),
            "{error}"
        );
    }
}
