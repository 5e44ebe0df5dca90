//! The command of an exec probe.

use crate::command::Command;
use crate::section::Section;

/// Reads the program and its arguments; `None` if they are not there or cannot be read.
pub(super) fn read(section: &mut Section<'_>) -> Option<Vec<String>> {
    EXEC.read(&section.get("exec")?)
}

const EXEC: Command = Command {
    allowed: "a program, or a list of it and its arguments such as [\"./check\", \"{address}\"]",
    placeholders: &["host", "port", "address", "id"],
    known: "{host}, {port}, {address} or {id} for the backend's",
    may_be_text: true,
};
