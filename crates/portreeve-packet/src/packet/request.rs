use super::payload;
use super::raw::Raw;
use crate::fault::Fault;
use crate::fields::Fields;
use crate::key::Key;
use crate::limits::Limits;
use crate::spelling::Spelling;
use crate::text::Text;
use crate::value::{Rule, Value};

/// Type 0: a client asks for a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    raw: Raw,
    policy: Text,
    srcid: Option<Text>,
    payload: Text,
}

impl Request {
    pub(super) fn read(fields: &Fields<'_>, kind: &Value<'_>, limits: &Limits) -> Result<Self, Fault> {
        let srcid = fields.optional(Key::SrcId)?;
        Ok(Self {
            raw: Raw::new(fields, kind),
            policy: fields.policy(Key::PrivPoliId)?,
            srcid: srcid.map(|value| value.name(Rule::Peer)).transpose()?,
            payload: payload(fields, limits)?,
        })
    }

    /// How its type is written.
    pub fn spelling(&self) -> Spelling {
        self.raw.spelling()
    }

    /// The policy asked for; a number as its digits, so 111 and `"111"` are the same. 1 to 64 bytes, no control
    /// character, no comma, no space around it.
    pub fn policy(&self) -> &str {
        self.policy.of(self.raw.text())
    }

    /// What the client calls itself; a number as its digits. 1 to 64 bytes, no control character.
    pub fn srcid(&self) -> Option<&str> {
        Some(self.srcid.as_ref()?.of(self.raw.text()))
    }

    /// The payload, its escapes resolved.
    pub fn payload(&self) -> &str {
        self.payload.of(self.raw.text())
    }

    /// The packet as it came, without white space around it.
    pub fn raw(&self) -> &[u8] {
        self.raw.bytes()
    }

    /// Appends the packet as it came; only its type is written in `spelling`.
    pub fn write(&self, spelling: Spelling, out: &mut Vec<u8>) {
        self.raw.write("0", spelling, out);
    }
}
