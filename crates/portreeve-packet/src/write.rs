//! Packets of our own. Each writer appends one whole packet, with nothing before or behind it, to be sent in one write.

mod object;

use sha1::{Digest, Sha1};

use crate::fault::Code;
use crate::key::Key;
use crate::members::Members;
use crate::packet::{REGISTERED, Request, Setup};
use crate::scan::object_in;
use crate::spelling::Spelling;
use object::Object;

/// Appends an error packet: the fields of `asked`, the raw packet that it answers, with type -1 in `spelling`, then
/// `error` and `detail`. Of bytes that are no JSON object nothing is echoed; a `token` never is.
pub fn write_error(asked: Option<&[u8]>, spelling: Spelling, code: Code, detail: &str, out: &mut Vec<u8>) {
    let asked = asked.and_then(object_in).unwrap_or("{}");
    let mut object = Object::begin(out);
    let mut is_typed = false;
    for member in Members::of(asked) {
        let (name, value) = (&asked[member.name.clone()], &asked[member.value.clone()]);
        match member.key(asked) {
            Some(Key::Type) if is_typed => {}
            Some(Key::Type) => {
                is_typed = true;
                object.kind(spelling, "-1");
            }
            Some(Key::Error | Key::Detail | Key::Token) => {}
            _ => object.raw_member(name, value),
        }
    }
    if !is_typed {
        object.kind(spelling, "-1");
    }
    object.text("error", code.code());
    object.text("detail", detail);
    object.end();
}

/// Appends the answer to a setup that was taken: its id and policy as it wrote them, in its spelling.
pub fn write_registered(setup: &Setup, out: &mut Vec<u8>) {
    let asked = setup.text();
    let mut object = Object::begin(out);
    object.kind(setup.spelling, "1");
    object.text("status", REGISTERED);
    for member in Members::of(asked) {
        if let Some(Key::Id | Key::PrivPoliId | Key::PrivPolyId) = member.key(asked) {
            object.raw_member(&asked[member.name], &asked[member.value]);
        }
    }
    object.end();
}

/// Appends a request, its type written as a number. `srcid` and `policy` become numbers if they look like one.
pub fn write_request(srcid: &str, policy: &str, payload: &str, out: &mut Vec<u8>) {
    let mut object = Object::begin(out);
    object.kind(Spelling::Number, "0");
    object.name("srcid", srcid, Spelling::Number);
    object.name("privPoliId", policy, Spelling::Number);
    object.payload(payload);
    object.end();
}

/// Appends an acknowledgement, its type written as a number: its payload is the SHA-1 of `payload_of_request`. `destid`
/// is a JSON value as it stands in the request.
pub fn write_ack(srcid: &str, destid: Option<&str>, payload_of_request: &str, out: &mut Vec<u8>) {
    acknowledge(Spelling::Number, srcid, destid, payload_of_request, out);
}

/// Appends the acknowledgement of `asked`, in its spelling.
pub fn write_answer(asked: &Request, srcid: &str, out: &mut Vec<u8>) {
    let raw = str::from_utf8(asked.raw()).expect("a request is made of text");
    let from = Members::of(raw).find(|member| member.key(raw) == Some(Key::SrcId));
    let destid = from.map(|member| &raw[member.value]);
    acknowledge(asked.spelling(), srcid, destid, asked.payload(), out);
}

/// Appends a setup, its type written as a number. `id` and `policy` become numbers if they look like one.
pub fn write_setup(id: &str, policy: &str, port: u16, out: &mut Vec<u8>) {
    NewSetup::new(id, policy, port).write(out);
}

/// A setup to be written, with the fields that only we know.
#[derive(Clone, Copy)]
pub struct NewSetup<'a> {
    /// The server.
    pub id: &'a str,
    /// The policy that it upholds.
    pub policy: &'a str,
    /// Where it listens.
    pub port: u16,
    /// Where it listens if that is not where the packet comes from.
    pub host: Option<&'a str>,
    /// What allows it to register.
    pub token: Option<&'a str>,
    /// How many milliseconds the registration lasts unless it is renewed.
    pub ttl_ms: Option<u64>,
}

impl<'a> NewSetup<'a> {
    /// One with the fields that every peer knows.
    pub fn new(id: &'a str, policy: &'a str, port: u16) -> Self {
        Self {
            id,
            policy,
            port,
            host: None,
            token: None,
            ttl_ms: None,
        }
    }

    /// Appends the packet, its type written as a number.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::begin(out);
        object.kind(Spelling::Number, "1");
        object.name("id", self.id, Spelling::Number);
        object.name("privPolyId", self.policy, Spelling::Number);
        object.number("listenport", self.port.into());
        for (name, value) in [("host", self.host), ("token", self.token)] {
            value.into_iter().for_each(|value| object.text(name, value));
        }
        if let Some(ttl_ms) = self.ttl_ms {
            object.number("ttl_ms", ttl_ms);
        }
        object.end();
    }
}

/// The SHA-1 of a payload in 40 lower-case hexadecimal digits, as an acknowledgement carries it. It tells whether bytes
/// arrived whole; it is no protection against forgers.
pub fn payload_sha1(payload: &str) -> String {
    let digest = Sha1::digest(payload.as_bytes());
    let mut text = String::with_capacity(2 * digest.len());
    for byte in digest {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from(HEX[usize::from(half)]));
        }
    }
    text
}

fn acknowledge(spelling: Spelling, srcid: &str, destid: Option<&str>, payload: &str, out: &mut Vec<u8>) {
    let mut object = Object::begin(out);
    object.kind(spelling, "2");
    object.name("srcid", srcid, spelling);
    if let Some(destid) = destid {
        object.raw_member("\"destid\"", destid);
    }
    object.payload(&payload_sha1(payload));
    object.end();
}

const HEX: &[u8; 16] = b"0123456789abcdef";
