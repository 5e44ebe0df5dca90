//! Data on stdout, talk on stderr.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::failure::Failure;

/// Writes `data`, whole, with one line break at its end.
pub(crate) fn print(data: &dyn Display) -> Result<ExitCode, Failure> {
    let text = data.to_string();
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{}", text.trim_end_matches('\n')).and_then(|()| stdout.flush());
    match written {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::failed(format_args!("cannot write to stdout: {error}"))),
    }
}

/// Says on stderr what may be done next, in one or more lines.
pub(crate) fn hint(text: impl Display) -> Result<ExitCode, Failure> {
    let _ = writeln!(io::stderr().lock(), "{text}"); // if stderr is closed, nobody wants to know
    Ok(ExitCode::SUCCESS)
}
