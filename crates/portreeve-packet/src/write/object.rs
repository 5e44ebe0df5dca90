use crate::spelling::Spelling;
use crate::text;

/// A JSON object while it is written, with spaces where Python's `json.dumps` puts them.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> Object<'a> {
    pub(super) fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    /// The member `type`.
    pub(super) fn kind(&mut self, spelling: Spelling, kind: &str) {
        self.key("\"type\"");
        spelling.write(kind, self.out);
    }

    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.plain_key(key);
        text::write(value, self.out);
    }

    pub(super) fn number(&mut self, key: &str, value: u64) {
        self.plain_key(key);
        self.out.extend_from_slice(value.to_string().as_bytes());
    }

    /// An id or a policy: a number if it looks like one and that is the peer's way.
    pub(super) fn name(&mut self, key: &str, value: &str, spelling: Spelling) {
        self.plain_key(key);
        match spelling {
            Spelling::Number if is_small_integer(value) => self.out.extend_from_slice(value.as_bytes()),
            _ => text::write(value, self.out),
        }
    }

    /// The members `payloadsize`, in bytes, and `payload`.
    pub(super) fn payload(&mut self, payload: &str) {
        self.number("payloadsize", payload.len() as u64);
        self.text("payload", payload);
    }

    /// A member as it stands in another object: `key` with its quotes, `value` a JSON value.
    pub(super) fn raw_member(&mut self, key: &str, value: &str) {
        self.key(key);
        self.out.extend_from_slice(value.as_bytes());
    }

    pub(super) fn end(self) {
        self.out.push(b'}');
    }

    /// `key` needs no escapes.
    fn plain_key(&mut self, key: &str) {
        self.key(&format!("\"{key}\""));
    }

    fn key(&mut self, quoted: &str) {
        if !self.is_empty {
            self.out.extend_from_slice(b", ");
        }
        self.is_empty = false;
        self.out.extend_from_slice(quoted.as_bytes());
        self.out.extend_from_slice(b": ");
    }
}

/// Whether `text` is a whole number as JSON writes it, and small enough for every reader to keep it exactly.
fn is_small_integer(text: &str) -> bool {
    let is_canonical = |number: i64| number.to_string() == text;
    text.len() <= DIGITS_EXACT && text.parse().is_ok_and(is_canonical)
}

/// Digits, with the sign, that fit into a double.
const DIGITS_EXACT: usize = 15;
