//! A file with broken syntax, made readable: what is broken is noted and blanked out, so that the rest can be
//! checked too. Lines keep their numbers.
//!
//! The parser's own recovery is not enough: after `path = ["/a",` it takes all that follows for elements of the list.
//! So a broken file is cut before each line that looks like a section's header, and each piece is mended alone.

use std::borrow::Cow;

use toml::de::{DeTable, Error};

use crate::document::shortened;
use crate::word::Complaint;

/// The text without what is broken.
#[derive(Debug)]
pub(crate) struct Mended<'a> {
    /// Parses without faults of syntax, if it could be mended at all.
    pub(crate) text: Cow<'a, str>,
    /// Where it was broken.
    pub(crate) breaks: Vec<Break>,
}

/// One place where the syntax is broken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Break {
    /// From 1.
    pub(crate) line: usize,
    /// What stands there.
    pub(crate) found: String,
    /// What would be right.
    pub(crate) complaint: Complaint,
}

/// Notes and blanks out what is broken. After 20 breaks the rest is blanked out unread.
pub(crate) fn mend(source: &str) -> Mended<'_> {
    if first_error(source).is_none() {
        return Mended {
            text: Cow::Borrowed(source),
            breaks: Vec::new(),
        };
    }
    let mut lines: Vec<&str> = source.split('\n').collect();
    let mut breaks = Vec::new();
    for (start, end) in pieces(&lines) {
        mend_piece(&mut lines[start..end], start + 1, &mut breaks);
    }
    Mended {
        text: Cow::Owned(lines.join("\n")),
        breaks,
    }
}

/// Whether an error concerns the tree and not the text: nothing is unreadable then.
pub(crate) fn is_of_tree(error: &Error) -> bool {
    error.message() == DUPLICATE || error.message().starts_with(EXTENSION)
}

/// From and to, the end excluded: the lines before the first header, then each header with what follows it.
fn pieces(lines: &[&str]) -> Vec<(usize, usize)> {
    let mut starts: Vec<usize> = (1..lines.len()).filter(|nth| is_header(lines[*nth])).collect();
    starts.insert(0, 0);
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    starts.iter().copied().zip(ends).collect()
}

/// A line such as `[pool.api]`, even a broken one; an element of a list has a comma.
fn is_header(line: &str) -> bool {
    let line = line.trim_start();
    let name = line.trim_start_matches('[');
    name.len() < line.len()
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && !line.contains(',')
}

fn mend_piece(lines: &mut [&str], first_line: usize, breaks: &mut Vec<Break>) {
    let mut is_lost = false;
    while let Some((nth, error)) = first_break(lines) {
        let damage = damage(lines, nth, error);
        let is_stuck = lines[damage.from..=damage.to].iter().all(|line| line.is_empty());
        is_lost = is_lost || is_stuck || damage.from == 0 && is_header(lines[0]);
        if is_stuck || breaks.len() >= BREAKS_MAX {
            is_lost = true;
            break;
        }
        let (line, text) = (first_line + damage.shown, lines[damage.shown].trim());
        breaks.push(Break {
            line,
            found: found(text),
            complaint: complaint(text, &damage.error),
        });
        let rest = lines[damage.to + 1..]
            .iter()
            .take_while(|line| continues(line))
            .count();
        lines[damage.from..=damage.to + rest].fill("");
    }
    if is_lost {
        lines.fill("");
    }
}

/// A broken statement: its lines, the end included, and which of them to show.
struct Damage {
    from: usize,
    to: usize,
    shown: usize,
    error: Error,
}

/// What is broken, given the line in which the parser stumbled. If the statement before that line did not end, the
/// parser has taken this line for a part of it: when this line looks like a statement of its own, it is sound.
fn damage(lines: &[&str], nth: usize, error: Error) -> Damage {
    let before = (0..nth)
        .rev()
        .find(|nth| begins_statement(lines[*nth]))
        .unwrap_or(nth);
    match first_error(&lines[before..nth].join("\n")) {
        None => Damage {
            from: nth,
            to: nth,
            shown: nth,
            error,
        },
        Some(error) if begins_statement(lines[nth]) => Damage {
            from: before,
            to: nth - 1,
            shown: before,
            error,
        },
        Some(_) if error.message().starts_with(UNCLOSED) => Damage {
            from: before,
            to: nth,
            shown: before,
            error,
        },
        Some(_) => Damage {
            from: before,
            to: nth,
            shown: nth,
            error,
        },
    }
}

/// The first error of the text, and the line it is in, from 0.
fn first_break(lines: &[&str]) -> Option<(usize, Error)> {
    let piece = lines.join("\n");
    let error = first_error(&piece)?;
    let offset = error.span().map_or(piece.len(), |span| span.start);
    let before = piece.as_bytes().iter().take(offset);
    let nth = before.filter(|byte| **byte == b'\n').count();
    Some((nth.min(lines.len() - 1), error))
}

