//! What a packet says.

mod ack;
mod raw;
mod refused;
mod request;
mod setup;

pub use ack::Ack;
pub use refused::Refused;
pub use request::Request;
pub(crate) use setup::REGISTERED;
pub use setup::{Setup, SetupAnswer, parse_setup_answer};

use crate::fault::Fault;
use crate::fields::Fields;
use crate::key::Key;
use crate::limits::Limits;
use crate::text;
use crate::value::Value;

/// A packet, by its type.
#[derive(Debug, Clone)]
pub enum Packet {
    /// 0: a client asks for a policy.
    Request(Request),
    /// 1: a server says that it upholds a policy.
    Setup(Setup),
    /// 2: a server acknowledges a request.
    Ack(Ack),
    /// -1: what was asked could not be done.
    Error(Refused),
}

/// Reads `bytes`, one packet as [`Scan`](crate::Scan) finds it; white space around it is let pass.
///
/// # Errors
/// [`Code::NotJson`](crate::Code::NotJson) if they are not exactly one JSON value in UTF-8,
/// [`Code::PayloadTooLarge`](crate::Code::PayloadTooLarge) if payload or packet are beyond the limits,
/// [`Code::BadPacket`](crate::Code::BadPacket) for everything else: no object, too deep, too many fields, a field that
/// is missing, repeated, of the wrong type or out of bounds.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Packet, Fault> {
    let fields = Fields::read(bytes, limits)?;
    let kind = fields.required(Key::Type)?;
    match kind_of(&kind) {
        Some("0") => Request::read(&fields, &kind, limits).map(Packet::Request),
        Some("1") => Setup::read(&fields, &kind).map(Packet::Setup),
        Some("2") => Ack::read(&fields, &kind, limits).map(Packet::Ack),
        Some("-1") => Refused::read(&fields, &kind).map(Packet::Error),
        _ => {
            Err(kind
                .refuse("0 (request), 1 (setup), 2 (acknowledgement), -1 (error), as a number or a string"))
        }
    }
}

/// The type as a number's digits, whether it is written as a number or a string. Escapes in it are not resolved: nobody
/// writes a digit so.
fn kind_of<'a>(kind: &Value<'a>) -> Option<&'a str> {
    match kind.raw {
        "-0" => Some("0"),
        raw if kind.is_string() => Some(text::unquoted(raw)),
        raw => Some(raw),
    }
}

/// The payload, if it is within the limits.
fn payload(fields: &Fields<'_>, limits: &Limits) -> Result<text::Text, Fault> {
    let payload = fields.required(Key::Payload)?.text_in_place()?;
    let length = payload.of(fields.raw()).len();
    if length > limits.payload_bytes_max {
        return Err(Fault::too_large(format!(
            "payload: found {length} bytes; allowed: {}",
            limits.payload_bytes_max
        )));
    }
    Ok(payload)
}
