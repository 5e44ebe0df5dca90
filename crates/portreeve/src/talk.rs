//! Talk on stderr.

use std::fmt::Display;
use std::io::{self, Write};

/// Says one line, with the program's name before it. If stderr is closed, nobody is left to hear it.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "portreeve: {}", harmless(&line.to_string()));
}

/// Text of a peer without what would steer a terminal.
pub(crate) fn harmless(text: &str) -> String {
    let replace = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
    text.chars().map(replace).collect()
}