fn first_error(text: &str) -> Option<Error> {
    let (_, errors) = DeTable::parse_recoverable(text);
    let breaks = errors.into_iter().filter(|error| !is_of_tree(error));
    breaks.min_by_key(|error| error.span().map_or(text.len(), |span| span.start))
}

/// Whether a line begins as `key =` does.
fn begins_statement(line: &str) -> bool {
    let is_of_key = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '"' | '\'' | ' ' | '\t');
    let rest = line.trim_start_matches(is_of_key);
    rest.starts_with('=') && rest.len() < line.len()
}

/// Whether a line can only be the rest of a list or table that began before it.
fn continues(line: &str) -> bool {
    let is_rest = |first: char| first.is_ascii_digit() || "\"'[]{},#".contains(first);
    !begins_statement(line) && line.trim_start().chars().next().is_none_or(is_rest)
}

fn found(text: &str) -> String {
    match text {
        "" => "the end of the section".to_owned(),
        text => shortened(text),
    }
}

/// What the parser says, as a sentence of what would be right.
fn complaint(text: &str, error: &Error) -> Complaint {
    let message = if text.ends_with('=') {
        "missing value"
    } else {
        error.message()
    };
    let sentence = SENTENCES.iter().find(|(begin, _)| message.starts_with(begin));
    sentence.map_or_else(
        || Complaint::new("TOML").hint(message),
        |(_, sentence)| Complaint::new(*sentence),
    )
}

/// A file that is not TOML at all is broken in each line.
const BREAKS_MAX: usize = 20;
/// How the parser calls a key that stands there twice.
pub(crate) const DUPLICATE: &str = "duplicate key";
const EXTENSION: &str = "cannot extend value";
const UNCLOSED: &str = "unclosed";

/// How the parser's messages begin, and what we say instead.
const SENTENCES: &[(&str, &str)] = &[
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
    ("unquoted keys cannot be empty", "a key before the = sign"),
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
        "cannot recurse further",
        "lists and tables that are nested less deeply",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn broken_lines(source: &str) -> Vec<usize> {
        mend(source).breaks.iter().map(|one| one.line).collect()
    }

    #[test]
    fn a_whole_text_is_left_alone() {
        let source = "a = 1\n[b]\nc = [\n  1,\n]\n";
        let mended = mend(source);
        assert_eq!((mended.text.as_ref(), mended.breaks), (source, vec![]));
    }

    #[test]
    fn a_list_without_end_swallows_only_itself() {
        let mended = mend("[a]\nx = 1\npath = [\"/x\",\n[b]\ny = 2\n");
        assert_eq!(mended.text, "[a]\nx = 1\n\n[b]\ny = 2\n");
        assert_eq!(mended.breaks.len(), 1);
        assert_eq!(mended.breaks[0].line, 3);
        assert_eq!(mended.breaks[0].complaint.allowed, "a list that ends with ]");
    }

    #[test]
    fn a_list_without_end_leaves_the_next_statement_whole() {
        let mended = mend("[a]\npath = [\"/x\",\n  \"/y\",\npool = \"b\"\n");
        assert_eq!(mended.text, "[a]\n\n\npool = \"b\"\n");
        assert_eq!(mended.breaks.iter().map(|one| one.line).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_broken_element_is_told_on_its_own_line() {
        assert_eq!(broken_lines("a = [\n  \"x\",\n  y,\n  \"z\",\n]\nb = 1\n"), [3]);
    }

    #[test]
    fn each_broken_line_is_told_once() {
        assert_eq!(
            broken_lines("a = \"x\nb = 1\nc = yes\nd\n[e\nf = 1\n[g]\nh = [1 2]\n"),
            [1, 3, 4, 5, 8]
        );
    }

    #[test]
    fn what_stands_under_a_broken_header_is_not_read() {
        assert_eq!(mend("a = 1\n[b\nc = 1\n[d]\ne = 1").text, "a = 1\n\n\n[d]\ne = 1");
    }

    #[test]
    fn a_file_that_is_no_toml_at_all_ends_after_twenty_breaks() {
        let source = "lorem ipsum\n".repeat(1_000);
        let mended = mend(&source);
        assert_eq!(mended.breaks.len(), BREAKS_MAX);
        assert!(mended.text.trim().is_empty());
    }

    #[test]
    fn a_mended_text_parses() {
        for source in [
            "[",
            "]",
            "a = [",
            "= 1",
            "a = {b = 1",
            "'",
            "\"\"\"\n[x]\n",
            "[[a]\nb=",
            "\u{0}",
            "[a.]\nb = 1",
        ] {
            assert!(!mend(source).breaks.is_empty(), "{source:?}");
            assert!(first_error(&mend(source).text).is_none(), "{source:?}");
        }
    }
}
