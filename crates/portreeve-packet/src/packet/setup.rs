use std::fmt;

use super::raw::Raw;
use super::{Packet, Refused, kind_of, parse};
use crate::fault::Fault;
use crate::fields::Fields;
use crate::key::Key;
use crate::limits::Limits;
use crate::spelling::Spelling;
use crate::value::{Rule, Value};

/// Type 1: a server says that it upholds a policy, and where it listens.
#[derive(Clone, PartialEq, Eq)]
pub struct Setup {
    /// How its type is written.
    pub spelling: Spelling,
    /// The server; a number as its digits. 1 to 64 bytes without control characters, commas, `@`, `/`, spaces around it.
    pub id: String,
    /// The policy that it upholds; a number as its digits. 1 to 64 bytes without control characters, commas, spaces
    /// around it.
    pub policy: String,
    /// Where it listens; never 0.
    pub port: u16,
    /// Where it listens if that is not where the packet came from: 1 to 255 visible ASCII characters, not looked at
    /// further. Member `host`, ours.
    pub host: Option<String>,
    /// What allows it to register: 1 to 512 visible ASCII characters. Member `token`, ours.
    pub token: Option<String>,
    /// How many milliseconds the registration lasts unless it is renewed by the same packet; never 0. Member `ttl_ms`,
    /// ours.
    pub ttl_ms: Option<u64>,
    raw: Raw,
}

impl Setup {
    pub(super) fn read(fields: &Fields<'_>, kind: &Value<'_>) -> Result<Self, Fault> {
        let raw = Raw::new(fields, kind);
        let id = fields.required(Key::Id)?.name(Rule::Id)?;
        let word = |key, max, is_secret| {
            let value = fields.optional(key)?;
            value.map(|value| value.word(max, is_secret)).transpose()
        };
        let ttl_ms = fields.optional(Key::TtlMs)?;
        Ok(Self {
            spelling: raw.spelling(),
            id: id.of(raw.text()).to_owned(),
            policy: fields.policy(Key::PrivPolyId)?.of(raw.text()).to_owned(),
            port: port(&fields.required(Key::ListenPort)?)?,
            host: word(Key::Host, HOST_BYTES_MAX, false)?,
            token: word(Key::Token, TOKEN_BYTES_MAX, true)?,
            ttl_ms: ttl_ms.map(|value| value.count(u64::MAX)).transpose()?,
            raw,
        })
    }

    /// The packet as it came, without white space around it. It holds the token.
    pub fn raw(&self) -> &[u8] {
        self.raw.bytes()
    }

    pub(crate) fn text(&self) -> &str {
        self.raw.text()
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Setup")
            .field("spelling", &self.spelling)
            .field("id", &self.id)
            .field("policy", &self.policy)
            .field("port", &self.port)
            .field("host", &self.host)
            .field("token", &self.token.as_ref().map(|_| "[redacted]"))
            .field("ttl_ms", &self.ttl_ms)
            .finish_non_exhaustive()
    }
}

/// How the proxy answers a setup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetupAnswer {
    /// It took it.
    Registered,
    /// It did not.
    Refused(Refused),
}

/// Reads what a proxy answers to a setup: `{"type": 1, "status": "registered", ...}` or an error packet.
///
/// # Errors
/// As [`parse`]; any other packet is a [`Code::BadPacket`](crate::Code::BadPacket).
pub fn parse_setup_answer(bytes: &[u8], limits: &Limits) -> Result<SetupAnswer, Fault> {
    let fields = Fields::read(bytes, limits)?;
    let kind = fields.required(Key::Type)?;
    if kind_of(&kind) == Some("1") {
        let status = fields.required(Key::Status)?;
        return match status.text()?.as_ref() {
            REGISTERED => Ok(SetupAnswer::Registered),
            _ => Err(status.refuse("\"registered\"")),
        };
    }
    match parse(bytes, limits)? {
        Packet::Error(refused) => Ok(SetupAnswer::Refused(refused)),
        _ => Err(kind.refuse("1 or -1 in an answer to a setup")),
    }
}

fn port(value: &Value<'_>) -> Result<u16, Fault> {
    let port = value.count(u16::MAX.into())?;
    Ok(u16::try_from(port).expect("it was held against the largest"))
}

/// The member `status` of the answer to a setup.
pub(crate) const REGISTERED: &str = "registered";

const HOST_BYTES_MAX: usize = 255;
const TOKEN_BYTES_MAX: usize = 512;
