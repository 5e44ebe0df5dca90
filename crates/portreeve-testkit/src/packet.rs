//! Packets, read and written by serde_json, which the product does not use for them.

use std::fmt;

use serde_json::{Deserializer, Value};
use sha1::{Digest, Sha1};

/// One packet: its very bytes, and what they mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Packet {
    raw: String,
    value: Value,
}

impl Packet {
    /// The packet that `bytes` begin with and where it ends, as soon as it is whole.
    ///
    /// # Errors
    /// They are no JSON in UTF-8, and why.
    pub fn first(bytes: &[u8]) -> Result<Option<(Self, usize)>, String> {
        let mut values = Deserializer::from_slice(bytes).into_iter::<Value>();
        match values.next() {
            None => Ok(None),
            Some(Err(error)) if error.is_eof() => Ok(None),
            Some(Err(error)) => Err(error.to_string()),
            Some(Ok(value)) => {
                let end = values.byte_offset();
                let raw = String::from_utf8_lossy(&bytes[..end]).trim().to_owned();
                Ok(Some((Self { raw, value }, end)))
            }
        }
    }

    /// As it stood on the wire.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// A field's value; null if there is none.
    pub fn field(&self, name: &str) -> &Value {
        &self.value[name]
    }

    /// The field `type`.
    pub fn kind(&self) -> &Value {
        self.field("type")
    }

    /// The field `payload`; empty if there is none.
    pub fn payload(&self) -> &str {
        self.field("payload").as_str().unwrap_or_default()
    }

    /// The field `detail`; empty if there is none.
    pub fn detail(&self) -> &str {
        self.field("detail").as_str().unwrap_or_default()
    }

    /// The code of an error packet.
    ///
    /// # Panics
    /// If it is none.
    #[track_caller]
    pub fn error(&self) -> &str {
        assert!(*self.kind() == -1 || *self.kind() == "-1", "no error: {self}");
        self.field("error")
            .as_str()
            .unwrap_or_else(|| panic!("an error without its code: {self}"))
    }

    /// Whether it acknowledges this payload.
    pub fn acknowledges(&self, payload: &str) -> bool {
        (*self.kind() == 2 || *self.kind() == "2") && self.payload() == sha1(payload)
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

/// What a server with this id answers to a request, as Python writes it; types and ids as text if `as_text`.
pub fn acknowledgement(id: &str, request: &Packet, as_text: bool) -> String {
    let kind = word("2", as_text);
    let (id, client) = (word(id, as_text), request.field("srcid"));
    let digest = sha1(request.payload());
    format!(
        r#"{{"type": {kind}, "srcid": {id}, "destid": {client}, "payloadsize": 40, "payload": "{digest}"}}"#
    )
}

/// The SHA-1 of a text in lower-case hexadecimal digits.
pub fn sha1(text: &str) -> String {
    let digest = Sha1::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A JSON number if the text is one and may be, else a string.
pub(crate) fn word(text: &str, as_text: bool) -> String {
    match text.parse::<i64>() {
        Ok(_) if !as_text => text.to_owned(),
        _ => Value::from(text).to_string(),
    }
}
