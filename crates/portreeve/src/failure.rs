//! How a command ends that did not do what was asked.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// What goes wrong, told once on stderr.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// The world does not allow what was asked: exit code 1.
    pub(crate) fn failed(reason: impl Display) -> Self {
        Self {
            message: reason.to_string(),
            code: FAILED,
        }
    }

    /// The command was typed wrongly: exit code 2.
    pub(crate) fn usage(reason: impl Display) -> Self {
        Self {
            message: reason.to_string(),
            code: USAGE,
        }
    }

    /// The log needs a thread, and there is none.
    #[expect(clippy::needless_pass_by_value, reason = "what map_err hands over")]
    pub(crate) fn no_log(error: io::Error) -> Self {
        Self::failed(format_args!(
            "cannot start: the system gives no thread for the log: {error}"
        ))
    }

    /// Tells it, each line with the program's name before it.
    pub(crate) fn report(self) -> ExitCode {
        let mut stderr = io::stderr().lock();
        for line in self.message.lines() {
            let _ = writeln!(stderr, "portreeve: {line}"); // if stderr is closed, the exit code still tells
        }
        ExitCode::from(self.code)
    }
}

pub(crate) const FAILED: u8 = 1;
pub(crate) const USAGE: u8 = 2;
