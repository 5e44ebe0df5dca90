use super::raw::Raw;
use crate::fault::Fault;
use crate::fields::Fields;
use crate::key::Key;
use crate::spelling::Spelling;
use crate::value::Value;

/// Type -1: what was asked could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    raw: Raw,
    code: String,
    detail: String,
}

impl Refused {
    pub(super) fn read(fields: &Fields<'_>, kind: &Value<'_>) -> Result<Self, Fault> {
        let told = |key| {
            let value = fields.optional(key)?;
            let text = value.and_then(|value| value.text().ok());
            Ok(text.map(|text| text.into_owned()).unwrap_or_default())
        };
        Ok(Self {
            raw: Raw::new(fields, kind),
            code: told(Key::Error)?,
            detail: told(Key::Detail)?,
        })
    }

    /// The member `error`; empty if it is not there, as in errors of other programs.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The member `detail`; empty if it is not there.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// How its type is written.
    pub fn spelling(&self) -> Spelling {
        self.raw.spelling()
    }

    /// The packet as it came, without white space around it.
    pub fn raw(&self) -> &[u8] {
        self.raw.bytes()
    }

    /// Appends the packet as it came; only its type is written in `spelling`.
    pub fn write(&self, spelling: Spelling, out: &mut Vec<u8>) {
        self.raw.write("-1", spelling, out);
    }
}
