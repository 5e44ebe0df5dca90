//! The TOML itself: from text to a tree whose parts know their lines, with what the syntax does not allow.

use toml::de::{DeTable, Error};

use crate::findings::Findings;
use crate::place::Place;
use crate::word::Complaint;

/// Where lines begin, to turn an offset into a line.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The offset after each line feed, rising.
    starts: Vec<usize>,
}

impl Lines {
    pub(crate) fn of(source: &str) -> Self {
        Self {
            starts: source.match_indices('\n').map(|(offset, _)| offset + 1).collect(),
        }
    }

    /// The line, from 1, that holds the byte at this offset.
    pub(crate) fn line(&self, offset: usize) -> usize {
        1 + self.starts.partition_point(|start| *start <= offset)
    }
}

/// Reads the syntax. The tree holds what could be read; the findings hold what could not.
pub(crate) fn read(source: &str) -> (DeTable<'_>, Findings) {
    let (tree, errors) = DeTable::parse_recoverable(source);
    let is_torn = errors.iter().any(|error| error.message() != DUPLICATE);
    let findings = Findings::new(Lines::of(source), is_torn);
    let mut last_line = 0;
    let mut told = 0;
    for error in &errors {
        let offset = error.span().map_or(source.len(), |span| span.start);
        let line = findings.lines.line(offset);
        if line != last_line && told < SYNTAX_FAULTS_MAX {
            findings.add(
                &Place {
                    line,
                    key: SYNTAX.to_owned(),
                },
                found(source, error),
                complaint(error),
            );
            told += 1;
        }
        last_line = line;
    }
    (tree.into_inner(), findings)
}

/// The text of the line, or the key that stands there twice.
fn found(source: &str, error: &Error) -> String {
    let span = error.span().unwrap_or(source.len()..source.len());
    if error.message() == DUPLICATE {
        return format!("{} a second time", source.get(span).unwrap_or_default());
    }
    let before = source.get(..span.start).unwrap_or(source);
    let start = before.rfind('\n').map_or(0, |feed| feed + 1);
    match source[start..].lines().next().map(str::trim) {
        None | Some("") => "the end of the line".to_owned(),
        Some(line) => shortened(line),
    }
}

/// What the parser says, as a sentence of what would be right.
fn complaint(error: &Error) -> Complaint {
    let message = error.message();
    SENTENCES
        .iter()
        .find(|(begin, _)| message.starts_with(begin))
        .map_or_else(
            || Complaint::new("TOML").hint(message),
            |(_, sentence)| Complaint::new(*sentence),
        )
}

/// At most 60 characters of a text, and three dots for the rest.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(FOUND_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

const FOUND_CHARS_MAX: usize = 60;
/// A file that is not TOML at all has a fault on each line.
const SYNTAX_FAULTS_MAX: usize = 20;
const SYNTAX: &str = "syntax";
const DUPLICATE: &str = "duplicate key";

/// How the parser's messages begin, and what we say instead.
const SENTENCES: &[(&str, &str)] = &[
    (DUPLICATE, "each key and each [section] once"),
    (
        "string values must be quoted",
        "a text in quotes, as in key = \"text\"",
    ),
    (
        "invalid basic string",
        "a text that ends with the quote it began with, on the same line",
    ),
    (
        "invalid literal string",
        "a text that ends with the quote it began with, on the same line",
    ),
    ("missing value", "a value after the = sign"),
    ("key with no value", "a key with a value, as in key = \"text\""),
    ("missing assignment", "an = sign between key and value"),
    ("unclosed table", "a section's name in brackets, as in [pool.api]"),
    ("unclosed array", "a list that ends with ]"),
    ("unclosed inline table", "a table that ends with }"),
    ("missing comma", "a comma between the elements"),
    (
        "invalid unquoted key",
        "a key of letters, digits, - and _, or one in quotes",
    ),
    (
        "cannot extend value",
        "a key below a [section], not below a value",
    ),
    (
        "cannot recurse further",
        "lists and tables that are nested less deeply",
    ),
];
