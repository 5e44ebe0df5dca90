use super::payload;
use super::raw::Raw;
use crate::fault::Fault;
use crate::fields::Fields;
use crate::key::Key;
use crate::limits::Limits;
use crate::spelling::Spelling;
use crate::text::Text;
use crate::value::{Rule, Value};

/// Type 2: a server acknowledges a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    raw: Raw,
    srcid: Option<Text>,
    destid: Option<Text>,
    payload: Text,
}

impl Ack {
    pub(super) fn read(fields: &Fields<'_>, kind: &Value<'_>, limits: &Limits) -> Result<Self, Fault> {
        // Nothing is decided by these, and some servers answer nobody (null) where the client gave no name.
        let peer = |key| {
            let value = fields.optional(key)?.filter(|value| value.raw != "null");
            value.map(|value| value.name(Rule::Peer)).transpose()
        };
        Ok(Self {
            raw: Raw::new(fields, kind),
            srcid: peer(Key::SrcId)?,
            destid: peer(Key::DestId)?,
            payload: payload(fields, limits)?,
        })
    }

    /// How its type is written.
    pub fn spelling(&self) -> Spelling {
        self.raw.spelling()
    }

    /// What the server calls itself; a number as its digits. 1 to 64 bytes, no control character.
    pub fn srcid(&self) -> Option<&str> {
        Some(self.srcid.as_ref()?.of(self.raw.text()))
    }

    /// The client that is answered; a number as its digits. 1 to 64 bytes, no control character.
    pub fn destid(&self) -> Option<&str> {
        Some(self.destid.as_ref()?.of(self.raw.text()))
    }

    /// What should be the SHA-1 of the request's payload; whether it is, is for the client to judge.
    pub fn payload(&self) -> &str {
        self.payload.of(self.raw.text())
    }

    /// The packet as it came, without white space around it.
    pub fn raw(&self) -> &[u8] {
        self.raw.bytes()
    }

    /// Appends the packet as it came; only its type is written in `spelling`.
    pub fn write(&self, spelling: Spelling, out: &mut Vec<u8>) {
        self.raw.write("2", spelling, out);
    }
}
