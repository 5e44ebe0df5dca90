//! From a file to a checked [`Config`].

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::{error, fmt};

use crate::parse::parse_in;
use crate::{Config, Fault, Faults};

/// Why a file gave no [`Config`].
#[derive(Debug)]
pub enum ReadError {
    /// It could not be read.
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It could be read, but not obeyed.
    Faulty {
        /// Which file.
        path: PathBuf,
        /// All that is wrong with it.
        faults: Faults,
    },
}

/// Reads and checks a file of at most 4 MiB, and the pages that it names. Pages, certificates and keys lie in its folder
/// unless they begin with `/`.
///
/// # Errors
/// When the file cannot be read, and when there is any fault in it; a page that cannot be read is one.
pub fn read(path: &Path) -> Result<Config, ReadError> {
    let bytes = bytes(path).map_err(|source| ReadError::Io {
        path: path.to_owned(),
        source,
    })?;
    let faulty = |faults| ReadError::Faulty {
        path: path.to_owned(),
        faults,
    };
    let text = str::from_utf8(&bytes).map_err(|error| faulty(not_utf8(&bytes, error.valid_up_to())))?;
    parse_in(text, folder_of(path)).map_err(faulty)
}

/// One fault a line, each as `FILE:LINE: key: found X; allowed Y`, or why the file could not be read.
impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, source } => {
                write!(
                    f,
                    "{}: cannot be read ({source}); a readable TOML file is needed",
                    path.display()
                )
            }
            Self::Faulty { path, faults } => faults.in_file(path).fmt(f),
        }
    }
}

impl error::Error for ReadError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Faulty { .. } => None,
        }
    }
}

/// `.` for a file that is named without a folder.
fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    match bytes.len() as u64 > FILE_BYTES_MAX {
        true => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is larger than 4 MiB",
        )),
        false => Ok(bytes),
    }
}

fn not_utf8(bytes: &[u8], valid: usize) -> Faults {
    let line = 1 + bytes[..valid].iter().filter(|byte| **byte == b'\n').count();
    let found = format!("the byte 0x{:02x}", bytes.get(valid).copied().unwrap_or_default());
    let (key, allowed) = ("syntax".to_owned(), "text in UTF-8".to_owned());
    Faults::new(vec![Fault {
        line,
        key,
        found,
        allowed,
        hint: None,
    }])
}

const FILE_BYTES_MAX: u64 = 4 << 20;
