//! The TOML itself: from text to a tree whose parts know their lines.

use toml::de::{DeTable, Error};

use crate::findings::Findings;
use crate::mend::{DUPLICATE, Mended, is_of_tree};
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

/// Reads the tree of a mended text. The findings hold what was broken, and keys that stand there twice.
pub(crate) fn read<'a>(mended: &'a Mended<'_>) -> (DeTable<'a>, Findings) {
    let (tree, errors) = DeTable::parse_recoverable(&mended.text);
    let findings = Findings::new(Lines::of(&mended.text), !mended.breaks.is_empty());
    for one in &mended.breaks {
        let place = Place {
            line: one.line,
            key: SYNTAX.to_owned(),
        };
        findings.add(&place, one.found.clone(), one.complaint.clone());
    }
    for error in errors.iter().filter(|error| is_of_tree(error)) {
        misplaced(&mended.text, error, &findings);
    }
    (tree.into_inner(), findings)
}

/// A key that stands where it cannot.
fn misplaced(source: &str, error: &Error, findings: &Findings) {
    let span = error.span().unwrap_or(source.len()..source.len());
    let place = Place {
        line: findings.lines.line(span.start),
        key: SYNTAX.to_owned(),
    };
    let key = shortened(source.get(span).unwrap_or_default());
    match error.message() == DUPLICATE {
        true => findings.add(&place, format!("{key} a second time"), Complaint::new(ONCE)),
        false => findings.add(&place, format!("{key}, which is a value"), Complaint::new(BELOW)),
    }
}

/// At most 60 characters of a text, and three dots for the rest.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(FOUND_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

const FOUND_CHARS_MAX: usize = 60;
const SYNTAX: &str = "syntax";
const ONCE: &str = "each key and each [section] once";
const BELOW: &str = "keys below a [section] only";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_from_one_and_end_with_their_feed() {
        let lines = Lines::of("a\nbc\n\nd");
        assert_eq!(
            [0, 1, 2, 4, 5, 6, 7].map(|offset| lines.line(offset)),
            [1, 1, 2, 2, 3, 4, 4]
        );
    }
}
