use std::ops::Range;

use crate::fields::Fields;
use crate::spelling::Spelling;
use crate::value::Value;

/// A packet as its sender wrote it, and where its type stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Raw {
    text: Box<str>,
    kind: Range<usize>,
    spelling: Spelling,
}

impl Raw {
    pub(super) fn new(fields: &Fields<'_>, kind: &Value<'_>) -> Self {
        Self {
            text: fields.raw().into(),
            kind: kind.range.clone(),
            spelling: Spelling::of_value(kind.raw),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    pub(super) fn spelling(&self) -> Spelling {
        self.spelling
    }

    /// Appends the very bytes, the type, which is `kind`, respelled.
    pub(super) fn write(&self, kind: &str, spelling: Spelling, out: &mut Vec<u8>) {
        if spelling == self.spelling {
            out.extend_from_slice(self.bytes());
            return;
        }
        out.extend_from_slice(&self.bytes()[..self.kind.start]);
        spelling.write(kind, out);
        out.extend_from_slice(&self.bytes()[self.kind.end..]);
    }
}
