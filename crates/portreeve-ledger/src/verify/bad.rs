//! What is wrong with a ledger, and where.

use crate::{Head, LINE_BYTES_MAX, PublicKey};

/// The first line that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{} {reason}", number(*n))]
pub struct Bad {
    /// The file's name as it was given.
    pub file: String,
    /// The line in it, from 1.
    pub line: u64,
    /// The `n` that this line should have; `None` before the first good header. A header has none: there it is that of the
    /// line after it.
    pub n: Option<u64>,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// No line of a ledger is that long.
    #[error("the line is longer than {LINE_BYTES_MAX} bytes, which no line of a ledger is")]
    TooLong,
    /// Not a JSON object with what each line has.
    #[error("the line is no ledger line: {0}")]
    NotJson(String),
    /// The file does not begin as a ledger does.
    #[error("the file does not begin with a ledger's first line, {{\"ledger\":1,...}}")]
    NoHeader,
    /// A format that is not known here.
    #[error("the ledger has format {0}; only format 1 is known here")]
    Version(u64),
    /// A member is not where or what it has to be.
    #[error("the line is not as it was written: {0}")]
    Shape(&'static str),
    /// Numbers are left out.
    #[error("it has n {found} where {expected} must follow: {} missing before it", lines(*expected, *found))]
    Missing {
        /// What must follow.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// A number that was there already.
    #[error("it has n {found} where {expected} must follow: it is there a second time, or out of order")]
    Repeated {
        /// What must follow.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// The hash is not that of the line and all before it.
    #[error(
        "its chain does not follow from what stands before it: the line was altered, or stands in a wrong place"
    )]
    Chain,
    /// The signature is not of the file's key over what stands before it.
    #[error(
        "its signature is not that of the file's key: this head, or a line since the head before it, was written by \
         someone without the key"
    )]
    Signature,
    /// A head's or a header's count of records is not theirs.
    #[error("it counts {said} records before it where there are {counted}")]
    Count {
        /// What it says.
        said: u64,
        /// What there is.
        counted: u64,
    },
    /// A key that is not trusted, or not that of the first file.
    #[error("the file is signed by key {found}, which is not the one expected")]
    OtherKey {
        /// The file's key.
        found: Box<PublicKey>,
    },
    /// A file does not go on where the one before it ended.
    #[error("the file does not go on from the last line of the file before it: `previous` is another hash")]
    NotLinked,
    /// The file ends in the midst of a line.
    #[error(
        "the file ends in the midst of a line, after {bytes} bytes of it: it is being written, or was cut off"
    )]
    Torn {
        /// Bytes of the last line.
        bytes: usize,
    },
    /// The ledger does not reach as far as it did.
    #[error("the ledger ends with n {end}, before the signed head {} of {} that it should hold: its end was cut off", kept.n, kept.at)]
    EndsBeforeKept {
        /// The head that was kept.
        kept: Box<Head>,
        /// The last `n` that there is.
        end: u64,
    },
    /// Where the kept head should be there is another line.
    #[error("it is not the signed head {} of {} that was kept: the ledger was written anew", kept.n, kept.at)]
    NotTheKept {
        /// The head that was kept.
        kept: Box<Head>,
    },
    /// The kept head lies in a file before these.
    #[error("the signed head {} of {} that was kept lies before these files: name the file that holds it too", kept.n, kept.at)]
    StartsAfterKept {
        /// The head that was kept.
        kept: Box<Head>,
    },
}

impl Reason {
    pub(crate) const NO_CHAIN: Self =
        Self::Shape("`chain` with 64 lower-case hexadecimal digits is not its last member");
    pub(crate) const NO_SIGNATURE: Self =
        Self::Shape("`signature` with 128 lower-case hexadecimal digits is not its last member but one");

    pub(super) fn not_json(error: &serde_json::Error) -> Self {
        Self::NotJson(error.to_string())
    }
}

fn number(n: Option<u64>) -> String {
    n.map_or_else(String::new, |n| format!(" n {n}:"))
}

fn lines(expected: u64, found: u64) -> String {
    match found - expected {
        1 => "1 line is".to_owned(),
        count => format!("{count} lines are"),
    }
}
