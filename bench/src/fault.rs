//! Why a benchmark could not be carried out.

use std::fmt;
use std::io;

/// Anything that ends a run without results.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The command line was wrong.
    Usage(String),
    /// The system refused something.
    Io { doing: String, source: io::Error },
    /// A program said or did what it should not; the text says which and what.
    Program(String),
}

impl Fault {
    /// For `map_err`: an I/O fault while `doing` this.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Fault {
        let doing = doing.into();
        move |source| Fault::Io { doing, source }
    }

    /// 2 for a wrong command line, 1 for everything else.
    pub(crate) fn exit_code(&self) -> u8 {
        if matches!(self, Fault::Usage(_)) { 2 } else { 1 }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Usage(text) | Fault::Program(text) => out.write_str(text),
            Fault::Io { doing, source } => write!(out, "{doing}: {source}"),
        }
    }
}
