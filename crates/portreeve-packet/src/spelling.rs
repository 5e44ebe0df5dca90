use crate::key::Key;
use crate::members::Members;
use crate::scan::object_in;

/// How a peer writes `type`; it is answered in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Spelling {
    /// `"type": 0`
    #[default]
    Number,
    /// `"type": "0"`
    Text,
}

impl Spelling {
    /// The spelling of any bytes, also of those that [`parse`](crate::parse) refuses: text if they are a JSON object
    /// whose first `type` is a string, else number.
    pub fn of(bytes: &[u8]) -> Self {
        let Some(object) = object_in(bytes) else {
            return Self::Number;
        };
        let found = Members::of(object).find(|member| member.key(object) == Some(Key::Type));
        found.map_or(Self::Number, |member| Self::of_value(&object[member.value]))
    }

    /// The spelling of a value of `type`.
    pub(crate) fn of_value(value: &str) -> Self {
        match value.as_bytes() {
            [b'"', ..] => Self::Text,
            _ => Self::Number,
        }
    }

    /// Appends a type such as `-1` as a JSON value.
    pub(crate) fn write(self, kind: &str, out: &mut Vec<u8>) {
        let quote: &[u8] = match self {
            Self::Number => b"",
            Self::Text => b"\"",
        };
        for part in [quote, kind.as_bytes(), quote] {
            out.extend_from_slice(part);
        }
    }
}
